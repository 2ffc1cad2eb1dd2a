// SPDX-License-Identifier: Apache-2.0
// All cases on all hosts, as a suite: what `npm run conformance` runs.
import assert from "node:assert/strict";
import { cases } from "./cases.ts";
import { differences } from "./differences.ts";
import { hostNames, hosts, reference } from "./hosts.ts";
import { type Report, runCases } from "./run.ts";

describe("conformance", function () {
  this.timeout(180_000);
  let report: Report;

  before(async () => {
    report = await runCases(cases, hostNames);
  });

  it("leaves nothing behind that a host complains of", () => {
    assert.deepEqual(report.complaints, []);
  });

  it("has no two cases of one name", () => {
    assert.equal(new Set(cases.map(({ name }) => name)).size, cases.length);
  });

  it("expects something of every case", () => {
    const vague = cases.filter(({ expect }) => Object.keys(expect).length === 0);
    const empty = vague.filter(({ expect }) => typeof expect !== "function");
    assert.deepEqual(
      empty.map(({ name }) => name),
      [],
    );
  });

  it("lists differences of cases that are there, each once, and none of the reference", () => {
    const listed = differences.flatMap(({ host, cases: of }) =>
      Object.keys(of).map((name) => `${host}: ${name}`),
    );
    assert.equal(new Set(listed).size, listed.length);
    const all = new Set(hostNames.flatMap((host) => cases.map(({ name }) => `${host}: ${name}`)));
    assert.deepEqual(
      listed.filter((name) => !all.has(name)),
      [],
    );
    assert.deepEqual(
      differences.filter(({ host }) => host === reference),
      [],
    );
  });

  for (const name of hostNames) {
    describe(hosts[name].text, () => {
      for (const each of cases.filter(({ setup }) => hosts[name].serves(setup))) {
        it(`${each.area}: ${each.name}`, () => {
          const result = report.results.find((one) => one.case === each && one.host === name);
          assert.ok(result !== undefined, "was not run");
          assert.notEqual(result.verdict, "failed", result.text);
        });
      }
    });
  }
});
