// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { HookRequest } from "../../ts/hooks/request.ts";
import { phaseRows } from "../../ts/wire/protocol.ts";
import { root } from "../helpers/httpd.ts";

const page = readFileSync(join(root, "docs", "hooks.md"), "utf8");

/** The section under a heading. */
function section(title: string): string {
  return page.split(/^## /m).find((text) => text.startsWith(`${title}\n`)) ?? "";
}

/** The cells of a section's tables, row by row. */
function rows(title: string): string[][] {
  const lines = section(title).split("\n");
  return lines
    .filter((line) => /^\| [`a-z]/.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim()))
    .map((cells) => cells.slice(1, -1));
}

/** The names in code of a text. */
function names(text: string): string[] {
  return [...text.matchAll(/`(\w+)`/g)].map((match) => match[1] ?? "");
}

describe("docs/hooks.md", () => {
  it("has each phase as the protocol has it, in its order", () => {
    const where = {
      SERVER: "server, virtual host",
      LOCATION: "also `<Location>`",
      ANY: "anywhere",
    };
    const fails = (onError: number): string => {
      if (onError === 0) return "its own way";
      return onError < 0 ? "goes on" : String(onError);
    };
    const meanings = readFileSync(join(root, "native", "wire", "protocol.h"), "utf8");
    const expected = phaseRows.map(({ directive, exported, kind, context, onError }) => {
      const meaning = new RegExp(`X\\(${directive.toUpperCase()}, .*"(.*)"\\)`).exec(meanings)?.[1];
      return [
        `\`${directive}\``,
        `\`${exported}\``,
        kind,
        where[context],
        fails(onError),
        meaning ?? "",
      ];
    });
    assert.deepEqual(
      rows("Phases").filter((cells) => cells.length === 6 && cells[0] !== "phase"),
      expected,
    );
  });

  it("has each field of the request, and no other", () => {
    const told = rows("The request").flatMap(([field = ""]) => names(field));
    const fields = Object.entries(Object.getOwnPropertyDescriptors(HookRequest.prototype))
      .filter(([, { get }]) => get !== undefined)
      .map(([name]) => name);
    assert.deepEqual(told.sort(), fields.sort());
  });

  it("says of a field that it can be set where it can", () => {
    const descriptors = Object.getOwnPropertyDescriptors(HookRequest.prototype);
    const settable = Object.entries(descriptors)
      .filter(([, { set }]) => set !== undefined)
      .map(([name]) => name);
    const told = rows("The request").filter(([, text = ""]) => /\bset\b/.test(text));
    const all = told.flatMap(([field = ""]) => names(field));
    for (const name of settable) assert.ok(all.includes(name), name);
  });

  it("has each method of the request", () => {
    const methods = Object.entries(Object.getOwnPropertyDescriptors(HookRequest.prototype))
      .filter(([name, { value }]) => typeof value === "function" && name !== "constructor")
      .map(([name]) => name);
    for (const name of methods) assert.ok(page.includes(`r.${name}(`), name);
  });

  it("has each phase in the table of hosts", () => {
    const told = rows("Other hosts").flatMap(([phases = ""]) => phases.split(", "));
    assert.deepEqual(told.sort(), ["phase", ...phaseRows.map(({ directive }) => directive)].sort());
  });
});
