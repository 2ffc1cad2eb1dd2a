// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { differences } from "../conformance/differences.ts";
import { root } from "../helpers/httpd.ts";

const page = readFileSync(join(root, "docs", "compatibility.md"), "utf8");

/** The rows of the table behind a mark. */
function rowsOf(mark: string): string[] {
  const table = page.split(`<!-- differences ${mark} -->\n`)[1]?.split("\n\n")[0] ?? "";
  return table.split("\n").slice(2);
}

describe("docs/compatibility.md", () => {
  for (const host of new Set(differences.map((each) => each.host))) {
    it(`shows what test/conformance/differences.ts lists of ${host}`, () => {
      const listed = differences.filter((each) => each.host === host);
      assert.deepEqual(
        rowsOf(host),
        listed.map(({ what, why }) => `| ${what} | ${why} |`),
      );
    });
  }
});
