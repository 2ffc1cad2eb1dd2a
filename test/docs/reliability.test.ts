// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));
const read = (path: string): string => readFileSync(root + path, "utf8");

const page = read("docs/reliability.md");
const directives = read("apache/directives.h");

function section(title: string): string {
  const [, text = ""] = page.split(`\n## ${title}\n`);
  return text.split("\n## ")[0] ?? "";
}

/** Rows of a table: the texts of its cells. */
function rows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => line.startsWith("| ") && !line.startsWith("|---"))
    .map((line) => line.split("|").slice(1, -1))
    .map((cells) => cells.map((cell) => cell.trim()))
    .slice(1);
}

describe("docs/reliability.md", () => {
  const limits = rows(section("Time limits"));

  it("has a row for each time limit, with its standard", () => {
    const told = new Map(limits.map(([, name = "", standard = ""]) => [name, standard]));
    const inCode = [...directives.matchAll(/"(Tenon\w+)", (?:"\w+", )?TIME, (\d+),/g)].map(
      ([, name = "", ms]): [string, string] => [`\`${name}\``, `${Number(ms) / 1000} s`],
    );
    assert.ok(inCode.length >= 8);
    const [, hook] = /#define STANDARD_TIMEOUT (\d+)/.exec(read("apache/config/hook.c")) ?? [];
    const takeover = /#define TAKEOVER_TIME\s+apr_time_from_sec\((\d+)\)/;
    const [, seconds] = takeover.exec(read("apache/supervise.c")) ?? [];
    inCode.push(["`TAKEOVER_TIME`, not to be set", `${seconds} s`]);
    inCode.push(["`timeout=`", `${Number(hook) / 1000} s`]);
    assert.deepEqual([...told].sort(), inCode.sort());
  });

  it("tells what the client sees and what is logged, by tags that there are", () => {
    const errors = read("docs/errors.md");
    const overload = rows(section("Overload")).map((cells) => cells.at(-1) ?? "");
    for (const [name, , , , sees = "", logged = ""] of limits) {
      assert.notEqual(sees, "", name);
      assert.match(logged, /^TN\d{4}(, TN\d{4})*$/, name);
      overload.push(logged);
    }
    for (const tag of overload.flatMap((text) => text.match(/TN\d{4}/g) ?? []))
      assert.ok(errors.includes(`| ${tag} |`), tag);
  });

  it("tells the standard of each bound", () => {
    for (const [, bound = ""] of rows(section("Overload"))) {
      const [, name = "", told] = /^`(\w+)` \((\d+)( s|%)?\)$/.exec(bound) ?? [];
      const row = new RegExp(`"${name}", (?:"\\w+", )?(\\w+), (-?\\d+),`).exec(directives);
      const number = Math.abs(Number(row?.[2])) / (row?.[1] === "TIME" ? 1000 : 1);
      assert.equal(number, Number(told), bound);
    }
  });
});
