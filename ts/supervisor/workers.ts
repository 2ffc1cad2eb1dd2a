// SPDX-License-Identifier: Apache-2.0
// The workers of a pool, each in its slot: new ones or those of a dead supervisor, what they do, and who replaces whom. Decides nothing. Made by
// pool.ts, acted on by that and reconciler.ts; allotment.ts asks what the pool can do without.
import type { Log } from "../log.ts";
import type { Progress } from "./admin-socket.ts";
import type { IdleWorker, Tenant } from "./allotment.ts";
import type { TriedWorker } from "./breaker.ts";
import type { Clock } from "./clock.ts";
import type { CacheFolders } from "./compile-cache.ts";
import type { CurrentGeneration } from "./current-generation.ts";
import type { DescriptorStore } from "./descriptor-store.ts";
import type { WorkerView } from "./plan.ts";
import type { Place, Slots } from "./slots.ts";
import type { ExaminedPool } from "./takeover.ts";
import type { WorkerOptions } from "./worker-options.ts";
import { WorkerProcess } from "./worker-process.ts";

export interface WorkersOptions {
  readonly generation: CurrentGeneration;
  readonly slots: Slots;
  /** The pool's queue socket. */
  readonly queue: number;
  readonly caches?: CacheFolders | undefined;
  readonly store: DescriptorStore;
  readonly log: Log;
  readonly clock: Clock;
  /** Called with each when it is there; what it emits is the pool's to hear. When it emits "exit" it is none of these any more. */
  readonly onWorker: (worker: WorkerProcess) => void;
}

/** All worker processes of one pool, from their spawn or takeover to their exit. */
export class Workers implements Tenant, Iterable<WorkerProcess> {
  readonly #options: WorkersOptions;
  readonly #bySlot: Map<number, WorkerProcess> = new Map();
  readonly #closing: Set<Promise<void>> = new Set();
  /** Which worker another was started to replace. */
  readonly #succeeds: WeakMap<WorkerProcess, WorkerProcess> = new WeakMap();

  constructor(options: WorkersOptions) {
    this.#options = options;
  }

  [Symbol.iterator](): Iterator<WorkerProcess> {
    return this.#bySlot.values();
  }

  get size(): number {
    return this.#bySlot.size;
  }

  has(slot: number): boolean {
    return this.#bySlot.has(slot);
  }

  get(slot: number): WorkerProcess | undefined {
    return this.#bySlot.get(slot);
  }

  /** Starts a worker of the present generation. @param succeeds whom it is to replace @throws errors of the system */
  start(place: Place, succeeds?: WorkerProcess): void {
    const worker = new WorkerProcess(this.#optionsAt(place));
    if (succeeds !== undefined) this.#succeeds.set(worker, succeeds);
    this.#hold(worker);
  }

  /** Goes on with a worker of a dead supervisor, which may have ended since. */
  adopt({ inherited, configuration, scoreboard }: ExaminedPool["workers"][number]): void {
    const { slot, incarnation, generation } = inherited;
    const place = this.#options.slots.place(slot, incarnation);
    const own = { configuration, generation, ...(scoreboard && { scoreboard }) };
    this.#hold(new WorkerProcess({ ...this.#optionsAt(place), ...own }, inherited));
  }

  /** Workers as the plan sees them. */
  views(): WorkerView[] {
    const views: WorkerView[] = [];
    for (const worker of this) {
      const { slot, state } = worker;
      if (state !== "starting" && state !== "ready") continue;
      const current = this.#isCurrent(worker);
      const succeeds = this.#predecessor(worker)?.slot;
      const measures = worker.measure();
      const recycling = worker.recycling !== undefined;
      views.push({ slot, state, current, recycling, succeeds, ...measures });
    }
    return views;
  }

  /** Workers that serve, or show whether the present code does. */
  tried(): TriedWorker[] {
    return this.#serving().filter((worker) => worker.state === "ready" || this.#isCurrent(worker));
  }

  /** Those that are ready, of whatever generation. */
  ready(): WorkerProcess[] {
    return [...this].filter(({ state }) => state === "ready");
  }

  progress(): Progress {
    const { number, failure } = this.#options.generation;
    return {
      generation: number,
      ready: this.ready().filter((worker) => this.#isCurrent(worker)).length,
      left: this.#serving().filter((worker) => !this.#isCurrent(worker)).length,
      failure,
    };
  }

  get used(): number {
    const serving = this.#serving();
    const current = serving.filter((worker) => this.#isCurrent(worker));
    const first = current.filter((worker) => this.#predecessor(worker) === undefined);
    return Math.max(first.length, serving.length - current.length);
  }

  idle(): readonly IdleWorker[] {
    const { processesMin } = this.#options.generation.configuration.settings;
    const ready = this.views().filter(({ current, state }) => current && state === "ready");
    return ready.length > processesMin ? ready.filter(({ idleMs }) => idleMs > 0) : [];
  }

  evict(slot: number): void {
    this.get(slot)?.drain("idle, and another pool needs a worker (TenonProcessesTotal)");
  }

  /** Has all that serve or start finish and exit. @param why for the log */
  drain(why: string): void {
    for (const worker of this.#serving()) worker.drain(why);
  }

  /** Ends the oldest of those that drain within the shutdown time-out. */
  endDraining(): void {
    const oldest = [...this].find(({ state }) => state === "draining");
    oldest?.stop();
  }

  /** Ends all within the shutdown time-out; settled when the last has said its last. */
  async stop(): Promise<void> {
    for (const worker of this) worker.stop();
    while (this.#closing.size > 0) await Promise.all(this.#closing);
  }

  #serving(): WorkerProcess[] {
    return [...this].filter(({ state }) => state === "starting" || state === "ready");
  }

  #isCurrent(worker: WorkerProcess): boolean {
    return worker.generation === this.#options.generation.number;
  }

  /** The worker that another is to replace, as long as it serves. */
  #predecessor(worker: WorkerProcess): WorkerProcess | undefined {
    const predecessor = this.#succeeds.get(worker);
    return predecessor?.state === "ready" ? predecessor : undefined;
  }

  #optionsAt(place: Place): WorkerOptions {
    const { generation, queue, caches, store, log, clock } = this.#options;
    const { number, configuration } = generation;
    return { ...place, generation: number, configuration, queue, caches, store, log, clock };
  }

  #hold(worker: WorkerProcess): void {
    this.#bySlot.set(worker.slot, worker);
    worker.once("exit", () => this.#bySlot.delete(worker.slot));
    this.#closing.add(worker.closed);
    void worker.closed.then(() => this.#closing.delete(worker.closed));
    this.#options.onWorker(worker);
  }
}
