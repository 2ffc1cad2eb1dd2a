// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  type Backoff,
  backoffAfter,
  LONGEST_DELAY_MS,
  LONGEST_SERVED_DELAY_MS,
  noBackoff,
  SERVED_WELL_MS,
} from "../../ts/supervisor/backoff.ts";

/** The delays that a row of failures at time 0 costs. */
function delays(count: number, readyMs: number | undefined, random: number): number[] {
  let backoff: Backoff = noBackoff;
  const all: number[] = [];
  for (let index = 0; index < count; index++) {
    backoff = backoffAfter({ ...backoff, notBefore: 0 }, { readyMs, served: false }, 0, random);
    all.push(backoff.notBefore);
  }
  return all;
}

describe("supervisor/backoff", () => {
  it("doubles the delay of workers that do not start, from 100 ms to 30 s", () => {
    const expected = [100, 200, 400, 800, 1600, 3200, 6400, 12800, 25600, 30000, 30000];
    // All but the largest number below 1, so that the whole step is used.
    assert.deepEqual(
      delays(11, undefined, 1 - Number.EPSILON).map((ms) => Math.round(ms)),
      expected,
    );
  });

  it("halves the delay at most by chance", () => {
    assert.deepEqual(delays(3, undefined, 0), [50, 100, 200]);
  });

  it("starts at once after the first crash of a worker that was ready", () => {
    const failed = { readyMs: 5, served: false };
    const expected = { failures: 1, barren: 1, notBefore: 1000 };
    assert.deepEqual(backoffAfter(noBackoff, failed, 1000, 0.5), expected);
  });

  it("backs off when workers crash again and again soon after they were ready", () => {
    assert.deepEqual(delays(4, 5, 0), [0, 100, 200, 400]);
  });

  it("forgets failures once a worker has served well", () => {
    const failed = { failures: 9, barren: 9, notBefore: 0 };
    const well = { readyMs: SERVED_WELL_MS, served: false };
    assert.deepEqual(backoffAfter(failed, well, 70, 0.5), {
      failures: 1,
      barren: 0,
      notBefore: 70,
    });
    const sooner = { readyMs: SERVED_WELL_MS - 1, served: false };
    assert.equal(backoffAfter(failed, sooner, 70, 0.5).failures, 10);
  });

  it("waits a second at most behind a worker that has answered somebody", () => {
    const failed = { failures: 9, barren: 2, notBefore: 0 };
    const served = { readyMs: 5, served: true };
    assert.deepEqual(backoffAfter(failed, served, 0, 0), {
      failures: 10,
      barren: 0,
      notBefore: LONGEST_SERVED_DELAY_MS / 2,
    });
    assert.equal(backoffAfter(failed, { readyMs: 5, served: false }, 0, 0).barren, 3);
  });

  it("never goes back in time and never delays longer than the longest", () => {
    const failure = fc.record({
      readyMs: fc.option(fc.nat(20_000), { nil: undefined }),
      served: fc.boolean(),
      passed: fc.nat(60_000),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    });
    fc.assert(
      fc.property(fc.array(failure, { maxLength: 60 }), (failures) => {
        let backoff: Backoff = noBackoff;
        let now = 0;
        for (const { passed, random, ...failed } of failures) {
          now += passed;
          const next = backoffAfter(backoff, failed, now, random);
          assert.ok(next.notBefore >= backoff.notBefore && next.notBefore >= now);
          assert.ok(next.notBefore <= Math.max(now + LONGEST_DELAY_MS, backoff.notBefore));
          assert.ok(next.failures > 0);
          assert.equal(next.barren > 0, !failed.served && (failed.readyMs ?? 0) < SERVED_WELL_MS);
          backoff = next;
        }
      }),
    );
  });
});
