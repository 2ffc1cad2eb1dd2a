// SPDX-License-Identifier: Apache-2.0
// Pools that do what the plan says, while anything happens to them: what must hold at every moment.
import assert from "node:assert/strict";
import fc from "fast-check";
import { type PoolPlan, planPool, type WorkerView } from "../../ts/supervisor/plan.ts";

const IDLE_MS = 10_000;
const PROCESSORS = 16;

interface ModelWorker {
  slot: number;
  state: "starting" | "ready" | "draining";
  generation: number;
  inFlight: number;
  idleSince: number;
  load: number;
  recycling: boolean;
  predecessor: ModelWorker | undefined;
}

/** A pool whose worker processes are objects. */
class ModelPool {
  readonly workers: ModelWorker[] = [];
  readonly min: number;
  readonly max: number;
  generation = 1;
  now = 0;
  starts = 0;
  #left: () => number;

  constructor(min: number, max: number, left: () => number) {
    this.min = min;
    this.max = max;
    this.#left = left;
  }

  get live(): ModelWorker[] {
    return this.workers.filter(({ state }) => state !== "draining");
  }

  get ready(): ModelWorker[] {
    return this.workers.filter(({ state }) => state === "ready");
  }

  get count(): number {
    return this.live.filter((worker) => {
      return worker.generation === this.generation && !this.#succeeds(worker);
    }).length;
  }

  get used(): number {
    const old = this.live.filter(({ generation }) => generation !== this.generation).length;
    return Math.max(this.count, old);
  }

  #succeeds({ predecessor }: ModelWorker): boolean {
    return (
      predecessor !== undefined &&
      predecessor.state === "ready" &&
      this.workers.includes(predecessor)
    );
  }

  advance(waitingMs?: number): void {
    const plan = this.plan(waitingMs);
    const servedBefore = this.ready.length > 0;
    for (const slot of [...plan.replace, ...plan.retire, ...plan.shed]) {
      const worker = this.live.find((entry) => entry.slot === slot);
      assert.ok(worker);
      if (plan.shed.includes(slot)) assert.equal(worker.inFlight, 0, "in flight is never shed");
      worker.state = "draining";
    }
    const emptied = servedBefore && this.ready.length === 0;
    assert.ok(!emptied || plan.shed.length > 0, "only the idle time empties a ready pool");
    for (let count = 0; count < plan.start; count++) this.#start(undefined);
    if (plan.succeed !== undefined) {
      this.#start(this.live.find(({ slot }) => slot === plan.succeed));
    }
    assert.ok(this.count <= this.max, "never more than the maximum");
    const successors = this.live.filter(
      (worker) =>
        worker.generation === this.generation &&
        this.#succeeds(worker) &&
        worker.state === "starting",
    );
    assert.ok(successors.length <= 1, "workers never recycle together");
  }

  plan(waitingMs: number | undefined): PoolPlan {
    return planPool({
      processesMin: this.min,
      processesMax: this.max,
      idleTimeoutMs: IDLE_MS,
      succession: { kind: "together", target: 1 },
      workers: this.live.map((worker): WorkerView => this.#view(worker)),
      freeSlots: 2 * this.max + 2 - this.workers.length,
      totalLeft: this.#left(),
      processors: PROCESSORS,
      waitingMs,
      queuePausedUntil: 0,
      notBefore: 0,
      now: this.now,
    });
  }

  #view(worker: ModelWorker): WorkerView {
    const { slot, state, generation, recycling, load, inFlight, idleSince, predecessor } = worker;
    return {
      slot,
      state: state === "starting" ? "starting" : "ready",
      current: generation === this.generation,
      recycling,
      succeeds: this.#succeeds(worker) ? predecessor?.slot : undefined,
      hasRoom: state === "ready" && inFlight < 2,
      idleMs: inFlight > 0 ? 0 : this.now - idleSince,
      load,
      cpu: load,
    };
  }

  #start(predecessor: ModelWorker | undefined): void {
    let slot = 0;
    while (this.workers.some((worker) => worker.slot === slot)) slot += 1;
    const { generation, now } = this;
    const fresh = { inFlight: 0, load: 0, recycling: false, idleSince: now };
    this.workers.push({ slot, state: "starting", generation, predecessor, ...fresh });
    this.starts += 1;
  }
}

type Event = "ready" | "exit" | "crash" | "begin" | "finish" | "load" | "recycle" | "reload";

/** Lets something happen to the n-th worker. */
function happen(pool: ModelPool, event: Event, which: number, load: number): void {
  if (event === "reload") pool.generation += 1;
  const worker = pool.workers[which % Math.max(1, pool.workers.length)];
  if (worker === undefined) return;
  if (event === "ready" && worker.state === "starting") worker.state = "ready";
  if (event === "begin" && worker.state === "ready") worker.inFlight += 1;
  if (event === "finish" && worker.inFlight > 0) {
    worker.inFlight -= 1;
    worker.idleSince = pool.now;
  }
  if (event === "load" && worker.state === "ready") worker.load = load;
  if (event === "recycle" && worker.state === "ready") worker.recycling = true;
  const ends = event === "crash" || (event === "exit" && worker.state === "draining");
  if (ends) pool.workers.splice(pool.workers.indexOf(worker), 1);
}

const step = fc.record({
  pool: fc.nat(2),
  event: fc.constantFrom<Event>(
    "ready",
    "ready",
    "exit",
    "crash",
    "begin",
    "finish",
    "load",
    "recycle",
    "reload",
  ),
  which: fc.nat(20),
  load: fc.constantFrom(0, 0.3, 0.6, 1),
  waitingMs: fc.option(fc.constantFrom(0, 100, 600), { nil: undefined }),
  ms: fc.nat(6000),
});

describe("pools that do what the plan says", () => {
  it("keep every limit, whatever happens to their workers", () => {
    const sizes = fc.array(fc.tuple(fc.nat(2), fc.nat(4)), { minLength: 3, maxLength: 3 });
    const property = fc.property(
      sizes,
      fc.nat(6),
      fc.array(step, { maxLength: 120 }),
      (given, more, steps) => {
        const total = given.reduce((sum, [min]) => sum + min, 0) + more;
        const pools: ModelPool[] = [];
        const left = (): number => total - pools.reduce((sum, { used }) => sum + used, 0);
        for (const [min, above] of given)
          pools.push(new ModelPool(min, Math.max(1, min + above), left));
        for (const { pool: index, event, which, load, waitingMs, ms } of steps) {
          const pool = pools[index] as ModelPool;
          for (const each of pools) each.now += ms;
          const before = left();
          happen(pool, event, which, load);
          const between = left();
          pool.advance(waitingMs);
          // A predecessor that dies makes its successor count: it cannot be foreseen.
          assert.ok(left() >= Math.min(0, before, between), "never more than all may have");
        }
      },
    );
    fc.assert(property, { numRuns: 500 });
  });

  it("come to rest under any steady load", () => {
    const property = fc.property(
      fc.nat(2),
      fc.integer({ min: 1, max: 6 }),
      fc.double({ min: 0, max: 6, noNaN: true }),
      (min, above, demand) => {
        const pool = new ModelPool(min, min + above, () => 100);
        const counts: number[] = [];
        for (let turn = 0; turn < 400; turn++) {
          pool.now += 500;
          for (const worker of pool.workers) {
            if (worker.state === "starting") worker.state = "ready";
          }
          for (const worker of pool.workers.filter(({ state }) => state === "draining")) {
            pool.workers.splice(pool.workers.indexOf(worker), 1);
          }
          // The load goes to as many as it takes, the lowest slots first, as hosts do.
          let rest = demand;
          for (const worker of pool.ready.sort((a, b) => a.slot - b.slot)) {
            worker.load = Math.min(1, rest);
            worker.inFlight = worker.load > 0 ? 1 : 0;
            if (worker.load > 0) worker.idleSince = pool.now;
            rest -= worker.load;
          }
          pool.advance(pool.workers.length === 0 && demand > 0 ? 0 : undefined);
          counts.push(pool.live.length);
        }
        assert.equal(new Set(counts.slice(200)).size, 1, `no flapping: ${counts.join(" ")}`);
        assert.ok(pool.starts <= min + above);
      },
    );
    fc.assert(property, { numRuns: 300 });
  });
});
