// SPDX-License-Identifier: Apache-2.0
// One worker: a process in a slot of a pool, from its spawn, or its takeover from a dead supervisor, to its last line of output. Made by workers.ts.
import { EventEmitter } from "node:events";
import { rmSync } from "node:fs";
import type { FileStamp, WorkerMessage } from "../channel/control-messages.ts";
import { WorkerEnding, WorkerState } from "../wire/protocol.ts";
import type { Timer } from "./clock.ts";
import { Control } from "./control.ts";
import { endingOf, reportEnd } from "./last-words.ts";
import { drawLimits, endOfLife, type LifeLimits } from "./recycling.ts";
import { type HeldProcess, spawnWorker } from "./spawn.ts";
import { holdInherited, type InheritedWorker, storeWorker, workerKey } from "./takeover.ts";
import { WorkerGuard } from "./worker-guard.ts";
import { startMessage, type WorkerOptions } from "./worker-options.ts";
import { WorkerOutput } from "./worker-output.ts";
import { type WorkerMeasures, WorkerVitals } from "./worker-vitals.ts";

/** Beyond the time-out that a worker keeps itself, so that it can say its last words. */
const KILL_GRACE_MS = 500;
/** A worker whose control socket is closed has exited, or does at once. */
const EXIT_MS = 500;
/** Its output is read for so long after its exit; a process that it left behind may hold it open for ever. */
const LAST_OUTPUT_MS = 200;

interface WorkerEvents {
  ready: [];
  leaving: [];
  /** Why it failed, the first line for logs; may come behind "exit". */
  failure: [string];
  /** It is to be replaced: `recycling` says why. */
  recycle: [];
  exit: [];
  /** The name of an export, or undefined for all. */
  purge: [string | undefined];
  /** Files that its application is made from. */
  loaded: [readonly FileStamp[]];
  /** A file that has changed: it drains. */
  outdated: [string];
}

/**
 * A worker process.
 *
 * 1. The constructor binds its endpoint, takes its slot in the scoreboard and spawns it; a throw leaves nothing behind. Or it goes on with one
 *    that a predecessor of this supervisor has spawned, in the state in which that is.
 * 2. "ready" comes when it has loaded its application. "leaving" comes when it drains without having been asked.
 *    "purge", "loaded" and "outdated" may come at any time.
 * 3. drain() or stop() asks it to exit; it is killed when its time is over.
 * 4. "exit" comes once, as soon as the process has ended: its slot is free.
 * 5. `closed` is settled when its last output and the reason of its end have been logged.
 */
export class WorkerProcess extends EventEmitter<WorkerEvents> {
  readonly slot: number;
  readonly generation: number;
  readonly closed: Promise<void>;
  readonly #options: WorkerOptions;
  readonly #process: HeldProcess;
  readonly #control: Control;
  readonly #output: WorkerOutput;
  readonly #spawnedAt: number;
  #state: "starting" | "ready" | "draining" | "exited" = "starting";
  #readyAt: number | undefined;
  #asked = false;
  #failed = false;
  #failure: string | undefined;
  /** Why we killed it. */
  #killed: WorkerEnding | undefined;
  /** It drained without having been asked: it got SIGTERM, or its application closed its server. */
  #left = false;
  #timer: Timer;
  #recycling: string | undefined;
  readonly #vitals: WorkerVitals;
  readonly #limits: LifeLimits;
  readonly #guard: WorkerGuard;

  constructor(options: WorkerOptions, inherited?: InheritedWorker) {
    super();
    const { slot, scoreboard, clock } = options;
    this.#options = options;
    this.slot = slot;
    this.generation = options.generation;
    const now = clock.now();
    this.#spawnedAt = inherited?.spawnedAt ?? now;
    const onExit = (cause: string): void => this.#onExit(cause);
    this.#process =
      inherited === undefined ? spawnWorker(options, onExit) : holdInherited(inherited, onExit);
    const { pid, control, stdout, stderr } = this.#process;
    this.#vitals = new WorkerVitals(slot, scoreboard, clock, pid);
    this.#output = new WorkerOutput(stdout, stderr, options.log, this.#subject());
    this.#control = new Control(
      control,
      (message) => this.#onMessage(message),
      () => this.#onControlClosed(),
    );
    this.closed = this.#output.closed;
    const startMs = options.configuration.settings.startupTimeoutMs;
    this.#timer = clock.after(this.#spawnedAt + startMs - now, () => {
      this.#onStartupTimeout();
    });
    this.#limits = drawLimits(options.configuration.settings, () => clock.random());
    this.#guard = this.#makeGuard();
    if (inherited === undefined) {
      // In this order: one that a successor finds in the store knows what it is to do.
      this.#sendStart();
      this.#keep();
    } else {
      this.#goOn();
    }
  }

  /** Has it outlive this supervisor. */
  #keep(): void {
    const { store, slot, incarnation, generation, scoreboard, log, configuration } = this.#options;
    const place = { slot, incarnation, generation, spawnedAt: this.#spawnedAt };
    const { name } = configuration.settings;
    const refused = storeWorker(store, name, place, this.#process, scoreboard.fd);
    if (refused === undefined) return;
    const text = `will drain, should the supervisor die: it cannot be kept for another one: ${refused}`;
    log.line("warn", "TN0246", this.#subject(), text);
  }

  /** Finds out how far an inherited worker is, which has been told what to do, and goes on from there. */
  #goOn(): void {
    const { scoreboard, slot, incarnation, log, clock } = this.#options;
    const shown = scoreboard.state(slot);
    if (shown === WorkerState.READY) this.#watch(this.#spawnedAt);
    if (shown >= WorkerState.DRAINING) {
      const limitMs = this.#drainMs();
      this.#asked = true;
      if (this.#vitals.heartbeat !== 0) this.#watch(this.#spawnedAt);
      this.#state = "draining";
      this.#timer.cancel();
      this.#timer = clock.after(limitMs, () => this.#kill(limitMs));
    }
    this.#control.send({ type: "adopted", supervisor: process.pid });
    const place = `generation ${this.generation}, incarnation ${incarnation}`;
    log.line("info", "TN0244", this.#subject(), `taken over: ${this.#state}, ${place}`);
  }

  get state(): "starting" | "ready" | "draining" | "exited" {
    return this.#state;
  }

  /** How long it has been ready, ms; undefined when it never was. */
  get readyMs(): number | undefined {
    return this.#readyAt === undefined ? undefined : this.#options.clock.now() - this.#readyAt;
  }

  /** Why its application did not load; undefined: it did, or it ended otherwise. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** It has finished an exchange. */
  get served(): boolean {
    return this.#vitals.served > 0;
  }

  /** It was told to exit. */
  get asked(): boolean {
    return this.#asked;
  }

  /** Why it is to drain once another is ready in its stead; undefined: it is not. */
  get recycling(): string | undefined {
    return this.#recycling;
  }

  /** Asks for another in its stead. @param why for the log */
  recycle(why: string): void {
    if (this.#markForRecycling(why)) this.emit("recycle");
  }

  #markForRecycling(why: string): boolean {
    if (this.#recycling !== undefined || this.#state !== "ready") return false;
    this.#recycling = why;
    this.#options.log.line("notice", "TN0250", this.#subject(), `to be replaced: ${why}`);
    return true;
  }

  /** Looks at it. Whoever does plans next: it may have lived long enough. */
  measure(): WorkerMeasures {
    if (this.#state !== "ready") return { hasRoom: false, idleMs: 0, load: 0, cpu: 0 };
    const measures = this.#vitals.measure();
    const old = endOfLife(this.#limits, this.#vitals.served, this.readyMs ?? 0);
    if (old !== undefined) this.#markForRecycling(old);
    return measures;
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
    const first = !this.#asked;
    this.#state = "draining";
    this.#asked = true;
    if (first) {
      this.#control.send({ type: "drain" });
      // Until it is ready nothing may be reading the control socket.
      if (starting) this.#process.signal("SIGTERM");
    }
    // Only now: a successor of this supervisor takes it that the worker has been asked.
    scoreboard.setState(this.slot, shown);
    if (first) log.line("info", "TN0222", this.#subject(), `asked to exit: ${why}`);
    this.#timer.cancel();
    this.#timer = clock.after(limitMs, () => this.#kill(limitMs));
  }

  /** Without its control socket it hears nothing of us, and who closes that closes channels too. */
  #onControlClosed(): void {
    this.#options.clock.after(EXIT_MS, () => {
      // One that has been asked to exit has its time for that.
      if (this.#state !== "ready") return;
      const { log } = this.#options;
      const text =
        "has lost its control socket: the application closes descriptors that are not its own; the worker retires";
      log.line("error", "TN0249", this.#subject(), text);
      this.drain("it has lost its control socket");
      this.#process.signal("SIGTERM");
    });
  }

  #kill(limitMs: number): void {
    const text = `killed: it has not exited within ${limitMs} ms of being asked, ${this.#vitals.inFlight}`;
    this.#options.log.line("warn", "TN0218", this.#subject(), text);
    this.#killed = WorkerEnding.OVERDUE;
    this.#process.signal("SIGKILL");
  }

  #sendStart(): void {
    const { incarnation, generation, log } = this.#options;
    this.#control.send(startMessage(this.#options));
    const text = `started: generation ${generation}, incarnation ${incarnation}`;
    log.line("info", "TN0210", this.#subject(), text);
  }

  #onMessage(message: WorkerMessage): void {
    if (message.type === "ready" && this.#state === "starting") this.#onReady(message.shape);
    if (message.type === "failed" && this.#state === "starting") this.#onFailed(message);
    if (message.type === "purge") this.emit("purge", message.export);
    if (message.type === "loaded") this.emit("loaded", message.files);
    if (message.type === "outdated") {
      if (!this.#asked) this.drain(`${message.file} has changed`);
      this.emit("outdated", message.file);
    }
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
    const { clock, log } = this.#options;
    const now = clock.now();
    this.#watch(now);
    const text = `ready after ${now - this.#spawnedAt} ms (${shape.slice(0, 20)})`;
    log.line("info", "TN0211", this.#subject(), text);
    this.emit("ready");
  }

  /** It is ready. @param since when, monotonic ms */
  #watch(since: number): void {
    this.#state = "ready";
    this.#timer.cancel();
    this.#readyAt = since;
    this.#vitals.ready();
    this.#guard.ready();
  }

  #makeGuard(): WorkerGuard {
    const { log, clock, configuration } = this.#options;
    return new WorkerGuard({
      log,
      clock,
      subject: this.#subject(),
      settings: configuration.settings,
      vitals: this.#vitals,
      ready: () => this.#readyAt !== undefined,
      readyMs: () => this.readyMs,
      openInspector: () => this.#process.signal("SIGUSR1"),
      inspector: () => this.#output.inspector(),
      send: (message) => this.#control.send(message),
      kill: (ending, why) => {
        this.#killed = ending;
        this.#failed = true;
        this.emit("failure", why);
        this.#process.signal("SIGKILL");
      },
      retire: (why) => {
        if (this.#state === "ready") this.drain(why);
      },
      recycle: (why) => this.recycle(why),
    });
  }

  #onFailed(message: Extract<WorkerMessage, { type: "failed" }>): void {
    const { log } = this.#options;
    this.#failed = true;
    this.#failure = `${message.code}: ${message.message}`;
    log.line("error", "TN0212", this.#subject(), `did not start: ${this.#failure}`);
    this.emit("failure", `${this.#failure}\n${message.stack}`);
    for (const line of message.stack.split("\n")) {
      if (line !== "") log.line("error", "TN0213", this.#subject(), line);
    }
  }

  #onStartupTimeout(): void {
    const { log, configuration } = this.#options;
    this.#failed = true;
    const text = `killed: not ready within ${configuration.settings.startupTimeoutMs} ms (TenonStartupTimeout)`;
    const line = `${text}${this.#output.lastWords()}`;
    log.line("error", "TN0215", this.#subject(), line);
    this.emit("failure", line);
    this.#process.signal("SIGKILL");
  }

  #onExit(cause: string): void {
    if (this.#state === "exited") return;
    const { scoreboard, endpoint, clock, store, incarnation, configuration } = this.#options;
    const open = this.#vitals.inFlight;
    const lifeMs = clock.now() - this.#spawnedAt;
    this.#timer.cancel();
    this.#guard.end();
    this.#vitals.close();
    const { ending, detail } = endingOf(cause);
    scoreboard.setEnding(this.slot, this.#killed ?? ending, detail);
    scoreboard.setState(this.slot, WorkerState.EXITED);
    rmSync(endpoint, { force: true });
    this.#state = "exited";
    this.#control.close();
    // Processes that it started and left behind are in its process group.
    this.#process.signal("SIGKILL");
    store.drop(workerKey(configuration.settings.name, this.slot, incarnation));
    this.#output.end(clock, LAST_OUTPUT_MS, () => {
      this.#logEnd(cause, `${open}, after ${(lifeMs / 1000).toFixed(1)} s`);
      this.#process.close();
    });
    this.emit("exit");
  }

  #logEnd(cause: string, circumstances: string): void {
    const { level, tag, text, failed } = reportEnd({
      cause,
      circumstances,
      expected: this.#asked || this.#failed,
      left: this.#left,
      wasReady: this.#readyAt !== undefined,
      outOfMemory: this.#output.isOutOfMemory,
      memoryHard: this.#options.configuration.settings.memoryHard,
      lastWords: this.#output.lastWords(),
    });
    this.#options.log.line(level, tag, this.#subject(), text);
    if (failed) this.emit("failure", text);
  }

  #subject(): { pool: string; slot: number; pid: number | undefined } {
    const { configuration, slot } = this.#options;
    return { pool: configuration.settings.name, slot, pid: this.#process.pid };
  }
}
