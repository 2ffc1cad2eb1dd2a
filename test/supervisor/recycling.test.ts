// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import fc from "fast-check";
import { drawLimits, endOfLife, planRecycling } from "../../ts/supervisor/recycling.ts";

const life = { requests: 1000, requestsJitter: 20, ageMs: 60_000, ageJitter: 50 };

describe("supervisor/recycling", () => {
  it("draws limits that are lower by up to their jitter, and never higher", () => {
    const jitter = fc.nat(100);
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
    const limit = fc.integer({ min: 1, max: 1_000_000_000 });
    fc.assert(
      fc.property(limit, jitter, random, (requests, percent, value) => {
        const drawn = drawLimits({ ...life, requests, requestsJitter: percent }, () => value);
        assert.ok(drawn.requests >= 1 && drawn.requests <= requests);
        assert.ok(drawn.requests >= Math.floor(requests * (1 - percent / 100)));
      }),
    );
  });

  it("draws each limit anew, so that workers of one start do not end together", () => {
    const dice = [0, 0.5, 0.9];
    const drawn = dice.map((value) => drawLimits(life, () => value));
    assert.deepEqual(drawn, [
      { requests: 1000, ageMs: 60_000 },
      { requests: 900, ageMs: 45_000 },
      { requests: 820, ageMs: 33_000 },
    ]);
  });

  it("has no end where there is no limit", () => {
    const none = drawLimits({ ...life, requests: 0, ageMs: 0 }, () => 0.5);
    assert.equal(endOfLife(none, 2 ** 32 - 1, Number.MAX_SAFE_INTEGER), undefined);
  });

  it("tells which limit has come, from its first moment on", () => {
    const limits = { requests: 100, ageMs: 5000 };
    assert.equal(endOfLife(limits, 99, 4999), undefined);
    assert.match(endOfLife(limits, 100, 0) ?? "", /100 requests \(TenonRequests\)/);
    assert.match(endOfLife(limits, 0, 5000) ?? "", /5 s old \(TenonAge\)/);
  });

  it("lets nobody go without a successor that is ready, and starts one at a time", () => {
    const worker = fc.record({
      state: fc.constantFrom("starting" as const, "ready" as const),
      recycling: fc.boolean(),
      succeeds: fc.option(fc.nat(8), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(worker, { maxLength: 9 }), (given) => {
        const workers = given.map((entry, slot) => ({ ...entry, slot }));
        const plan = planRecycling(workers);
        for (const slot of plan.retire) {
          assert.ok(workers.some(({ succeeds, state }) => succeeds === slot && state === "ready"));
          assert.ok(workers[slot]?.recycling);
        }
        if (plan.succeed === undefined) return;
        assert.ok(workers[plan.succeed]?.recycling);
        assert.deepEqual(plan.retire, []);
        assert.equal(plan.succeeded, 0);
      }),
    );
  });
});
