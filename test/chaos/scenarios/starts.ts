// SPDX-License-Identifier: Apache-2.0
// Applications that do not start.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask } from "../../helpers/http-client.ts";
import { pool } from "../../helpers/httpd.ts";
import type { Scenario } from "../scenario.ts";
import { application } from "../site.ts";

const good = `export { default } from ${JSON.stringify(application)};\n`;

const broken: Readonly<Record<string, string>> = {
  throws: 'throw new Error("does not start");\n',
  exits: "process.exit(3);\n",
  syntax: "export default function (\n",
};

/** A pool whose application is broken, then right. */
function starting(name: string): Scenario {
  const file = (folder: string): string => join(folder, "starting.ts");
  return {
    text: `an application that ${name === "syntax" ? "has a syntax error" : name} at its start, then is mended`,
    expects: ["TN0212", "TN0213", "TN0214", "TN0002", "TN0003", "TN0255", "TN0257"],
    directives: ({ htdocs }) => {
      writeFileSync(file(htdocs), broken[name] ?? "");
      return pool("starting", "TenonProcesses 0 2\nTenonQueueTimeout 500ms", file(htdocs));
    },
    fault: async (site) => {
      const { htdocs } = site.httpd.places;
      const url = `${site.httpd.url}/starting/get?id=starting`;
      let refusedMs = 0;
      const refused = async (): Promise<boolean> => {
        const start = performance.now();
        assert.equal((await ask(url)).status, 503, "a broken application answers");
        refusedMs = performance.now() - start;
        return site.httpd
          .log()
          .lines()
          .some((line) => /TN0255: \[starting/.test(line));
      };
      await site.until("the breaker", refused);
      await refused();
      site.figure("refused", Number(refusedMs.toFixed(1)), "ms", 500);
      writeFileSync(file(htdocs), good);
      const start = performance.now();
      await site.until("the mended application", async () => (await ask(url)).status === 200);
      site.figure("mended", Math.round(performance.now() - start), "ms", 15_000);
    },
    limits: { recoveryMs: 5000 },
  };
}

export const starts: Readonly<Record<string, Scenario>> = {
  "start-throws": starting("throws"),
  "start-exits": starting("exits"),
  "start-syntax": starting("syntax"),
};
