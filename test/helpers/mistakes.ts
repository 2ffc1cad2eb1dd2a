// SPDX-License-Identifier: Apache-2.0
// Mistakes in a configuration, each of which `apachectl configtest` must refuse.
import assert from "node:assert/strict";
import { join } from "node:path";
import { configtest } from "./httpd.ts";

export interface Mistake {
  readonly title: string;
  readonly text: string;
  /** The line that httpd must name. */
  readonly line: string;
  /** What is wrong, and what to write instead. */
  readonly says: RegExp;
}

/** Adds a test for each mistake: it is refused, with file and line and what to write instead. */
export function refuses(mistakes: readonly Mistake[], load: readonly string[] = []): void {
  for (const { title, text, line, says } of mistakes) {
    it(`refuses ${title}, with file and line and what to write instead`, async () => {
      const { code, output, places, config } = await configtest({ text, load });
      assert.notEqual(code, 0, output);
      const message = output.replaceAll(/\s+/g, " ");
      assert.match(message, says);
      const number = config.split("\n").indexOf(line) + 1;
      const place = `line ${number} of ${join(places.directory, "httpd.conf")}`;
      assert.ok(message.includes(place), `no "${place}" in: ${output}`);
    });
  }
}
