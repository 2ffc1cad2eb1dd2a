// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import fc from "fast-check";
import { TenonError } from "../../ts/errors.ts";
import { parseConfig } from "../../ts/settings/load.ts";
import { choiceSettings, numberSettings, textSettings } from "../../ts/settings/settings.ts";

type Entry = Record<string, unknown>;

const POOL: Entry = { name: "hello", app: "/srv/app.ts", user: "www-data", directory: "/srv" };

function configOf(pool: Entry, changes: Entry = {}): string {
  const ids = { pid: 1, uid: 0, gid: 0 };
  return JSON.stringify({
    version: 1,
    parent: ids,
    host: { uid: 33, gid: 33 },
    logLevel: 5,
    pools: [pool],
    ...changes,
  });
}

function refusal(text: string): string {
  try {
    parseConfig(text);
  } catch (error) {
    assert.ok(error instanceof TenonError, String(error));
    return `${error.code}: ${error.message}`;
  }
  assert.fail(`taken: ${text}`);
}

describe("settings/load", () => {
  it("gives every setting that is not there its standard value", () => {
    const { pools, logLevel, host, parent } = parseConfig(configOf(POOL));
    const expected: Entry = { ...POOL, environment: {}, exports: [], watch: [] };
    for (const row of [...numberSettings, ...textSettings, ...choiceSettings])
      expected[row.key] ??= row.standard;
    assert.deepEqual(JSON.parse(JSON.stringify(pools[0])), expected);
    assert.deepEqual(
      { logLevel, host, parent },
      { logLevel: 5, host: { uid: 33, gid: 33 }, parent: { pid: 1, uid: 0, gid: 0 } },
    );
  });

  it("takes every number of its range and names pool, key, range and value of any other", () => {
    for (const { key, least, most } of numberSettings) {
      const pair = key === "processesMin" ? { processesMax: 128 } : {};
      for (const value of [least, most]) {
        assert.equal(
          parseConfig(configOf({ ...POOL, ...pair, [key]: value })).pools[0]?.[key],
          value,
        );
      }
      for (const value of [least - 1, most + 1, least + 0.5, "1", null]) {
        assert.equal(
          refusal(configOf({ ...POOL, ...pair, [key]: value })),
          `TENON_ERR_CONFIG_VALUE: pool 'hello': ${key} must be a whole number from ${least} to ${most}, ` +
            `not ${JSON.stringify(value)}`,
        );
      }
    }
  });

  it("refuses a minimum above the maximum", () => {
    const text = refusal(configOf({ ...POOL, processesMin: 3, processesMax: 2 }));
    assert.match(text, /pool 'hello': processesMin must be at most processesMax \(2\), not 3$/);
  });

  it("refuses texts that are missing, relative, or hold NUL", () => {
    assert.match(refusal(configOf({ ...POOL, app: undefined })), /app must be a text/);
    assert.match(refusal(configOf({ ...POOL, app: "app.ts" })), /app must be an absolute path/);
    assert.match(refusal(configOf({ ...POOL, user: "" })), /user must be given/);
    assert.match(refusal(configOf({ ...POOL, directory: "/a\0b" })), /directory must be a text/);
  });

  it("refuses a pool name that is no file name, and one that is there twice", () => {
    for (const name of ["", "..", "a/b", ".hidden", "x".repeat(65), 7]) {
      assert.match(
        refusal(configOf({ ...POOL, name })),
        /^TENON_ERR_CONFIG_VALUE: pool 0: name must/,
      );
    }
    assert.match(refusal(configOf(POOL, { pools: [POOL, POOL] })), /that of one pool only/);
  });

  it("takes names of exports and nothing else", () => {
    const exports = ["accessChecker", "*", "$", "\u00fcber"];
    assert.deepEqual(parseConfig(configOf({ ...POOL, exports })).pools[0]?.exports, exports);
    for (const wrong of ["a", [1], ["a b"], ["1a"], [""], {}]) {
      assert.match(refusal(configOf({ ...POOL, exports: wrong })), /exports must be an array/);
    }
  });

  it("refuses variables that no environment can hold", () => {
    assert.match(refusal(configOf({ ...POOL, environment: { "A=B": "1" } })), /environment/);
    assert.match(refusal(configOf({ ...POOL, environment: { A: 1 } })), /environment\.A/);
    assert.match(refusal(configOf({ ...POOL, environment: { A: "a\0" } })), /environment\.A/);
    assert.match(refusal(configOf({ ...POOL, environment: [] })), /environment/);
  });

  it("keeps a variable named __proto__ a variable", () => {
    const text = configOf(POOL).replace('"name"', '"environment":{"__proto__":"x"},"name"');
    assert.deepEqual(Object.entries(parseConfig(text).pools[0]?.environment ?? {}), [
      ["__proto__", "x"],
    ]);
  });

  it("refuses text that is not JSON, and another version", () => {
    assert.match(refusal("{"), /^TENON_ERR_CONFIG_FORMAT/);
    assert.match(
      refusal(configOf(POOL, { version: 2 })),
      /^TENON_ERR_CONFIG_FORMAT.*version must be 1/,
    );
  });

  it("answers any JSON with a configuration or an error of its own", () => {
    const pool = fc.dictionary(
      fc.constantFrom("name", ...[...numberSettings, ...textSettings].map(({ key }) => key)),
      fc.jsonValue(),
    );
    const text = fc.oneof(
      fc.json(),
      pool.map((entry) => configOf({ ...POOL, ...entry })),
      fc.jsonValue().map((value) => configOf(POOL, { pools: value })),
    );
    fc.assert(
      fc.property(text, (given) => {
        try {
          parseConfig(given);
        } catch (error) {
          assert.ok(error instanceof TenonError, String(error));
        }
      }),
    );
  });
});
