// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readBasic } from "../../ts/hooks/parts.ts";
import { type CacheTerms, decision } from "../../ts/hooks/results.ts";
import { States } from "../../ts/hooks/state.ts";
import { headerRules, PairTable } from "../../ts/hooks/table.ts";
import { bytesOf, textOf } from "../../ts/hooks/text.ts";
import { EntryOperation } from "../../ts/wire/protocol.ts";

describe("tables of hooks", () => {
  function table(pairs: string[]): { table: PairTable; changes: unknown[][] } {
    const changes: unknown[][] = [];
    const made = new PairTable(pairs, headerRules, (...change) => changes.push(change));
    return { table: made, changes };
  }

  it("find names in any case, the first or all of them", () => {
    const { table: headers } = table(["Accept", "a", "X", "1", "aCCEPT", "b"]);
    assert.equal(headers.get("ACCEPT"), "a");
    assert.deepEqual(headers.getAll("accept"), ["a", "b"]);
    assert.equal(headers.get("Accep"), undefined);
    assert.deepEqual(headers.getAll("y"), []);
    assert.equal(headers.has("x"), true);
    assert.equal(headers.has("y"), false);
    assert.equal(headers.size, 3);
    assert.deepEqual(
      [...headers],
      [
        ["Accept", "a"],
        ["X", "1"],
        ["aCCEPT", "b"],
      ],
    );
  });

  it("tell each change and read as changed", () => {
    const { table: headers, changes } = table(["A", "1", "a", "2", "B", "3"]);
    headers.set("a", "4");
    headers.append("B", "5");
    headers.delete("c");
    assert.deepEqual(
      [...headers],
      [
        ["B", "3"],
        ["a", "4"],
        ["B", "5"],
      ],
    );
    headers.delete("b");
    assert.equal(headers.size, 1);
    assert.deepEqual(changes, [
      [EntryOperation.SET, "a", "4"],
      [EntryOperation.ADD, "B", "5"],
      [EntryOperation.UNSET, "c", undefined],
      [EntryOperation.UNSET, "b", undefined],
    ]);
  });

  it("are as they were when a change is refused", () => {
    const { table: headers, changes } = table(["A", "1"]);
    assert.throws(() => headers.set("A", "\n"), TypeError);
    assert.throws(() => headers.delete("A B"), TypeError);
    assert.deepEqual([...headers], [["A", "1"]]);
    assert.deepEqual(changes, []);
  });
});

describe("texts of hooks", () => {
  for (const text of ["", "plain", "\u00e9", "\u20ac\ud83d\ude00"]) {
    it(`${JSON.stringify(text)} is the same there and back`, () => {
      assert.equal(textOf(bytesOf(text)), text);
      assert.match(bytesOf(text), /^[\0-\u00ff]*$/);
    });
  }
});

describe("credentials of the scheme Basic", () => {
  function basic(text: string, scheme = "Basic"): string {
    return `${scheme} ${Buffer.from(text).toString("base64")}`;
  }

  it("are user and password, in UTF-8", () => {
    assert.deepEqual(readBasic(basic("ann:a:b\u20ac")), { user: "ann", password: "a:b\u20ac" });
    assert.deepEqual(readBasic(basic(":", "bASIC")), { user: "", password: "" });
  });

  for (const header of [
    undefined,
    "",
    "Basic",
    "Basic ",
    "Basic *",
    basic("no colon"),
    basic("a:b", "Bearer"),
    `${basic("a:b")} x`,
  ]) {
    it(`are none in ${JSON.stringify(header)}`, () => {
      assert.equal(readBasic(header), undefined);
    });
  }
});

describe("decision()", () => {
  it("joins a result and its terms", () => {
    const cache: CacheTerms = { ttl: 1, vary: ["user"] };
    assert.deepEqual(decision(403, { cache }), { result: 403, cache });
    assert.deepEqual(decision(true), { result: true, cache: undefined });
  });

  for (const ttl of [0, -1, 0.5, Number.NaN, 2 ** 32, "1"]) {
    it(`refuses the ttl ${JSON.stringify(ttl)}`, () => {
      assert.throws(() => decision(0, { cache: { ttl: ttl as number, vary: [] } }), TypeError);
    });
  }

  it("refuses what varies by no names", () => {
    for (const vary of [undefined, "user", [1]]) {
      assert.throws(() => decision(0, { cache: { ttl: 1, vary: vary as [] } }), TypeError);
    }
  });
});

describe("states of requests", () => {
  it("are kept by id until they are forgotten", () => {
    const states = new States();
    states.of("a")["x"] = 1;
    assert.equal(states.of("a")["x"], 1);
    assert.equal(states.has("b"), false);
    assert.deepEqual(states.of("b"), {});
    states.forget("a");
    assert.equal(states.has("a"), false);
    assert.equal(states.size, 1);
  });

  it("are let go of ten minutes after they were used last", () => {
    let now = 0;
    const states = new States(() => now);
    states.of("old");
    states.of("used");
    now = 400_000;
    states.of("used");
    now = 601_000;
    states.of("new");
    assert.deepEqual([states.has("old"), states.has("used")], [false, true]);
    now = 1_100_000;
    states.of("new");
    assert.equal(states.size, 1);
  });

  it("are let go of when 20,000 others were used since", () => {
    const states = new States();
    states.of("old");
    states.of("used");
    for (let number = 0; number < 19_998; number++) states.of(`${number}`);
    states.of("used");
    assert.equal(states.has("old"), true);
    states.of("one more");
    assert.deepEqual([states.has("old"), states.has("used"), states.size], [false, true, 20_000]);
  });
});
