// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  HIGH_LOAD,
  LOW_LOAD,
  NEGLECTED_AGE_MS,
  type PoolView,
  planPool,
  QUEUE_AGE_MS,
  type WorkerView,
} from "../../ts/supervisor/plan.ts";

const NOW = 1_000_000;

function worker(slot: number, changes: Partial<WorkerView> = {}): WorkerView {
  const life = { recycling: false, succeeds: undefined };
  const quiet = { hasRoom: true, idleMs: 0, load: 0, cpu: 0 };
  return { slot, state: "ready", current: true, ...life, ...quiet, ...changes };
}

function view(changes: Partial<PoolView> = {}): PoolView {
  const workers = changes.workers ?? [];
  return {
    processesMin: 0,
    processesMax: 4,
    idleTimeoutMs: 60_000,
    succession: { kind: "together", target: 1 },
    freeSlots: 8 - workers.length,
    totalLeft: Number.POSITIVE_INFINITY,
    processors: 8,
    waitingMs: undefined,
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
        growth: undefined,
        succeed: undefined,
        replace: [],
        retire: [],
        shed: [],
        cramped: false,
        starved: false,
        watchQueue: true,
        wakeAt: undefined,
      });
    });

    it("starts the first worker at once when somebody waits", () => {
      const plan = planPool(view({ waitingMs: 0, queuePausedUntil: NOW + 100 }));
      assert.equal(plan.start, 1);
      assert.equal(plan.watchQueue, false);
    });

    it("starts all workers that are missing to the minimum", () => {
      assert.equal(planPool(view({ processesMin: 3 })).start, 3);
      assert.equal(planPool(view({ processesMin: 3, workers: [worker(0)] })).start, 2);
    });

    it("starts no second worker while one starts", () => {
      const plan = planPool(
        view({ waitingMs: 1000, workers: [worker(0, busy), worker(1, starting)] }),
      );
      assert.equal(plan.start, 0);
      assert.equal(plan.watchQueue, false);
    });

    it("starts no worker while one has room, and looks again after the pause", () => {
      const queuePausedUntil = NOW + 100;
      const plan = planPool(
        view({ waitingMs: QUEUE_AGE_MS, queuePausedUntil, workers: [worker(0)] }),
      );
      assert.equal(plan.start, 0);
      assert.equal(plan.watchQueue, false);
      assert.equal(plan.wakeAt, queuePausedUntil);
    });

    it("starts another worker when somebody waits and nobody has room, up to the maximum", () => {
      const three = [worker(0, busy), worker(1, busy), worker(2, busy)];
      assert.equal(planPool(view({ waitingMs: QUEUE_AGE_MS, workers: three })).start, 1);
      const four = planPool(
        view({ waitingMs: QUEUE_AGE_MS, workers: [...three, worker(3, busy)] }),
      );
      assert.equal(four.start, 0);
      assert.equal(four.watchQueue, false);
    });

    it("lets a moment's burst pass", () => {
      const burst = { waitingMs: QUEUE_AGE_MS - 1, workers: [worker(0, busy)] };
      const plan = planPool(view({ ...burst, queuePausedUntil: NOW + 100 }));
      assert.equal(plan.start, 0);
      assert.equal(plan.wakeAt, NOW + 100);
    });

    it("starts another worker when nobody takes what waits, though one has room", () => {
      const workers = [worker(0)];
      assert.equal(planPool(view({ waitingMs: NEGLECTED_AGE_MS - 1, workers })).start, 0);
      const plan = planPool(view({ waitingMs: NEGLECTED_AGE_MS, workers }));
      assert.deepEqual([plan.start, plan.growth], [1, "queue"]);
    });

    it("starts another worker when all are busy, up to the maximum", () => {
      const loaded = { load: HIGH_LOAD, cpu: 1 };
      const plan = planPool(view({ workers: [worker(0, loaded), worker(1, loaded)] }));
      assert.deepEqual([plan.start, plan.growth], [1, "load"]);
      const one = planPool(view({ workers: [worker(0, loaded), worker(1, { load: 0.7 })] }));
      assert.equal(one.start, 0);
      const full = { processesMax: 1, workers: [worker(0, loaded)] };
      assert.equal(planPool(view(full)).start, 0);
    });

    it("starts no other worker for load when the pool has the machine's processors already", () => {
      const workers = [worker(0, { load: 1, cpu: 1 }), worker(1, { load: 1, cpu: 0.9 })];
      assert.equal(planPool(view({ processors: 2, workers })).start, 0);
      assert.equal(planPool(view({ processors: 4, workers })).start, 1);
    });

    it("waits for the end of the backoff", () => {
      const notBefore = NOW + 500;
      const plan = planPool(view({ processesMin: 1, notBefore }));
      assert.equal(plan.start, 0);
      assert.equal(plan.wakeAt, notBefore);
      const empty = planPool(view({ waitingMs: QUEUE_AGE_MS, notBefore }));
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

  describe("all pools together", () => {
    it("start no more than they may, and say that a worker is missing", () => {
      const plan = planPool(view({ processesMin: 3, totalLeft: 2 }));
      assert.deepEqual([plan.start, plan.starved, plan.wakeAt], [2, true, NOW + 1000]);
      const none = planPool(view({ waitingMs: 0, totalLeft: -1 }));
      assert.deepEqual([none.start, none.starved], [0, true]);
    });

    it("may always replace what runs", () => {
      const replaced = planPool(view({ totalLeft: 0, workers: [worker(0, old)] }));
      assert.deepEqual([replaced.start, replaced.starved], [1, false]);
      const recycled = planPool(view({ totalLeft: 0, workers: [worker(0, { recycling: true })] }));
      assert.equal(recycled.succeed, 0);
    });
  });

  describe("recycling", () => {
    const due = { recycling: true } as const;

    it("starts a successor, one at a time, also at the maximum", () => {
      const workers = [worker(0), worker(1, due), worker(2, due)];
      const plan = planPool(view({ processesMax: 3, workers }));
      assert.deepEqual([plan.start, plan.succeed, plan.retire], [0, 1, []]);
      const more = planPool(
        view({ processesMax: 3, workers: [...workers, worker(3, { ...starting, succeeds: 1 })] }),
      );
      assert.deepEqual([more.start, more.succeed, more.retire], [0, undefined, []]);
    });

    it("lets a worker go when its successor is ready, and no other for it", () => {
      const workers = [worker(0), worker(1, due), worker(2, due), worker(3, { succeeds: 1 })];
      const plan = planPool(view({ workers }));
      assert.deepEqual([plan.succeed, plan.retire], [undefined, [1]]);
    });

    it("waits for the end of the backoff", () => {
      const plan = planPool(view({ notBefore: NOW + 50, workers: [worker(0, due)] }));
      assert.deepEqual([plan.succeed, plan.retire, plan.wakeAt], [undefined, [], NOW + 50]);
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
      assert.equal(plan.wakeAt, NOW + 2000);
    });

    it("keeps a spare one while all others are busy", () => {
      const workers = [worker(0, { load: LOW_LOAD }), worker(1, idle), worker(2, idle)];
      assert.deepEqual(planPool(view({ workers })).shed, [2]);
      const quiet = [worker(0, { load: LOW_LOAD - 0.01 }), worker(1, idle), worker(2, idle)];
      assert.deepEqual(planPool(view({ workers: quiet })).shed, [2, 1]);
    });

    it("sheds nothing while somebody waits", () => {
      assert.deepEqual(
        planPool(view({ waitingMs: QUEUE_AGE_MS, workers: [worker(0, idle)] })).shed,
        [],
      );
    });
  });

  it("holds what must hold in every view", () => {
    const one = fc.record({
      state: fc.constantFrom("starting", "ready"),
      current: fc.boolean(),
      hasRoom: fc.boolean(),
      idleMs: fc.nat(120_000),
      recycling: fc.boolean(),
      succeeds: fc.option(fc.nat(12), { nil: undefined }),
      load: fc.double({ min: 0, max: 1, noNaN: true }),
      cpu: fc.double({ min: 0, max: 4, noNaN: true }),
    });
    const any = fc
      .record({
        processesMin: fc.nat(6),
        above: fc.nat(6),
        idleTimeoutMs: fc.integer({ min: 1000, max: 100_000 }),
        workers: fc.array(one, { maxLength: 12 }),
        freeSlots: fc.nat(12),
        succession: fc.record({
          kind: fc.constantFrom("together", "rolling", "strict"),
          target: fc.nat(8),
        }),
        totalLeft: fc.integer({ min: -2, max: 8 }),
        processors: fc.integer({ min: 1, max: 8 }),
        waitingMs: fc.option(fc.nat(1000), { nil: undefined }),
        queuePausedUntil: fc.integer({ min: NOW - 200, max: NOW + 200 }),
        notBefore: fc.integer({ min: NOW - 200, max: NOW + 200 }),
      })
      .map(({ above, workers, ...rest }) => ({
        ...rest,
        now: NOW,
        processesMax: Math.max(1, rest.processesMin + above),
        workers: workers.map((entry, slot): WorkerView => {
          // Nobody succeeds one that came after.
          const succeeds = (entry.succeeds ?? slot) < slot ? entry.succeeds : undefined;
          return { slot, ...entry, succeeds };
        }),
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
  const replaced = given.workers.length - current.length;
  const ready = current.filter((entry) => entry.state === "ready");
  const bySlot = new Map(given.workers.map((entry) => [entry.slot, entry]));
  const gone = new Set([...plan.retire, ...plan.shed]);
  const pairs = current.filter(
    ({ slot, recycling }) => recycling && current.some(({ succeeds }) => succeeds === slot),
  ).length;
  const count = current.length - pairs;
  assert.ok(
    plan.start >= 0 && plan.start + (plan.succeed === undefined ? 0 : 1) <= given.freeSlots,
  );
  assert.ok(plan.start === 0 || count + plan.start <= given.processesMax);
  assert.ok((plan.start === 0 && plan.succeed === undefined) || given.now >= given.notBefore);
  assert.ok(
    plan.start === 0 ||
      plan.growth !== undefined ||
      plan.start + count <= Math.max(given.processesMin, given.succession.target, 1),
  );
  const more = Math.max(count + plan.start, replaced) - Math.max(count, replaced);
  assert.ok(more <= Math.max(0, given.totalLeft), "never more than all pools together may have");
  assert.ok(gone.size === plan.retire.length + plan.shed.length, "nobody goes for two reasons");
  const left = ready.filter(({ slot }) => !gone.has(slot));
  if (plan.shed.length > 0) assert.ok(left.length >= given.processesMin);
  if (plan.retire.length > 0 && plan.shed.length === 0) assert.ok(left.length > 0);
  for (const slot of plan.shed) assert.ok((bySlot.get(slot)?.idleMs ?? 0) >= given.idleTimeoutMs);
  for (const slot of plan.retire) {
    assert.ok(bySlot.get(slot)?.recycling);
    assert.ok(ready.some((entry) => entry.succeeds === slot));
  }
  for (const slot of plan.replace) {
    assert.equal(bySlot.get(slot)?.current, false);
    const alone = ready.length === 0 && given.succession.kind !== "strict";
    assert.ok(!alone || bySlot.get(slot)?.state === "starting");
  }
  if (plan.wakeAt !== undefined) assert.ok(plan.wakeAt > given.now, "never spins");
  // A pool that can grow is either watched or looks again: a request that comes is never overlooked.
  const settled = plan.start === 0 && current.length === ready.length;
  if (settled && count < given.processesMax && given.freeSlots > 0) {
    assert.ok(plan.watchQueue || plan.wakeAt !== undefined);
  }
}
