// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ContenderName, contenders } from "../../bench/contenders.ts";
import { contendersOf, findMissing } from "../../bench/measure.ts";
import { type ScenarioName, scenarios } from "../../bench/scenarios.ts";

const names = Object.keys(contenders) as ContenderName[];

describe("bench/measure", () => {
  it("measures a contender only where the scenario has it and the run wants it", () => {
    assert.deepEqual(contendersOf("latency", ["node", "static", "tenon"]), ["tenon", "node"]);
  });

  it("has every contender in some scenario", () => {
    const measured = (Object.keys(scenarios) as ScenarioName[]).flatMap((each) =>
      contendersOf(each, names),
    );
    assert.deepEqual(
      names.filter((name) => !measured.includes(name)),
      [],
    );
  });

  it("leaves out what the machine lacks and says which package brings it", () => {
    const needs = { path: () => "/nowhere/mod_lua.so", packages: "lua-package" };
    const specs = { ...contenders, "access-lua": { ...contenders["access-lua"], needs } };
    const missing = findMissing(["page", "access-lua"], specs);
    assert.deepEqual([...missing.keys()], ["access-lua"]);
    assert.match(missing.get("access-lua") ?? "", /no \/nowhere\/mod_lua\.so .*lua-package/);
  });

  it("needs nothing of the machine for what the limits are about but libfcgi", () => {
    const needy = names.filter((name) => contenders[name].needs !== undefined);
    assert.ok(!needy.some((name) => name.includes("tenon") || name.startsWith("page")));
    assert.ok(needy.includes("basic-fcgi"));
  });
});
