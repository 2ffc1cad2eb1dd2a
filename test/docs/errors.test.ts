// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { errors } from "../../ts/errors.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const page = readFileSync(`${root}docs/errors.md`, "utf8");

/** Lines of code, without comments, of all source files in a folder. */
function codeLines(folder: string): string[] {
  return readdirSync(root + folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(ts|c|h)$/.test(name))
    .flatMap((name) => readFileSync(`${root}${folder}/${name}`, "utf8").split("\n"))
    .filter((line) => !/^\s*(\*|\/\*|\/\/)/.test(line));
}

function matches(text: string, pattern: RegExp): string[] {
  return [...text.matchAll(pattern)].map((match) => match[1] ?? "").sort();
}

describe("docs/errors.md", () => {
  it("lists exactly the error codes of ts/errors.ts", () => {
    assert.deepEqual(matches(page, /^\| `(TENON_ERR_\w+)` \|/gm), Object.keys(errors).sort());
  });

  it("lists exactly the log tags that the code uses, each of one place only", () => {
    const code = [...codeLines("ts"), ...codeLines("apache")].join("\n");
    assert.deepEqual(matches(page, /^\| (TN\d{4}) \|/gm), matches(code, /\b(TN\d{4})\b/g));
  });
});
