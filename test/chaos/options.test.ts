// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chaosHelp, parseChaosOptions, parseSoakOptions } from "./options.ts";
import { complaintsOf, toRows, toTable } from "./report.ts";
import type { Result } from "./run.ts";
import { scenarios } from "./scenarios.ts";

const result: Result = {
  name: "kill",
  mpm: "event",
  figures: [
    { name: "sent", value: 10, unit: "requests", limit: null },
    { name: "failed-get", value: 1, unit: "requests", limit: 0 },
  ],
  own: [],
  failures: "get 502×1",
  error: undefined,
};

describe("chaos/options", () => {
  it("does everything on event unless told otherwise", () => {
    const options = parseChaosOptions([]);
    assert.deepEqual(options.scenarios, [...scenarios.keys()]);
    assert.deepEqual(options.mpms, ["event"]);
    assert.ok(options.seed > 0);
  });

  it("takes lists of names, and says which there are", () => {
    const options = parseChaosOptions([
      "--only",
      "kill,loop",
      "--mpm",
      "worker,prefork",
      "--seed=7",
    ]);
    assert.deepEqual(options.scenarios, ["kill", "loop"]);
    assert.deepEqual(options.mpms, ["worker", "prefork"]);
    assert.equal(options.seed, 7);
    assert.throws(() => parseChaosOptions(["--only", "nothing"]), /no nothing; there are kill,/);
    assert.throws(() => parseSoakOptions(["--minutes", "0"]), /--minutes must be a whole number/);
  });

  it("lists every scenario in its help", () => {
    for (const name of scenarios.keys()) assert.match(chaosHelp(), new RegExp(`^  ${name} `, "m"));
  });
});

describe("chaos/report", () => {
  it("names what is beyond its limit", () => {
    assert.deepEqual(complaintsOf(result), ["chaos.event.kill.failed-get: 1 requests, at most 0"]);
    assert.match(toTable([result]), /kill .*MISSED +get 502×1$/m);
  });

  it("counts an error as a row that is beyond its limit", () => {
    const rows = toRows({ ...result, figures: [], error: "it broke" });
    assert.deepEqual(rows, [
      { name: "chaos.event.kill.errors", value: 1, unit: "errors", limit: 0 },
    ]);
  });
});
