// SPDX-License-Identifier: Apache-2.0
// One worker: a process in a slot of a pool, from its spawn to its last line of output.

import { EventEmitter } from "node:events";
import { rmSync } from "node:fs";
import type { WorkerMessage } from "../channel/control-messages.ts";
import type { Log } from "../log.ts";
import { WorkerState } from "../wire/protocol.ts";
import type { Clock, Timer } from "./clock.ts";
import { Control } from "./control.ts";
import type { PoolConfiguration } from "./pool-configuration.ts";
import { type Rescued, rescue } from "./rescue.ts";
import type { ScoreboardFile, SlotLoad } from "./scoreboard-file.ts";
import { type Spawned, spawnWorker } from "./spawn.ts";
import { StallWatch } from "./stall-watch.ts";
import { WorkerOutput } from "./worker-output.ts";

/** What a worker process is made with. */
export interface WorkerOptions {
  readonly configuration: PoolConfiguration;
  readonly slot: number;
  readonly incarnation: number;
  readonly generation: number;
  readonly scoreboard: ScoreboardFile;
  /** Path of its endpoint. */
  readonly endpoint: string;
  /** The pool's queue socket. */
  readonly queue: number;
  /** Folder of the compile cache; unset: none. */
  readonly compileCache?: string | undefined;
  readonly log: Log;
  readonly clock: Clock;
}

/** Beyond the time-out that a worker keeps itself, so that it can say its last words. */
const KILL_GRACE_MS = 500;
/** Its output is read for so long after its exit; a process that it left behind may hold it open for ever. */
const LAST_OUTPUT_MS = 200;
/** Cause of the end of a worker that has done all that it had to do. */
const EXITED_WELL = "exited with code 0";
/** A heartbeat that is older belongs to an event loop that does not turn. */
const STALE_HEARTBEAT_MS = 3000;
/** A worker that stalls once more is killed: what was terminated left something behind that begins anew. */
const MOST_RESCUES = 3;

interface WorkerEvents {
  ready: [];
  leaving: [];
  exit: [];
  /** The name of an export, or undefined for all. */
  purge: [string | undefined];
}

/**
 * A worker process.
 *
 * 1. The constructor binds its endpoint, takes its slot in the scoreboard and spawns it; a throw leaves nothing behind.
 * 2. "ready" comes when it has loaded its application. "leaving" comes when it drains without having been asked.
 *    "purge" may come at any time.
 * 3. drain() or stop() asks it to exit; it is killed when its time is over.
 * 4. "exit" comes once, as soon as the process has ended: its slot is free.
 * 5. `closed` is settled when its last output and the reason of its end have been logged.
 */
export class WorkerProcess extends EventEmitter<WorkerEvents> {
  readonly slot: number;
  readonly generation: number;
  readonly closed: Promise<void>;
  readonly #options: WorkerOptions;
  readonly #process: Spawned;
  readonly #control: Control;
  readonly #output: WorkerOutput;
  readonly #spawnedAt: number;
  #state: "starting" | "ready" | "draining" | "exited" = "starting";
  #readyAt: number | undefined;
  #asked = false;
  #failed = false;
  /** It drained without having been asked: it got SIGTERM, or its application closed its server. */
  #left = false;
  #timer: Timer;
  #load: SlotLoad;
  #busyAt: number;
  #stallWatch: StallWatch | undefined;
  #rescues = 0;

  constructor(options: WorkerOptions) {
    super();
    const { slot, scoreboard, clock } = options;
    this.#options = options;
    this.slot = slot;
    this.generation = options.generation;
    this.#spawnedAt = clock.now();
    this.#busyAt = this.#spawnedAt;
    scoreboard.take(slot, options.incarnation, options.generation);
    try {
      this.#process = spawnWorker(options, (cause) => this.#onExit(cause));
    } catch (error) {
      scoreboard.setState(slot, WorkerState.EXITED);
      rmSync(options.endpoint, { force: true, recursive: true });
      throw error;
    }
    const { pid, control, stdout, stderr } = this.#process;
    if (pid !== undefined) scoreboard.setPid(slot, pid);
    this.#load = scoreboard.load(slot);
    this.#output = new WorkerOutput(stdout, stderr, options.log, this.#subject());
    this.#control = new Control(control, (message) => this.#onMessage(message));
    this.closed = this.#output.closed;
    this.#timer = clock.after(options.configuration.settings.startupTimeoutMs, () => {
      this.#onStartupTimeout();
    });
    this.#sendStart();
  }

  get state(): "starting" | "ready" | "draining" | "exited" {
    return this.#state;
  }

  /** How long it has been ready, ms; undefined when it never was. */
  get readyMs(): number | undefined {
    return this.#readyAt === undefined ? undefined : this.#options.clock.now() - this.#readyAt;
  }

  /** It was told to exit. */
  get asked(): boolean {
    return this.#asked;
  }

  /** Looks at its words in the scoreboard. Idle time is as exact as this is called often. */
  measure(): { readonly hasRoom: boolean; readonly idleMs: number } {
    const now = this.#options.clock.now();
    const load = this.#options.scoreboard.load(this.slot);
    if (load.inFlight > 0 || load.served !== this.#load.served) this.#busyAt = now;
    this.#load = load;
    const turns = this.#heartbeatAge() < STALE_HEARTBEAT_MS;
    return { hasRoom: turns && load.inFlight < load.capacity, idleMs: now - this.#busyAt };
  }

  #heartbeatAge(): number {
    const { scoreboard, clock } = this.#options;
    return ((clock.now() >>> 0) - scoreboard.load(this.slot).heartbeat) >>> 0;
  }

  /** Asks it to finish what is open and exit, within the graceful time-out. @param why for the log */
  drain(why: string): void {
    this.#leave(WorkerState.DRAINING, this.#drainMs(), why);
  }

  /** Asks it to exit within the shutdown time-out, also when it drains already. */
  stop(): void {
    const { shutdownTimeoutMs } = this.#options.configuration.settings;
    const limitMs = shutdownTimeoutMs + KILL_GRACE_MS;
    this.#leave(WorkerState.STOPPING, limitMs, "the supervisor stops");
  }

  /** For what is open, then for what the application does at its end. */
  #drainMs(): number {
    const { gracefulTimeoutMs, shutdownTimeoutMs } = this.#options.configuration.settings;
    return gracefulTimeoutMs + shutdownTimeoutMs + KILL_GRACE_MS;
  }

  #leave(shown: WorkerState, limitMs: number, why: string): void {
    if (this.#state === "exited") return;
    const { log, scoreboard, clock } = this.#options;
    const starting = this.#state === "starting";
    scoreboard.setState(this.slot, shown);
    this.#state = "draining";
    if (!this.#asked) {
      this.#asked = true;
      log.line("info", "TN0222", this.#subject(), `asked to exit: ${why}`);
      this.#control.send({ type: "drain" });
      // Until it is ready nothing may be reading the control socket.
      if (starting) this.#process.signal("SIGTERM");
    }
    this.#timer.cancel();
    this.#timer = clock.after(limitMs, () => this.#kill(limitMs));
  }

  #kill(limitMs: number): void {
    const text = `killed: it has not exited within ${limitMs} ms of being asked, ${this.#inFlight()}`;
    this.#options.log.line("warn", "TN0218", this.#subject(), text);
    this.#process.signal("SIGKILL");
  }

  #sendStart(): void {
    const { slot, incarnation, generation, configuration } = this.#options;
    const { settings, account, hostUids } = configuration;
    const { app, exports, directory, umask, openFiles, concurrency } = settings;
    const { gracefulTimeoutMs, shutdownTimeoutMs } = settings;
    const identity = account.identity ?? null;
    const limits = { umask, openFiles, concurrency, gracefulTimeoutMs, shutdownTimeoutMs };
    const place = { pool: settings.name, slot, incarnation, generation };
    const application = { app, exports, directory };
    this.#control.send({ type: "start", ...place, ...application, identity, hostUids, ...limits });
    const text = `started: generation ${generation}, incarnation ${incarnation}`;
    this.#options.log.line("info", "TN0210", this.#subject(), text);
  }

  #onMessage(message: WorkerMessage): void {
    if (message.type === "ready" && this.#state === "starting") this.#onReady(message.shape);
    if (message.type === "failed" && this.#state === "starting") this.#onFailed(message);
    if (message.type === "purge") this.emit("purge", message.export);
    if (message.type === "draining" && this.#state === "ready") {
      const { clock } = this.#options;
      const limitMs = this.#drainMs();
      this.#state = "draining";
      this.#left = true;
      this.#timer = clock.after(limitMs, () => this.#kill(limitMs));
      this.emit("leaving");
    }
  }

  #onReady(shape: string): void {
    this.#state = "ready";
    this.#timer.cancel();
    this.#readyAt = this.#options.clock.now();
    this.#busyAt = this.#readyAt;
    this.#stallWatch = new StallWatch({
      limitMs: this.#options.configuration.settings.stallTimeoutMs,
      clock: this.#options.clock,
      age: () => this.#heartbeatAge(),
      onStall: (ageMs) => void this.#onStall(ageMs),
    });
    const text = `ready after ${this.#readyAt - this.#spawnedAt} ms (${shape.slice(0, 20)})`;
    this.#options.log.line("info", "TN0211", this.#subject(), text);
    this.emit("ready");
  }

  /** Its event loop does not turn: what runs is terminated, or all of it killed. */
  async #onStall(ageMs: number): Promise<void> {
    const watch = this.#stallWatch as StallWatch;
    this.#rescues += 1;
    const rescued: Rescued =
      this.#rescues > MOST_RESCUES
        ? { failed: `it was rescued ${MOST_RESCUES} times before`, request: "", stack: [] }
        : await rescue({
            signal: () => this.#process.signal("SIGUSR1"),
            address: this.#output.inspector(),
            turned: () => watch.turned(),
            clock: this.#options.clock,
          });
    if (this.#state === "exited") return;
    this.#logStall(ageMs, rescued);
    if (rescued.failed !== undefined) {
      this.#failed = true;
      this.#process.signal("SIGKILL");
      return;
    }
    const why = `it kept the worker's event loop for ${ageMs} ms (TenonStallTimeout) and was terminated${
      rescued.stack[0] === undefined ? "" : `, ${rescued.stack[0]}`
    }`;
    this.#control.send({ type: "rescued", why });
    watch.resume();
    if (this.#state === "ready") this.drain("an execution was terminated");
  }

  #logStall(ageMs: number, { failed, request, stack }: Rescued): void {
    const { log } = this.#options;
    const guilty =
      request === "" ? "code that runs for no request, or cannot be told which" : request;
    const text = `stalled for ${ageMs} ms (TenonStallTimeout): ${guilty}`;
    if (failed === undefined) {
      log.line("error", "TN0240", this.#subject(), `${text}: terminated, the worker retires`);
    } else {
      const line = `${text}: killed, ${this.#inFlight()}: ${failed}`;
      log.line("error", "TN0241", this.#subject(), line);
    }
    for (const frame of stack) log.line("error", "TN0242", this.#subject(), frame);
  }

  #onFailed(message: Extract<WorkerMessage, { type: "failed" }>): void {
    const { log } = this.#options;
    this.#failed = true;
    log.line(
      "error",
      "TN0212",
      this.#subject(),
      `did not start: ${message.code}: ${message.message}`,
    );
    for (const line of message.stack.split("\n")) {
      if (line !== "") log.line("error", "TN0213", this.#subject(), line);
    }
  }

  #onStartupTimeout(): void {
    const { log, configuration } = this.#options;
    this.#failed = true;
    const text = `killed: not ready within ${configuration.settings.startupTimeoutMs} ms (TenonStartupTimeout)`;
    log.line("error", "TN0215", this.#subject(), `${text}${this.#output.lastWords()}`);
    this.#process.signal("SIGKILL");
  }

  #onExit(cause: string): void {
    if (this.#state === "exited") return;
    const { scoreboard, endpoint, clock } = this.#options;
    const open = this.#inFlight();
    const lifeMs = clock.now() - this.#spawnedAt;
    this.#timer.cancel();
    this.#stallWatch?.end();
    scoreboard.setState(this.slot, WorkerState.EXITED);
    rmSync(endpoint, { force: true });
    this.#state = "exited";
    this.#control.close();
    const wanted = this.#asked || this.#failed || (this.#left && cause === EXITED_WELL);
    // Processes that it started and left behind are in its process group.
    this.#process.signal("SIGKILL");
    this.#output.end(clock, LAST_OUTPUT_MS, () => {
      this.#logEnd(wanted, `${cause}, ${open}, after ${(lifeMs / 1000).toFixed(1)} s`);
    });
    this.emit("exit");
  }

  #logEnd(wanted: boolean, text: string): void {
    const { log } = this.#options;
    if (wanted) {
      log.line("info", "TN0217", this.#subject(), text);
    } else if (this.#readyAt === undefined) {
      const line = `did not start: ${text}${this.#output.lastWords()}`;
      log.line("error", "TN0214", this.#subject(), line);
    } else {
      log.line("error", "TN0216", this.#subject(), `crashed: ${text}${this.#output.lastWords()}`);
    }
  }

  #inFlight(): string {
    const { inFlight } = this.#options.scoreboard.load(this.slot);
    return `${inFlight} exchange${inFlight === 1 ? "" : "s"} in flight`;
  }

  #subject(): { pool: string; slot: number; pid: number | undefined } {
    const { configuration, slot } = this.#options;
    return { pool: configuration.settings.name, slot, pid: this.#process.pid };
  }
}
