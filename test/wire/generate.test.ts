// SPDX-License-Identifier: Apache-2.0
// One definition of the protocol: protocol.h, what is generated from it, what the C compiler sees, and the document agree.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as protocol from "../../ts/wire/protocol.ts";
import { root, runProgram } from "./build-c.ts";

interface Row {
  readonly name: string;
  readonly value: number;
  readonly meaning: string;
}

interface Generator {
  readTables(source: string): Readonly<Record<string, readonly Row[]>>;
  generate(source: string): Readonly<Record<string, string>>;
  readonly tableNames: Readonly<Record<string, string>>;
}

const generator = (await import(
  new URL("../../native/wire/generate.mjs", import.meta.url).href
)) as Generator;
const source = readFileSync(`${root}native/wire/protocol.h`, "utf8");

/** The tables by their name in TypeScript. */
const tables = Object.entries(generator.readTables(source)).map(([name, rows]) => {
  return [generator.tableNames[name] ?? "", rows] as const;
});
const exported = protocol as unknown as Readonly<Record<string, Readonly<Record<string, number>>>>;

describe("native/wire/generate.mjs", () => {
  for (const [path, text] of Object.entries(generator.generate(source))) {
    it(`would write ${path} as it is (else run: npm run gen)`, () => {
      assert.equal(readFileSync(root + path, "utf8"), text);
    });
  }

  const broken: readonly (readonly [string, string, string, RegExp])[] = [
    ["a value that is no number", "X(HELLO, 0x01,", "X(HELLO, ONE,", /not a row/],
    ["a value used twice", "X(REQUEST, 0x02,", "X(REQUEST, 0x01,", /used twice/],
    ["a name used twice", "X(REQUEST, 0x02,", "X(HELLO, 0x02,", /used twice/],
    ["a table that it does not know", "WIRE_PHASES(X)", "WIRE_OTHERS(X)", /unknown table/],
    ["a line between tables", "/* Phases a", "int phases;\n/* Phases a", /not understood/],
  ];
  for (const [name, from, to, error] of broken) {
    it(`refuses ${name}`, () => {
      assert.ok(source.includes(from));
      assert.throws(() => generator.readTables(source.replace(from, to)), error);
    });
  }

  it("refuses a row over two lines", () => {
    const cut = source.replace(/(X\(PULL, 0x04,) /, "$1\\\n");
    assert.notEqual(cut, source);
    assert.throws(() => generator.readTables(cut), /not a row/);
  });

  it("refuses a source without one of the tables", () => {
    assert.throws(() => generator.readTables(""), /no table WIRE_NUMBERS/);
  });
});

describe("ts/wire/protocol.ts", () => {
  it("has the rows and values that the C compiler sees", () => {
    const lines = runProgram(["tables.c"], "", ["tables"]);
    const expected = tables.flatMap(([table]) => {
      return Object.entries(exported[table] ?? {}).map(
        ([row, value]) => `${table} ${row} ${value}`,
      );
    });
    const names = protocol.headerNames.flatMap((name, code) => {
      return name === undefined ? [] : [`headerNames ${name} ${code}`];
    });
    assert.deepEqual(lines, [...expected, ...names]);
  });

  it("keeps every row that was released, and gives no value of one to another", () => {
    const text = readFileSync(`${root}test/wire/released.json`, "utf8");
    const released = JSON.parse(text) as Record<string, Record<string, number>>;
    for (const [table, rows] of Object.entries(released)) {
      const present = new Map(Object.entries(exported[table] ?? {}).map(([n, v]) => [v, n]));
      for (const [name, value] of Object.entries(rows))
        assert.equal(present.get(value), name, `${table}.${name} was released as ${value}`);
    }
  });
});

describe("docs/protocol.md", () => {
  const text = readFileSync(`${root}docs/protocol.md`, "utf8");
  const documented = new Map<string, Row[]>();
  for (const [, table = "", body = ""] of text.matchAll(/<!-- table (\w+) -->\n((?:\|.*\n)+)/g)) {
    const rows = body.trimEnd().split("\n").slice(2);
    documented.set(
      table,
      rows.map((line) => {
        const [, name = "", value = "", meaning = ""] = line.split("|").map((cell) => cell.trim());
        return { name: name.replaceAll("`", ""), value: Number(value), meaning };
      }),
    );
  }

  it("has every table and no other", () => {
    assert.deepEqual([...documented.keys()].sort(), tables.map(([table]) => table).sort());
  });

  for (const [table, rows] of tables) {
    it(`lists every row of ${table} and nothing else`, () => {
      const expected = rows.map(({ name, value, meaning }) => ({ name, value, meaning }));
      assert.deepEqual(documented.get(table), expected);
    });
  }
});
