// SPDX-License-Identifier: Apache-2.0
// What is found out about a worker from outside: its words in the scoreboard, its memory and its processor time. Made by worker-process.ts; read by
// that and worker-guard.ts.
import type { Clock } from "./clock.ts";
import { ProcessMemory } from "./memory-watch.ts";
import type { WorkerView } from "./plan.ts";
import type { ScoreboardFile, SlotLoad } from "./scoreboard-file.ts";
import { heartbeatAge, ProcessorClock, WorkerLoad } from "./worker-load.ts";

/** What is found out about a worker at a look; nothing until it is ready. */
export type WorkerMeasures = Pick<WorkerView, "hasRoom" | "idleMs" | "load" | "cpu">;

/** A heartbeat that is older belongs to an event loop that does not turn. */
const STALE_HEARTBEAT_MS = 3000;

/** Looks at one worker, when it is asked to, until `close`. Its words stay readable behind that, until its slot is filled anew. */
export class WorkerVitals {
  readonly #slot: number;
  readonly #scoreboard: ScoreboardFile;
  readonly #clock: Clock;
  readonly #memory: ProcessMemory | undefined;
  readonly #processor: ProcessorClock | undefined;
  readonly #load: WorkerLoad = new WorkerLoad();
  /** At the last look. */
  #served: number;
  #busyAt: number;

  /** @param pid undefined: there is no process */
  constructor(slot: number, scoreboard: ScoreboardFile, clock: Clock, pid: number | undefined) {
    this.#slot = slot;
    this.#scoreboard = scoreboard;
    this.#clock = clock;
    this.#served = this.served;
    this.#busyAt = clock.now();
    this.#memory = pid === undefined ? undefined : new ProcessMemory(pid);
    this.#processor = pid === undefined ? undefined : new ProcessorClock(pid);
  }

  /** Exchanges that it has finished, low 32 bits. */
  get served(): number {
    return this.#words.served;
  }

  /** The word that its event loop writes every 250 ms as it turns; 0: not yet. */
  get heartbeat(): number {
    return this.#words.heartbeat;
  }

  /** How long ago that was, ms. */
  get heartbeatAge(): number {
    return heartbeatAge(this.#clock.now(), this.heartbeat);
  }

  /** KiB of its own; undefined when it has gone. */
  memory(): number | undefined {
    return this.#memory?.read();
  }

  /** Exchanges in flight, in words. */
  get inFlight(): string {
    const { inFlight } = this.#words;
    return `${inFlight} exchange${inFlight === 1 ? "" : "s"} in flight`;
  }

  /** It is ready: idle time counts from now on. */
  ready(): void {
    this.#busyAt = this.#clock.now();
  }

  /** Looks at a worker that is ready. Idle time is as exact as this is called often. */
  measure(): WorkerMeasures {
    const now = this.#clock.now();
    const words = this.#words;
    if (words.inFlight > 0 || words.served !== this.#served) this.#busyAt = now;
    this.#served = words.served;
    this.#load.look({ now, ...words, cpuMs: this.#processor?.read() });
    const turns = this.heartbeatAge < STALE_HEARTBEAT_MS;
    const { load, cpu } = this.#load;
    const hasRoom = turns && words.inFlight < words.capacity;
    return { hasRoom, idleMs: now - this.#busyAt, load, cpu };
  }

  close(): void {
    this.#memory?.close();
    this.#processor?.close();
  }

  get #words(): SlotLoad {
    return this.#scoreboard.load(this.#slot);
  }
}
