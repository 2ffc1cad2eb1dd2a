// SPDX-License-Identifier: Apache-2.0
// How busy a worker is: the part of time that its event loop has not waited, and the processor time of its process. Called by worker-vitals.ts.
import { ProcessFile } from "./process-file.ts";

/** What one look at a worker finds. */
export interface LoadLook {
  /** Monotonic ms. */
  readonly now: number;
  /** The worker's words: they belong together. Low 32 bits of ms. */
  readonly heartbeat: number;
  readonly loopActive: number;
  /** Processor time of its process so far, ms; undefined: cannot be told. */
  readonly cpuMs: number | undefined;
}

/** A heartbeat that is older, ms, says that the event loop is held now: three are missing. */
const HELD_MS = 750;
/** Time in which a new load counts for two thirds, ms: what lasts for less makes no pool grow. */
const SMOOTHING_MS = 1000;

/** A heartbeat may be a little ahead of a time that was read before it, ms. */
const MOST_AHEAD_MS = 1000;

/** How long ago a heartbeat was, ms. @param now monotonic ms @param heartbeat as a worker wrote it, so anything */
export function heartbeatAge(now: number, heartbeat: number): number {
  const ahead = (heartbeat - (now >>> 0)) >>> 0;
  return ahead <= MOST_AHEAD_MS ? 0 : ((now >>> 0) - heartbeat) >>> 0;
}

/** The load of one worker over its last seconds, from looks at any distance. */
export class WorkerLoad {
  #last: LoadLook | undefined;
  /** Of the last look. */
  #loopNow = 0;
  #loop = 0;
  #cpu = 0;

  /** From 0 to 1: how much of its one event loop, or of one processor, it uses; 1 cannot take more. */
  get load(): number {
    return Math.min(1, Math.max(this.#loop, this.#cpu));
  }

  /** Processors in use; more than 1 where it has threads. */
  get cpu(): number {
    return this.#cpu;
  }

  look(look: LoadLook): void {
    const last = this.#last;
    if (last === undefined) {
      this.#last = look;
      return;
    }
    const ms = look.now - last.now;
    if (ms <= 0) return;
    const beats = (look.heartbeat - last.heartbeat) >>> 0;
    if (heartbeatAge(look.now, look.heartbeat) >= HELD_MS) this.#loopNow = 1;
    else if (beats > 0) {
      this.#loopNow = Math.min(1, ((look.loopActive - last.loopActive) >>> 0) / beats);
    }
    const weight = 1 - Math.exp(-ms / SMOOTHING_MS);
    if (look.cpuMs !== undefined && last.cpuMs !== undefined) {
      this.#cpu += (Math.max(0, look.cpuMs - last.cpuMs) / ms - this.#cpu) * weight;
    }
    this.#loop += (this.#loopNow - this.#loop) * weight;
    this.#last = look;
  }
}

/** Ticks of a second in /proc: USER_HZ is 100 on every architecture that Node runs on (proc(5), sysconf(_SC_CLK_TCK)). */
const TICK_MS = 10;
/** Of the fields behind the program's name: utime and stime (proc(5), 14 and 15 of all). */
const UTIME = 11;

/** Processor time, ms, from the text of /proc/<pid>/stat; undefined when it is none. */
export function processorTime(stat: string): number | undefined {
  // The program's name may hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const ms = (Number(fields[UTIME]) + Number(fields[UTIME + 1])) * TICK_MS;
  return Number.isFinite(ms) ? ms : undefined;
}

/** Processor time of one process, ms. */
export class ProcessorClock extends ProcessFile<number> {
  constructor(pid: number) {
    super(pid, "stat", processorTime);
  }
}
