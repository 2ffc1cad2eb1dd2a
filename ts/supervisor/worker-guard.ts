// SPDX-License-Identifier: Apache-2.0
// What is done about a worker that harms: one whose event loop does not turn, or that takes too much memory. Made by worker-process.ts
// (docs/reliability.md, "Rescue" and "Memory").
import type { SupervisorMessage } from "../channel/control-messages.ts";
import type { Log, LogSubject } from "../log.ts";
import type { PoolSettings } from "../settings/settings.ts";
import { WorkerEnding } from "../wire/protocol.ts";
import { SERVED_WELL_MS } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { type MemoryLevel, MemoryWatch } from "./memory-watch.ts";
import { type Rescued, rescue } from "./rescue.ts";
import { StallWatch } from "./stall-watch.ts";
import type { WorkerVitals } from "./worker-vitals.ts";

/** A worker that is rescued once more is killed: what was terminated left something behind that begins anew. */
const MOST_RESCUES = 3;
/** A heartbeat that is older, while others come every 250 ms, shows that one execution holds the event loop. */
const STUCK_MS = 300;
const LOOK_MS = 20;

/** The worker, as its guard needs it. */
export interface Guarded {
  readonly clock: Clock;
  readonly log: Log;
  readonly subject: LogSubject;
  readonly settings: PoolSettings;
  /** Has loaded its application. */
  ready(): boolean;
  /** How long it has been ready, ms. */
  readyMs(): number | undefined;
  readonly vitals: Pick<WorkerVitals, "heartbeat" | "heartbeatAge" | "memory" | "inFlight">;
  /** Has Node open the inspector. */
  openInspector(): void;
  /** Settles with the inspector's address once the worker has told it. */
  inspector(): Promise<string>;
  send(message: SupervisorMessage): void;
  /** It ends at once, and that is no crash of its own. @param why for the log of a pool whose workers fail */
  kill(ending: WorkerEnding, why: string): void;
  /** It takes nothing new, finishes what is open, and exits. */
  retire(why: string): void;
  /** The same as soon as another is ready in its stead. */
  recycle(why: string): void;
}

function mebibytes(kib: number): string {
  return `${Math.round(kib / 1024)} MiB`;
}

/** Guards from its making until `end`; against stalls from `ready` on. */
export class WorkerGuard {
  readonly #worker: Guarded;
  readonly #memory: MemoryWatch | undefined;
  #stall: StallWatch | undefined;
  #rescues = 0;
  /** A rescue is under way. */
  #busy = false;
  /** The hard limit has been dealt with: only killing is left. */
  #overHard = false;
  #killed = false;
  #ended = false;

  constructor(worker: Guarded) {
    this.#worker = worker;
    const { memorySoft: soft, memoryHard: hard } = worker.settings;
    if (hard === 0) return;
    this.#memory = new MemoryWatch({
      limits: { soft: soft === 0 ? hard : soft, hard },
      clock: worker.clock,
      read: () => worker.vitals.memory(),
      onLevel: (level, kib) => this.#onLevel(level, kib),
    });
  }

  /** Its event loop is expected to turn from now on. */
  ready(): void {
    this.#stall = new StallWatch({
      limitMs: this.#worker.settings.stallTimeoutMs,
      clock: this.#worker.clock,
      age: () => this.#worker.vitals.heartbeatAge,
      onStall: (ageMs) => void this.#onStall(ageMs),
    });
  }

  end(): void {
    this.#ended = true;
    this.#stall?.end();
    this.#memory?.end();
  }

  async #onStall(ageMs: number): Promise<void> {
    const stall = this.#stall as StallWatch;
    // What is under way for the memory's sake looks at the time too.
    if (this.#busy) {
      stall.resume();
      return;
    }
    const rescued = await this.#rescue(() => stall.turned());
    if (this.#ended) return;
    stall.resume();
    this.#afterStall(ageMs, rescued);
  }

  #afterStall(ageMs: number, rescued: Rescued): void {
    const { log, subject } = this.#worker;
    const text = `stalled for ${ageMs} ms (TenonStallTimeout): ${guilty(rescued)}`;
    if (rescued.failed !== undefined) {
      const line = `${text}: killed, ${this.#worker.vitals.inFlight}: ${rescued.failed}`;
      log.line("error", "TN0241", subject, line);
    } else {
      log.line("error", "TN0240", subject, `${text}: terminated, the worker retires`);
    }
    const why = `it kept the worker's event loop for ${ageMs} ms (TenonStallTimeout)`;
    this.#afterRescue(rescued, "stall", why);
  }

  #onLevel(level: MemoryLevel, kib: number): void {
    if (level === "beyond" || (level === "hard" && !this.#worker.ready())) {
      const cause = level === "hard" ? "while it started" : "before it could be stopped otherwise";
      this.#killForMemory(kib, cause);
    } else if (level === "hard" || level === "runaway") {
      if (!this.#busy && !this.#overHard && this.#worker.ready()) void this.#onRunaway();
    } else if ((this.#worker.readyMs() ?? 0) >= SERVED_WELL_MS) {
      // One that needs so much from its start is left alone: its successor would need it too.
      this.#worker.recycle(`it has ${mebibytes(kib)} (TenonMemory)`);
    }
  }

  /** At the hard limit, or soon: terminates what runs if it is one execution that takes it there. */
  async #onRunaway(): Promise<void> {
    const { memoryHard, stallTimeoutMs } = this.#worker.settings;
    const memory = this.#memory as MemoryWatch;
    const began = this.#worker.vitals.heartbeat;
    const turned = (): boolean => this.#worker.vitals.heartbeat !== began;
    const isStuck = (): boolean => {
      const age = this.#worker.vitals.heartbeatAge;
      return (memory.kib >= memoryHard && age >= STUCK_MS) || age >= stallTimeoutMs;
    };
    // At the moment of the decision: a garbage collection may take it below the limit again.
    let ageMs = 0;
    let kib = 0;
    const rescued = await this.#rescue(
      () => this.#until(turned),
      async () => {
        await this.#until(() => turned() || isStuck());
        ageMs = this.#worker.vitals.heartbeatAge;
        kib = memory.kib;
        return !turned();
      },
    );
    if (this.#ended || this.#killed) return;
    if (rescued.needless === true || (rescued.failed !== undefined && turned())) {
      this.#worker.send({ type: "rescued", limit: "memory", why: "" });
      if (memory.kib >= memoryHard) this.#retireForMemory(memory.kib);
    } else if (ageMs < stallTimeoutMs) {
      this.#afterRunaway(Math.max(kib, memory.kib), rescued);
    } else {
      this.#afterStall(ageMs, rescued);
    }
  }

  #afterRunaway(kib: number, rescued: Rescued): void {
    if (rescued.failed !== undefined) {
      this.#killForMemory(kib, rescued.failed);
      return;
    }
    const { log, subject, settings } = this.#worker;
    const limit = `the hard limit of ${mebibytes(settings.memoryHard)} (TenonMemory)`;
    const text = `has ${mebibytes(kib)}, above ${limit}: ${guilty(rescued)}: terminated, the worker retires`;
    log.line("error", "TN0251", subject, text);
    this.#overHard = true;
    const why = `it took the worker's memory to ${mebibytes(kib)}, above ${limit}`;
    this.#afterRescue(rescued, "memory", why);
  }

  /** No single execution took it there. */
  #retireForMemory(kib: number): void {
    const { log, subject, settings } = this.#worker;
    this.#overHard = true;
    const text =
      `has ${mebibytes(kib)}, above the hard limit of ${mebibytes(settings.memoryHard)} (TenonMemory), ` +
      `${this.#worker.vitals.inFlight}: it takes nothing new`;
    log.line("error", "TN0253", subject, text);
    this.#worker.retire("its memory is above the hard limit");
  }

  #killForMemory(kib: number, cause: string): void {
    if (this.#killed) return;
    this.#killed = true;
    const { log, subject, settings } = this.#worker;
    const text =
      `has ${mebibytes(kib)}, above the hard limit of ${mebibytes(settings.memoryHard)} (TenonMemory): ` +
      `killed, ${this.#worker.vitals.inFlight}: ${cause}`;
    log.line("error", "TN0252", subject, text);
    this.#worker.kill(WorkerEnding.MEMORY, text);
  }

  /** Names who was terminated, has it answered, and the worker replaced; or kills. */
  #afterRescue({ failed, stack }: Rescued, limit: "stall" | "memory", why: string): void {
    const { log, subject } = this.#worker;
    for (const frame of stack) log.line("error", "TN0242", subject, frame);
    if (failed !== undefined) {
      this.#worker.kill(WorkerEnding.STALLED, `${why}: ${failed}`);
      return;
    }
    const place = stack[0] === undefined ? "" : `, ${stack[0]}`;
    this.#worker.send({ type: "rescued", limit, why: `${why} and was terminated${place}` });
    this.#worker.retire("an execution was terminated");
  }

  async #rescue(turned: () => Promise<void>, hold?: () => Promise<boolean>): Promise<Rescued> {
    if (this.#rescues === MOST_RESCUES) {
      return { failed: `it was rescued ${MOST_RESCUES} times before`, request: "", stack: [] };
    }
    const { clock } = this.#worker;
    this.#busy = true;
    const rescued = await rescue({
      signal: () => this.#worker.openInspector(),
      address: this.#worker.inspector(),
      turned,
      clock,
      ...(hold === undefined ? {} : { hold }),
    });
    if (rescued.needless !== true) this.#rescues += 1;
    this.#busy = false;
    return rescued;
  }

  /** Settles when something is so, or the worker has gone. */
  #until(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.#ended || this.#killed || isSo()) resolve();
        else this.#worker.clock.after(LOOK_MS, look);
      };
      look();
    });
  }
}

function guilty({ request }: Rescued): string {
  return request === "" ? "code that runs for no request, or cannot be told which" : request;
}
