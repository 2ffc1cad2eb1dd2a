// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { Sample, Samples } from "../../bench/measure.ts";
import { median, missed, toRows, toTables } from "../../bench/report.ts";

const sample = (cpu: number): Sample => ({ cpu, rate: 1000, p50: 10, p99: 20 });

function samplesOf(tenon: readonly number[], handler: readonly number[]): Samples {
  const content = new Map([
    ["tenon", tenon.map(sample)],
    ["handler", handler.map(sample)],
  ] as const);
  return new Map([["content", content]]);
}

describe("bench/report", () => {
  it("takes the middle of odd numbers and between the middle of even ones", () => {
    assert.equal(median([9, 1, 5]), 5);
    assert.equal(median([4, 1, 2, 100]), 3);
    assert.ok(Number.isNaN(median([])));
  });

  it("compares within a round, so that a slow round spoils no ratio", () => {
    const rows = toRows(samplesOf([30, 60, 300], [20, 40, 200]));
    assert.deepEqual(
      rows.find(({ name }) => name === "content.tenon/handler.cpu"),
      { name: "content.tenon/handler.cpu", value: 1.5, unit: "ratio", limit: 1.75 },
    );
  });

  it("gives every figure a row with its unit, and no limit", () => {
    const rows = toRows(samplesOf([30], [20]));
    assert.deepEqual(
      rows.find(({ name }) => name === "content.tenon.cpu"),
      { name: "content.tenon.cpu", value: 30, unit: "CPU µs/request", limit: null },
    );
    assert.equal(rows.length, 9);
  });

  it("leaves out ratios whose contenders were not measured", () => {
    const names = toRows(samplesOf([30], [20])).map(({ name }) => name);
    assert.ok(!names.some((name) => name.includes("/proxy")));
  });

  it("finds a missed limit and says so in the table", () => {
    const samples = samplesOf([36], [20]);
    assert.deepEqual(
      missed(toRows(samples)).map(({ name }) => name),
      ["content.tenon/handler.cpu"],
    );
    assert.match(toTables(samples), /tenon \/ handler .* 1\.80 .*MISSED/);
    assert.match(toTables(samplesOf([34], [20])), /tenon \/ handler .* 1\.70 .*reached/);
  });
});
