// SPDX-License-Identifier: Apache-2.0
// A pool: its scoreboard, its queue socket and its workers. Does what plan.ts decides. Called by supervisor.ts.
import { join } from "node:path";
import type { Log } from "../log.ts";
import { type Backoff, backoffAfter, noBackoff } from "./backoff.ts";
import type { Clock, Timer } from "./clock.ts";
import { type PoolPlan, planPool, QUEUE_PAUSE_MS, type WorkerView } from "./plan.ts";
import type { PoolConfiguration } from "./pool-configuration.ts";
import { QueueSocket } from "./queue-socket.ts";
import { readIncarnations, ScoreboardFile } from "./scoreboard-file.ts";
import { WorkerProcess } from "./worker-process.ts";

/** What a pool is made with. */
export interface PoolOptions {
  readonly configuration: PoolConfiguration;
  /** The pool's directory in the runtime directory, empty but for a predecessor's scoreboard. */
  readonly directory: string;
  /** Folder of the compile cache; unset: none. */
  readonly compileCache?: string;
  readonly log: Log;
  readonly clock: Clock;
  /** Called when a retired pool has no worker any more. */
  readonly onEmpty: (pool: Pool) => void;
}

const LEAST_SLOTS = 4;

/**
 * A pool of workers.
 *
 * 1. The constructor makes scoreboard and queue socket and starts the workers that always run.
 * 2. reconfigure() begins a new generation; retire() drains all, after which reconfigure() revives the pool.
 * 3. stop() ends all workers; close() gives up queue and scoreboard.
 *
 * The workers belong to the pool and are gone before it is closed.
 */
export class Pool {
  readonly #directory: string;
  readonly #compileCache: string | undefined;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #onEmpty: (pool: Pool) => void;
  readonly #workers: Map<number, WorkerProcess> = new Map();
  readonly #closing: Set<Promise<void>> = new Set();
  /** By slot, of the last worker that filled it; survives a change of the scoreboard's file. */
  readonly #incarnations: number[];
  readonly #queue: QueueSocket;
  #configuration: PoolConfiguration;
  #scoreboard: ScoreboardFile;
  #generation = 1;
  #backoff: Backoff = noBackoff;
  #queuePausedUntil = 0;
  #wake: Timer | undefined;
  #state: "open" | "retired" | "stopped" = "open";

  constructor(options: PoolOptions) {
    const { configuration, directory } = options;
    this.#configuration = configuration;
    this.#directory = directory;
    this.#compileCache = options.compileCache;
    this.#log = options.log;
    this.#clock = options.clock;
    this.#onEmpty = options.onEmpty;
    const { settings, owner } = configuration;
    this.#incarnations = readIncarnations(join(directory, "scoreboard"));
    this.#scoreboard = this.#makeScoreboard(slotsFor(settings.processesMax));
    const path = join(directory, "queue");
    try {
      this.#queue = new QueueSocket(path, settings.queueLength, owner, () => this.#onWaiting());
    } catch (error) {
      this.#scoreboard.close();
      throw error;
    }
    this.#warnOfQueueLength();
    this.#advance(false);
  }

  get name(): string {
    return this.#configuration.settings.name;
  }

  get configuration(): PoolConfiguration {
    return this.#configuration;
  }

  /** It has a worker, in whatever state. */
  get populated(): boolean {
    return this.#workers.size > 0;
  }

  get retired(): boolean {
    return this.#state === "retired";
  }

  /** Begins a new generation: its workers start, and when one is ready the old ones drain. */
  reconfigure(configuration: PoolConfiguration): void {
    const { settings, owner } = configuration;
    const old = this.#configuration.settings;
    this.#configuration = configuration;
    this.#state = "open";
    this.#generation += 1;
    this.#backoff = noBackoff;
    this.#queue.give(owner);
    this.#scoreboard.give(owner);
    if (settings.queueLength !== old.queueLength) {
      this.#queue.setLength(settings.queueLength);
      this.#warnOfQueueLength();
    }
    const slots = slotsFor(settings.processesMax);
    if (slots > this.#scoreboard.board.slots) {
      const replaced = this.#scoreboard;
      this.#scoreboard = this.#makeScoreboard(slots);
      replaced.close();
    }
    const text = `new configuration: generation ${this.#generation}`;
    this.#log.line("notice", "TN0230", { pool: this.name }, text);
    this.#advance(false);
  }

  /** Drains all workers; onEmpty is called when the last has gone. */
  retire(): void {
    this.#state = "retired";
    this.#advance(false);
    for (const worker of this.#workers.values()) worker.drain("the pool was removed");
    if (this.#workers.size === 0) this.#onEmpty(this);
  }

  /** Ends all workers within the shutdown time-out; settled when the last has said its last. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#advance(false);
    for (const worker of this.#workers.values()) worker.stop();
    while (this.#closing.size > 0) await Promise.all(this.#closing);
  }

  /** Gives up queue and scoreboard. */
  close(): void {
    this.#state = "stopped";
    this.#wake?.cancel();
    this.#queue.close();
    this.#scoreboard.close();
  }

  /** Plans, and does what was planned. @param waiting connections wait in the queue */
  #advance(waiting: boolean): void {
    this.#wake?.cancel();
    if (this.#state !== "open") {
      this.#queue.watch(false);
      return;
    }
    const plan = this.#plan(waiting);
    for (const slot of plan.replace) {
      this.#workers.get(slot)?.drain(`generation ${this.#generation} takes over`);
    }
    for (const slot of plan.shed) this.#workers.get(slot)?.drain("idle (TenonIdleTimeout)");
    for (let count = 0; count < plan.start; count++) {
      // What is left is planned anew, behind the backoff.
      if (!this.#startWorker()) {
        this.#advance(false);
        return;
      }
    }
    this.#queue.watch(plan.watchQueue);
    this.#sleepUntil(plan.wakeAt);
  }

  #plan(waiting: boolean): PoolPlan {
    const { processesMin, processesMax, idleTimeoutMs } = this.#configuration.settings;
    const workers: WorkerView[] = [];
    for (const worker of this.#workers.values()) {
      const { slot, state } = worker;
      if (state !== "starting" && state !== "ready") continue;
      const measured = state === "ready" ? worker.measure() : { hasRoom: false, idleMs: 0 };
      workers.push({ slot, state, current: worker.generation === this.#generation, ...measured });
    }
    return planPool({
      processesMin,
      processesMax,
      idleTimeoutMs,
      workers,
      freeSlots: this.#scoreboard.board.slots - this.#workers.size,
      waiting,
      queuePausedUntil: this.#queuePausedUntil,
      notBefore: this.#backoff.notBefore,
      now: this.#clock.now(),
    });
  }

  #sleepUntil(time: number | undefined): void {
    if (time === undefined) return;
    const ms = Math.max(1, Math.ceil(time - this.#clock.now()));
    this.#wake = this.#clock.after(ms, () => this.#advance(false));
  }

  #onWaiting(): void {
    this.#queuePausedUntil = this.#clock.now() + QUEUE_PAUSE_MS;
    this.#queue.watch(false);
    this.#advance(true);
  }

  /** Starts a worker in the lowest free slot; false when the system refused. */
  #startWorker(): boolean {
    let slot = 0;
    while (this.#workers.has(slot)) slot += 1;
    const incarnation = ((this.#incarnations[slot] ?? 0) + 1) >>> 0;
    this.#incarnations[slot] = incarnation;
    let worker: WorkerProcess;
    try {
      worker = new WorkerProcess({
        configuration: this.#configuration,
        slot,
        incarnation,
        generation: this.#generation,
        scoreboard: this.#scoreboard,
        endpoint: join(this.#directory, `w${slot}`),
        queue: this.#queue.fd,
        compileCache: this.#compileCache,
        log: this.#log,
        clock: this.#clock,
      });
    } catch (error) {
      const text = `a worker could not be started: ${String(error)}`;
      this.#log.line("error", "TN0219", { pool: this.name, slot }, text);
      this.#backOff(undefined, slot);
      return false;
    }
    this.#workers.set(slot, worker);
    this.#follow(worker);
    return true;
  }

  #follow(worker: WorkerProcess): void {
    let left = false;
    worker.once("ready", () => {
      if (worker.generation === this.#generation) this.#scoreboard.setGeneration(this.#generation);
      this.#advance(false);
    });
    worker.on("purge", (exportName) => this.#scoreboard.purge(exportName));
    worker.once("leaving", () => {
      left = true;
      this.#backOff(worker.readyMs, worker.slot);
      this.#advance(false);
    });
    worker.once("exit", () => {
      this.#workers.delete(worker.slot);
      if (!worker.asked && !left) this.#backOff(worker.readyMs, worker.slot);
      this.#advance(false);
      if (this.#state === "retired" && this.#workers.size === 0) this.#onEmpty(this);
    });
    this.#closing.add(worker.closed);
    void worker.closed.then(() => this.#closing.delete(worker.closed));
  }

  #backOff(readyMs: number | undefined, slot: number): void {
    const now = this.#clock.now();
    this.#backoff = backoffAfter(this.#backoff, readyMs, now, this.#clock.random());
    const ms = Math.round(this.#backoff.notBefore - now);
    if (ms <= 0) return;
    const text = `backs off: the next worker starts in ${ms} ms at the earliest`;
    this.#log.line("notice", "TN0233", { pool: this.name, slot }, text);
  }

  #makeScoreboard(slots: number): ScoreboardFile {
    const path = join(this.#directory, "scoreboard");
    const file = new ScoreboardFile(path, slots, this.#configuration.owner);
    file.setGeneration(this.#generation);
    file.place();
    return file;
  }

  #warnOfQueueLength(): void {
    const { queueLength } = this.#configuration.settings;
    const most = this.#queue.longest();
    if (queueLength <= most) return;
    const text = `TenonQueueLength is ${queueLength}, but the system allows ${most}: raise net.core.somaxconn`;
    this.#log.line("warn", "TN0234", { pool: this.name }, text);
  }
}

/** Room for all workers of a generation beside all of the one that it replaces. */
function slotsFor(processesMax: number): number {
  return Math.max(2 * processesMax, LEAST_SLOTS);
}
