// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { choiceSettings, numberSettings, textSettings } from "../../ts/settings/settings.ts";

const root = new URL("../../", import.meta.url);

function read(path: string): string {
  return readFileSync(new URL(path, root), "utf8");
}

/** Directives of two numbers, which the module keeps by hand. */
const pairs: ReadonlySet<string> = new Set([
  "TenonAge",
  "TenonMemory",
  "TenonProcesses",
  "TenonRequests",
]);

function shown(value: number, unit: string): string {
  return unit === "octal" ? `0${value.toString(8).padStart(3, "0")}` : String(value);
}

describe("settings/settings", () => {
  it("is the table of docs/settings.md", () => {
    const rows = [
      ...textSettings.map(({ key, directive, type, standard, text }) => [
        `\`${key}\``,
        `\`${directive}\``,
        type,
        standard === undefined ? "" : "empty",
        "",
        text,
      ]),
      ...numberSettings.map(({ key, directive, unit, standard, least, most, text }) => [
        `\`${key}\``,
        `\`${directive}\``,
        unit === "" ? "number" : unit,
        shown(standard, unit),
        `${shown(least, unit)} to ${shown(most, unit)}`,
        text,
      ]),
      ...choiceSettings.map(({ key, directive, type, choices, standard, text }) => [
        `\`${key}\``,
        `\`${directive}\``,
        type,
        standard,
        choices.join(", "),
        text,
      ]),
    ].map((cells) => `| ${cells.join(" | ")} |`.replace(/ {2,}/g, " "));
    const documented = read("docs/settings.md")
      .split("\n")
      .filter((line) => /^\| `\w+` \| `Tenon/.test(line) && !/TenonEnv|TenonWatch/.test(line));
    assert.deepEqual(documented, rows);
  });

  it("has the names, standards and ranges of apache/directives.h", () => {
    const header = read("apache/directives.h");
    const rows = [...header.matchAll(/X\(\w+, "(\w+)", "(\w+)", \w+, (\d+), (\d+), (\d+),/g)].map(
      ([, directive, key, standard, least, most]) => [
        directive,
        key,
        ...[standard, least, most].map((text) => cNumber(text ?? "")),
      ],
    );
    const ours = numberSettings
      .filter(({ directive }) => !pairs.has(directive))
      .map(({ directive, key, standard, least, most }) => [directive, key, standard, least, most]);
    assert.deepEqual(rows, ours);
    const texts = [...header.matchAll(/X\(\w+, "(\w+)", "(\w+)", [A-Z_]+, "/g)].map((match) =>
      match.slice(1, 3),
    );
    assert.deepEqual(
      texts,
      textSettings.map(({ directive, key }) => [directive, key]),
    );
  });
});

function cNumber(text: string): number {
  return text.startsWith("0") ? Number.parseInt(text, 8) : Number(text);
}
