// SPDX-License-Identifier: Apache-2.0
// A pool: what it is told to do, and what its parts (slots, queue, generation, workers, breaker) tell each other. Made by supervisor.ts.
import { join } from "node:path";
import type { Log } from "../log.ts";
import type { Progress, Restartable } from "./admin-socket.ts";
import type { Allotment } from "./allotment.ts";
import { Breaker } from "./breaker.ts";
import type { Clock } from "./clock.ts";
import type { CacheFolders } from "./compile-cache.ts";
import { CurrentGeneration } from "./current-generation.ts";
import type { DescriptorStore } from "./descriptor-store.ts";
import type { PoolConfiguration } from "./pool-configuration.ts";
import { PoolQueue } from "./pool-queue.ts";
import { Reconciler } from "./reconciler.ts";
import { Reload } from "./reload.ts";
import type { Unsettled } from "./settle.ts";
import { Slots } from "./slots.ts";
import type { SuccessionKind } from "./succession.ts";
import type { ExaminedPool } from "./takeover.ts";
import type { WorkerProcess } from "./worker-process.ts";
import { Workers } from "./workers.ts";

/** What a pool is made with. */
export interface PoolOptions {
  readonly configuration: PoolConfiguration;
  /** The pool's directory in the runtime directory, empty but for a predecessor's scoreboard when nothing is inherited. */
  readonly directory: string;
  /** Where it keeps what a successor of this supervisor needs. */
  readonly store: DescriptorStore;
  /** What a dead supervisor had of the pool; the configuration is that one's too. */
  readonly inherited?: ExaminedPool;
  /** Folders of its workers' compile caches; unset: none. */
  readonly caches?: CacheFolders;
  /** What it shares with all pools. */
  readonly allotment: Allotment;
  readonly log: Log;
  readonly clock: Clock;
  /** Called when a retired pool has no worker any more. */
  readonly onEmpty: (pool: Pool) => void;
}

/**
 * A pool of workers.
 *
 * 1. The constructor makes scoreboard and queue socket and starts the workers that always run. An inherited pool goes on with those that are there;
 *    what is missing it starts at reconfigure() or resume().
 * 2. reconfigure() begins a new generation; retire() drains all, after which reconfigure() revives the pool.
 * 3. stop() ends all workers; close() gives up queue and scoreboard.
 *
 * The workers belong to the pool and are gone before it is closed.
 */
export class Pool implements Restartable {
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #onEmpty: (pool: Pool) => void;
  readonly #allotment: Allotment;
  readonly #generation: CurrentGeneration;
  readonly #slots: Slots;
  readonly #queue: PoolQueue;
  readonly #breaker: Breaker;
  readonly #workers: Workers;
  readonly #reconciler: Reconciler;
  #reload: Reload;
  #state: "open" | "retired" | "stopped" = "open";

  /** @throws errors of the system */
  constructor(options: PoolOptions) {
    const { configuration, directory, inherited, allotment, log, clock } = options;
    this.#log = log;
    this.#clock = clock;
    this.#onEmpty = options.onEmpty;
    this.#allotment = allotment;
    this.#generation = new CurrentGeneration({ ...options, inherited: inherited?.generation });
    this.#slots = new Slots(directory, this.#generation, inherited?.scoreboard);
    try {
      this.#queue = this.#makeQueue(options);
    } catch (error) {
      this.#slots.close();
      throw error;
    }
    this.#breaker = new Breaker({
      pool: configuration.settings.name,
      path: join(directory, "failure"),
      owner: configuration.owner,
      log,
      clock,
      onState: (state, until) => this.#slots.scoreboard.setBreaker(state, until),
    });
    this.#workers = this.#makeWorkers(options);
    this.#reconciler = this.#makeReconciler();
    this.#allotment.add(this.#workers);
    this.#reload = this.#makeReload();
    if (inherited === undefined) this.#advance();
    else this.#takeOver(inherited);
  }

  get name(): string {
    return this.configuration.settings.name;
  }

  get configuration(): PoolConfiguration {
    return this.#generation.configuration;
  }

  /** It has a worker, in whatever state. */
  get populated(): boolean {
    return this.#workers.size > 0;
  }

  get retired(): boolean {
    return this.#state === "retired";
  }

  /**
   * Begins a new generation: its workers start, and when one is ready the old ones drain.
   * @throws errors of the system
   */
  reconfigure(configuration: PoolConfiguration): void {
    this.#begin("together", configuration);
    this.#state = "open";
    this.#reload.close();
    this.#reload = this.#makeReload();
    this.#fit();
    this.#tellBegun("TN0230", "new configuration");
    this.#advance();
  }

  /** Begins a new generation with the same configuration. */
  restart(kind: SuccessionKind): void {
    if (this.#state !== "open") return;
    this.#begin(kind);
    const how = kind === "rolling" ? ", one worker at a time" : "";
    this.#tellBegun("TN0261", `restarted by command${how}`);
    this.#advance();
  }

  progress(): Progress {
    return this.#workers.progress();
  }

  /** Gives workers their chance at once, whatever has failed: something that they are made of has changed. */
  heal(): void {
    this.#breaker.heal();
    this.#advance();
  }

  /** Does what there is to do once it is known that an inherited pool's configuration holds. */
  resume(): void {
    this.#advance();
  }

  /** Drains all workers; onEmpty is called when the last has gone. */
  retire(): void {
    this.#state = "retired";
    this.#reload.close();
    this.#advance();
    for (const worker of this.#workers) worker.drain("the pool was removed");
    if (this.#workers.size === 0) this.#onEmpty(this);
  }

  /** Ends all workers within the shutdown time-out; settled when the last has said its last. */
  async stop(): Promise<void> {
    this.#state = "stopped";
    this.#reload.close();
    this.#advance();
    await this.#workers.stop();
  }

  /** Gives up queue and scoreboard. */
  close(): void {
    this.#state = "stopped";
    this.#reload.close();
    this.#reconciler.rest();
    this.#allotment.delete(this.#workers);
    this.#queue.close();
    this.#slots.close();
  }

  /** Goes on with the workers of a dead supervisor. */
  #takeOver({ workers }: ExaminedPool): void {
    for (const worker of workers) this.#workers.adopt(worker);
    if (this.#workers.progress().ready > 0) this.#generation.started();
    this.#slots.clear(this.#workers);
    this.#fit();
    const state = `generation ${this.#generation.number}, workers: ${workers.length}`;
    const text = `taken over from a supervisor that died: ${state}`;
    this.#log.line("notice", "TN0243", { pool: this.name }, text);
  }

  /** Makes owners, queue and scoreboard what the configuration says. */
  #fit(): void {
    this.#queue.fit(this.configuration);
    this.#slots.fit();
    // To a new scoreboard, or because a predecessor may have left it open.
    this.#breaker.show();
  }

  /** Makes what runs an earlier generation. @throws errors of the system, before anything has changed */
  #begin(kind: SuccessionKind, configuration = this.configuration): void {
    // A strict pool's workers drain already.
    const replaced = kind === "strict" ? this.#workers.size : this.#workers.ready().length;
    this.#generation.begin(configuration, kind, replaced);
    this.#breaker.heal();
  }

  #tellBegun(tag: string, why: string): void {
    const text = `${why}: generation ${this.#generation.number}`;
    this.#log.line("notice", tag, { pool: this.name }, text);
  }

  /** Does what there is to do now. @param waitingMs for how long connections have waited in the queue; unset: none waits */
  #advance(waitingMs?: number): void {
    if (this.#state === "open") this.#reconciler.advance(waitingMs);
    else this.#reconciler.rest();
  }

  #makeQueue(options: PoolOptions): PoolQueue {
    return new PoolQueue({
      ...options,
      inherited: options.inherited?.queue,
      refuses: () => this.#breaker.isOpen,
      onWaiting: (ms) => this.#advance(ms),
    });
  }

  #makeWorkers(options: PoolOptions): Workers {
    return new Workers({
      ...options,
      generation: this.#generation,
      slots: this.#slots,
      queue: this.#queue.fd,
      onWorker: (worker) => this.#follow(worker),
    });
  }

  #makeReconciler(): Reconciler {
    return new Reconciler({
      name: this.name,
      generation: this.#generation,
      slots: this.#slots,
      queue: this.#queue,
      breaker: this.#breaker,
      workers: this.#workers,
      allotment: this.#allotment,
      log: this.#log,
      clock: this.#clock,
    });
  }

  #makeReload(): Reload {
    const { settings, account } = this.configuration;
    return new Reload({
      mode: settings.reload,
      watch: settings.watch,
      identity: account.identity,
      clock: this.#clock,
      onChange: (settlesAt) => this.#onChange(settlesAt),
      onSettled: (changes) => this.#onSettled(changes),
      onTrouble: ({ text, usual }) =>
        this.#log.line(usual ? "notice" : "warn", "TN0263", { pool: this.name }, text),
    });
  }

  /** A strict pool's workers are worth nothing from the first change on, and one that starts before files have settled would be replaced before it is ready. */
  #onChange(settlesAt: number): void {
    if (!this.#isStrict) return;
    this.#generation.postpone(settlesAt);
    this.#workers.drain("files have changed");
    this.#advance();
  }

  #onSettled({ count, file }: Unsettled): void {
    this.#begin(this.#isStrict ? "strict" : "together");
    const others = count === 1 ? "" : ` and ${count - 1} other changes`;
    this.#tellBegun("TN0260", `${file} has changed${others}`);
    this.#advance();
  }

  get #isStrict(): boolean {
    return this.configuration.settings.reload === "strict";
  }

  /** Hears what a worker tells. */
  #follow(worker: WorkerProcess): void {
    worker.once("ready", () => this.#onReady(worker));
    worker.once("recycle", () => this.#advance());
    worker.on("loaded", (files) => this.#reload.told(worker.generation, files));
    worker.on("outdated", (file) => {
      if (this.#isStrict) this.#reload.changed([file]);
    });
    worker.on("purge", (exportName) => this.#slots.scoreboard.purge(exportName));
    worker.on("failure", (reason) => this.#breaker.explain(reason));
    let left = false;
    worker.once("leaving", () => {
      left = true;
      this.#breaker.failed(worker, worker.slot);
      this.#advance();
    });
    worker.once("exit", () => this.#onExit(worker, worker.asked || left));
  }

  #onReady({ generation }: WorkerProcess): void {
    this.#queue.rejuvenate();
    if (generation === this.#generation.number) {
      this.#slots.scoreboard.setGeneration(generation);
      this.#generation.started();
      this.#breaker.started();
    }
    this.#advance();
  }

  /** @param known it was asked to exit, or has been counted as a failure already */
  #onExit(worker: WorkerProcess, known: boolean): void {
    this.#generation.forget([...this.#workers].map(({ generation }) => generation));
    if (!known) {
      const failure = this.#generation.failed(worker, this.#workers.ready()[0]?.generation);
      if (failure !== undefined) this.#breaker.explain(failure);
      this.#breaker.failed(worker, worker.slot);
    }
    this.#advance();
    if (this.retired && this.#workers.size === 0) this.#onEmpty(this);
  }
}
