// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import fc from "fast-check";
import { type PoolView, planPool, type WorkerView } from "../../ts/supervisor/plan.ts";

const NOW = 1_000_000;

function worker(slot: number, changes: Partial<WorkerView> = {}): WorkerView {
  return { slot, state: "ready", current: true, hasRoom: true, idleMs: 0, ...changes };
}

function view(changes: Partial<PoolView> = {}): PoolView {
  const workers = changes.workers ?? [];
  return {
    processesMin: 0,
    processesMax: 4,
    idleTimeoutMs: 60_000,
    freeSlots: 8 - workers.length,
    waiting: false,
    queuePausedUntil: 0,
    notBefore: 0,
    now: NOW,
    ...changes,
    workers,
  };
}

const starting = { state: "starting", hasRoom: false } as const;
const busy = { hasRoom: false } as const;
const old = { current: false } as const;

describe("supervisor/plan", () => {
  describe("starting", () => {
    it("starts nothing for an empty pool without a minimum, and watches its queue", () => {
      const plan = planPool(view());
      assert.deepEqual(plan, {
        start: 0,
        replace: [],
        shed: [],
        watchQueue: true,
        wakeAt: undefined,
      });
    });

    it("starts the first worker at once when somebody waits", () => {
      const plan = planPool(view({ waiting: true, queuePausedUntil: NOW + 100 }));
      assert.equal(plan.start, 1);
      assert.equal(plan.watchQueue, false);
    });

    it("starts all workers that are missing to the minimum", () => {
      assert.equal(planPool(view({ processesMin: 3 })).start, 3);
      assert.equal(planPool(view({ processesMin: 3, workers: [worker(0)] })).start, 2);
    });

    it("starts no second worker while one starts", () => {
      const plan = planPool(
        view({ waiting: true, workers: [worker(0, busy), worker(1, starting)] }),
      );
      assert.equal(plan.start, 0);
      assert.equal(plan.watchQueue, false);
    });

    it("starts no worker while one has room, and looks again after the pause", () => {
      const queuePausedUntil = NOW + 100;
      const plan = planPool(view({ waiting: true, queuePausedUntil, workers: [worker(0)] }));
      assert.equal(plan.start, 0);
      assert.equal(plan.watchQueue, false);
      assert.equal(plan.wakeAt, queuePausedUntil);
    });

    it("starts another worker when somebody waits and nobody has room, up to the maximum", () => {
      const three = [worker(0, busy), worker(1, busy), worker(2, busy)];
      assert.equal(planPool(view({ waiting: true, workers: three })).start, 1);
      const four = planPool(view({ waiting: true, workers: [...three, worker(3, busy)] }));
      assert.equal(four.start, 0);
      assert.equal(four.watchQueue, false);
    });

    it("waits for the end of the backoff", () => {
      const notBefore = NOW + 500;
      const plan = planPool(view({ processesMin: 1, notBefore }));
      assert.equal(plan.start, 0);
      assert.equal(plan.wakeAt, notBefore);
      const empty = planPool(view({ waiting: true, notBefore }));
      assert.deepEqual([empty.start, empty.watchQueue, empty.wakeAt], [0, false, notBefore]);
    });

    it("starts no more than there are free slots", () => {
      assert.equal(planPool(view({ processesMin: 4, freeSlots: 1 })).start, 1);
    });
  });

  describe("a new generation", () => {
    it("starts one worker when workers of the old one run, even without a minimum", () => {
      const plan = planPool(view({ workers: [worker(0, old), worker(1, old)] }));
      assert.equal(plan.start, 1);
      assert.deepEqual(plan.replace, []);
    });

    it("keeps the old workers until a new one is ready", () => {
      const waits = planPool(view({ workers: [worker(0, old), worker(1, starting)] }));
      assert.deepEqual(waits.replace, []);
      const ready = planPool(view({ workers: [worker(0, old), worker(1)] }));
      assert.deepEqual(ready.replace, [0]);
    });

    it("gives up old workers that have not even started", () => {
      const plan = planPool(view({ workers: [worker(0, { ...old, ...starting })] }));
      assert.deepEqual(plan.replace, [0]);
      assert.equal(plan.start, 1);
    });

    it("keeps the old workers while the new ones do not start", () => {
      const plan = planPool(view({ workers: [worker(0, old)], notBefore: NOW + 10 }));
      assert.deepEqual([plan.start, plan.replace, plan.wakeAt], [0, [], NOW + 10]);
    });
  });

  describe("shedding", () => {
    const idle = { idleMs: 60_000 };

    it("sheds idle workers above the minimum, the highest slots first", () => {
      const workers = [worker(0, idle), worker(2, idle), worker(1, idle)];
      assert.deepEqual(planPool(view({ workers })).shed, [2, 1, 0]);
      assert.deepEqual(planPool(view({ processesMin: 1, workers })).shed, [2, 1]);
    });

    it("keeps those that have not been idle long enough, and looks again in time", () => {
      const plan = planPool(view({ workers: [worker(0, { idleMs: 59_999 })] }));
      assert.deepEqual(plan.shed, []);
      assert.equal(plan.wakeAt, NOW + 10_000);
    });

    it("does not look again when all that run are the minimum", () => {
      const plan = planPool(view({ processesMin: 1, processesMax: 1, workers: [worker(0, idle)] }));
      assert.equal(plan.wakeAt, undefined);
    });

    it("sheds nothing while somebody waits", () => {
      assert.deepEqual(planPool(view({ waiting: true, workers: [worker(0, idle)] })).shed, []);
    });
  });

  it("holds what must hold in every view", () => {
    const one = fc.record({
      state: fc.constantFrom("starting", "ready"),
      current: fc.boolean(),
      hasRoom: fc.boolean(),
      idleMs: fc.nat(120_000),
    });
    const any = fc
      .record({
        processesMin: fc.nat(6),
        above: fc.nat(6),
        idleTimeoutMs: fc.integer({ min: 1000, max: 100_000 }),
        workers: fc.array(one, { maxLength: 12 }),
        freeSlots: fc.nat(12),
        waiting: fc.boolean(),
        queuePausedUntil: fc.integer({ min: NOW - 200, max: NOW + 200 }),
        notBefore: fc.integer({ min: NOW - 200, max: NOW + 200 }),
      })
      .map(({ above, workers, ...rest }) => ({
        ...rest,
        now: NOW,
        processesMax: Math.max(1, rest.processesMin + above),
        workers: workers.map((entry, slot): WorkerView => ({ slot, ...entry })),
      }));
    fc.assert(
      fc.property(any, (given) => checkPlan(given)),
      { numRuns: 1000 },
    );
  });
});

function checkPlan(given: PoolView): void {
  const plan = planPool(given);
  const current = given.workers.filter((entry) => entry.current);
  const ready = current.filter((entry) => entry.state === "ready");
  const bySlot = new Map(given.workers.map((entry) => [entry.slot, entry]));
  assert.ok(plan.start >= 0 && plan.start <= given.freeSlots);
  assert.ok(plan.start === 0 || current.length + plan.start <= given.processesMax);
  assert.ok(plan.start === 0 || given.now >= given.notBefore);
  assert.ok(
    plan.start === 0 ||
      given.waiting ||
      plan.start + current.length <= Math.max(given.processesMin, 1),
  );
  assert.ok(plan.shed.length === 0 || ready.length - plan.shed.length >= given.processesMin);
  for (const slot of plan.shed) assert.ok((bySlot.get(slot)?.idleMs ?? 0) >= given.idleTimeoutMs);
  for (const slot of plan.replace) {
    assert.equal(bySlot.get(slot)?.current, false);
    assert.ok(ready.length > 0 || bySlot.get(slot)?.state === "starting");
  }
  if (plan.wakeAt !== undefined) assert.ok(plan.wakeAt > given.now, "never spins");
  // A pool that can grow is either watched or looks again: a request that comes is never overlooked.
  const settled = plan.start === 0 && current.length === ready.length;
  if (settled && current.length < given.processesMax && given.freeSlots > 0) {
    assert.ok(plan.watchQueue || plan.wakeAt !== undefined);
  }
}
