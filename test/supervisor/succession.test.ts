// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import fc from "fast-check";
import { MOST_QUIET_TIMES, noteChanges, QUIET_MS, settlesAt } from "../../ts/supervisor/settle.ts";
import {
  planSuccession,
  type SuccessionKind,
  type Successor,
} from "../../ts/supervisor/succession.ts";

interface Model extends Successor {
  readonly state: "starting" | "ready";
  readonly current: boolean;
}

/** Carries a succession out to its end, one successor ready at a time. @returns the fewest workers that served meanwhile, the most that there were */
function carryOut(kind: SuccessionKind, target: number): { fewest: number; most: number } {
  let workers: Model[] = [];
  for (let slot = 0; slot < target; slot++) workers.push({ slot, state: "ready", current: false });
  let next = target;
  let fewest = target;
  let most = target;
  for (let steps = 0; workers.some(({ current }) => !current); steps++) {
    assert.ok(steps < 100, "it comes to an end");
    const current = workers.filter((worker) => worker.current);
    const replaced = workers.filter((worker) => !worker.current);
    const plan = planSuccession({ kind, target }, current, replaced, target, false);
    workers = workers.filter(({ slot }) => !plan.replace.includes(slot));
    while (workers.filter((worker) => worker.current).length < (plan.wanted ?? 0)) {
      workers.push({ slot: next++, state: "starting", current: true });
    }
    fewest = Math.min(fewest, workers.filter(({ state }) => state === "ready").length);
    most = Math.max(most, workers.length);
    const starting = workers.findIndex(({ state }) => state === "starting");
    const worker = workers[starting];
    if (worker !== undefined) workers[starting] = { ...worker, state: "ready" };
  }
  return { fewest, most };
}

describe("supervisor/succession", () => {
  it("never lets fewer workers serve than before, and rolls with one more at the most", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), (target) => {
        assert.deepEqual(carryOut("rolling", target), { fewest: target, most: target + 1 });
        const { fewest, most } = carryOut("together", target);
        assert.deepEqual([fewest, most], [target, 2 * target]);
      }),
    );
  });

  it("lets one successor prove that it starts before there are more", () => {
    const old: Successor[] = [0, 1, 2].map((slot) => ({ slot, state: "ready" }));
    const plan = planSuccession({ kind: "together", target: 3 }, [], old, 4, false);
    assert.deepEqual(plan, { wanted: 1, replace: [] });
  });

  it("strict: drains all at once, and wants a successor until one is ready", () => {
    const old: Successor[] = [0, 1].map((slot) => ({ slot, state: "ready" }));
    const strict = { kind: "strict", target: 2 } as const;
    assert.deepEqual(planSuccession(strict, [], old, 4, false), { wanted: 1, replace: [0, 1] });
    const ready: Successor = { slot: 3, state: "ready" };
    assert.deepEqual(planSuccession(strict, [ready], [], 4, false), {
      wanted: undefined,
      replace: [],
    });
  });
});

describe("supervisor/settle", () => {
  it("begins a quiet time behind the last change, and never later than the longest wait behind the first", () => {
    const times = fc.array(fc.nat(1000), { minLength: 1, maxLength: 200 });
    const mode = fc.constantFrom("graceful" as const, "strict" as const);
    fc.assert(
      fc.property(times, mode, (pauses, chosen) => {
        let now = 5000;
        let state = noteChanges(undefined, ["first"], now);
        for (const pause of pauses) {
          now += pause;
          state = noteChanges(state, ["other"], now);
        }
        const at = settlesAt(state, chosen);
        const quiet = QUIET_MS[chosen];
        assert.ok(at <= 5000 + MOST_QUIET_TIMES * quiet && at <= now + quiet);
        assert.ok(at === now + quiet || at === 5000 + MOST_QUIET_TIMES * quiet);
        assert.deepEqual([state.file, state.count], ["first", pauses.length + 1]);
      }),
    );
  });
});
