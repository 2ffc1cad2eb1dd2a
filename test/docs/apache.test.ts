// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(`${root}docs/apache.md`, "utf8");
const directives = readFileSync(`${root}apache/directives.h`, "utf8");

const code = readdirSync(`${root}apache`, { encoding: "utf8", recursive: true })
  .filter((name) => /\.[ch]$/.test(name))
  .map((name) => readFileSync(`${root}apache/${name}`, "utf8"))
  .join("\n");

function sortedMatches(text: string, pattern: RegExp): string[] {
  return [...new Set([...text.matchAll(pattern)].map((match) => match[1] ?? ""))].sort();
}

/** How a number is written in the configuration; undefined: as it is. */
function shown(kind: string | undefined, number: number): string | undefined {
  if (kind === "TIME") return String(number / 1000);
  if (kind === "SIZE") return `${number / 1024}M`;
  return kind === "SHARE" && number < 0 ? `${-number}%` : undefined;
}

/** Rows of the page: directive to the text of its default. */
const defaults = new Map(
  [...page.matchAll(/^\| `(Tenon\w+)` \| (.*?) \|/gm)].map(([, name, text]) => [name, text]),
);

describe("docs/apache.md", () => {
  it("lists exactly the directives that the module has", () => {
    const inCode = sortedMatches(code, /"(Tenon[A-Z]\w*)",/g);
    assert.ok(inCode.length >= 18);
    assert.deepEqual([...defaults.keys()].sort(), inCode);
  });

  it("tells the default of each number as the module has it", () => {
    const rows = [
      ...directives.matchAll(/"(Tenon\w+)", (?:"\w+", )?(COUNT|TIME|OCTAL|SIZE|SHARE), (-?\d+),/g),
    ];
    assert.ok(rows.length >= 9);
    for (const [, name = "", kind, value] of rows) {
      const number = Number(value);
      assert.equal(defaults.get(name), `\`${shown(kind, number) ?? value}\``, name);
    }
  });
});
