// SPDX-License-Identifier: Apache-2.0
// Brings the workers of a pool to what plan.ts decides, as far as breaker and system allow, and looks again when it is time. Made by pool.ts.
import { availableParallelism } from "node:os";
import type { Log } from "../log.ts";
import type { Allotment } from "./allotment.ts";
import type { Breaker } from "./breaker.ts";
import type { Clock, Timer } from "./clock.ts";
import type { CurrentGeneration } from "./current-generation.ts";
import { earliest, type Growth, limitStarts, type PoolPlan, planPool } from "./plan.ts";
import type { PoolQueue } from "./pool-queue.ts";
import type { Slots } from "./slots.ts";
import type { WorkerProcess } from "./worker-process.ts";
import type { Workers } from "./workers.ts";

/** The parts of a pool, which stay the pool's. */
export interface ReconcilerOptions {
  readonly name: string;
  readonly generation: CurrentGeneration;
  readonly slots: Slots;
  readonly queue: PoolQueue;
  readonly breaker: Breaker;
  readonly workers: Workers;
  /** What the pool shares with all pools. */
  readonly allotment: Allotment;
  readonly log: Log;
  readonly clock: Clock;
}

/** Acts from the first `advance` until `rest`. */
export class Reconciler {
  readonly #options: ReconcilerOptions;
  /** It has said that all pools together have too many. */
  #toldStarved = false;
  #wake: Timer | undefined;

  constructor(options: ReconcilerOptions) {
    this.#options = options;
  }

  /** Plans, and does what was planned. @param waitingMs for how long connections have waited in the queue; unset: none waits */
  advance(waitingMs?: number): void {
    const { breaker, workers, queue } = this.#options;
    this.#wake?.cancel();
    const verdict = breaker.judge(workers.tried());
    const plan = limitStarts(this.#plan(waitingMs), verdict.mayStart);
    this.#end(plan);
    // What is left is planned anew, behind the backoff.
    if (!this.#start(plan)) {
      this.advance();
      return;
    }
    if (plan.starved && this.#makeRoom()) {
      this.advance(waitingMs);
      return;
    }
    if (plan.cramped) workers.endDraining();
    // Who has come to wait before hosts saw that the breaker is open is sent away too.
    queue.watch(plan.watchQueue || breaker.isOpen);
    this.#sleepUntil(earliest([plan.wakeAt, verdict.wakeAt]));
  }

  /** Starts nothing more, and does not look at the queue. */
  rest(): void {
    this.#wake?.cancel();
    this.#options.queue.watch(false);
  }

  #plan(waitingMs: number | undefined): PoolPlan {
    const { generation, slots, queue, breaker, workers, allotment, clock } = this.#options;
    const { processesMin, processesMax, idleTimeoutMs } = generation.configuration.settings;
    const views = workers.views();
    if (views.every(({ current }) => current)) generation.succeeded();
    return planPool({
      processesMin,
      processesMax,
      idleTimeoutMs,
      workers: views,
      succession: generation.succession,
      freeSlots: slots.count - workers.size,
      totalLeft: allotment.left,
      processors: availableParallelism(),
      waitingMs,
      queuePausedUntil: queue.pausedUntil,
      notBefore: Math.max(breaker.notBefore, generation.notBefore),
      now: clock.now(),
    });
  }

  #end({ replace, retire, shed }: PoolPlan): void {
    const { workers, generation } = this.#options;
    for (const slot of [...replace, ...retire]) {
      const worker = workers.get(slot);
      worker?.drain(worker.recycling ?? `generation ${generation.number} takes over`);
    }
    for (const slot of shed) workers.get(slot)?.drain("idle (TenonIdleTimeout)");
  }

  /** Starts what is planned; false when the system refused. */
  #start({ start, growth, succeed }: PoolPlan): boolean {
    if (growth !== undefined) this.#tellGrowth(growth);
    for (let count = 0; count < start; count++) {
      if (!this.#startWorker()) return false;
    }
    if (start > 0) this.#toldStarved = false;
    const predecessor = succeed === undefined ? undefined : this.#options.workers.get(succeed);
    return predecessor === undefined || this.#startWorker(predecessor);
  }

  /** Starts a worker in the lowest free slot; false when the system refused. @param succeeds whom it is to replace */
  #startWorker(succeeds?: WorkerProcess): boolean {
    const { name, slots, workers, breaker, log } = this.#options;
    const place = slots.next(workers);
    try {
      workers.start(place, succeeds);
      return true;
    } catch (error) {
      const { slot } = place;
      const text = `a worker could not be started: ${String(error)}`;
      log.line("error", "TN0219", { pool: name, slot }, text);
      breaker.explain(text);
      breaker.failed({ readyMs: undefined, served: false }, slot);
      return false;
    }
  }

  #tellGrowth(growth: Growth): void {
    const { name, workers, log } = this.#options;
    if (workers.size === 0) return;
    const why =
      growth === "load" ? "all its workers are busy" : "connections wait and nobody takes them";
    log.line("info", "TN0271", { pool: name }, `another worker starts: ${why}`);
  }

  /** All pools together have as many workers as they may: an idle one of another goes, or it is said that none is idle. */
  #makeRoom(): boolean {
    const { name, workers, allotment, log } = this.#options;
    if (allotment.makeRoom(workers)) return true;
    if (this.#toldStarved) return false;
    this.#toldStarved = true;
    const text = `a worker is not started: all pools have ${allotment.total} together (TenonProcessesTotal), none is idle`;
    log.line("warn", "TN0272", { pool: name }, text);
    return false;
  }

  #sleepUntil(time: number | undefined): void {
    if (time === undefined) return;
    const { clock } = this.#options;
    const ms = Math.max(1, Math.ceil(time - clock.now()));
    this.#wake = clock.after(ms, () => this.advance());
  }
}
