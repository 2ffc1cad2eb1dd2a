// SPDX-License-Identifier: Apache-2.0
// Watches the memory of one worker: what would be free if it ended. Looks as often as its limits are near. Called by worker-guard.ts and worker-vitals.ts.
import type { Clock, Timer } from "./clock.ts";
import { ProcessFile } from "./process-file.ts";

/** Limits of a worker's memory, KiB: at the soft one it is replaced, at the hard one stopped. */
export interface MemoryLimits {
  readonly soft: number;
  readonly hard: number;
}

/** What a worker was found to have, and when. */
export interface MemoryLook {
  readonly kib: number;
  /** Monotonic ms. */
  readonly at: number;
}

/** `runaway`: above the soft limit, and at the hard one in a moment if it goes on like this. `beyond`: more than can be borne until it is stopped otherwise. */
export type MemoryLevel = "well" | "soft" | "runaway" | "hard" | "beyond";

/** JavaScript alone takes at most 0.9 GiB/s (measured: objects 830 MB/s, filled Buffers 290, strings 170); twice that is never missed for long. */
const FASTEST_KIB_PER_MS = 2048;
const SHORTEST_PAUSE_MS = 20;
const LONGEST_PAUSE_MS = 1000;
/** What opening the inspector and waiting for a heartbeat takes at most, with room. */
const RUNAWAY_MS = 600;
/** Room above the hard limit, at least: in it a rescue has its time. */
const LEAST_ROOM_KIB = 262_144;

/** What a worker may have while it is being stopped, KiB: half of the hard limit more, or 256 MiB. One that has more is killed, whatever is being done about it. */
export function beyondLimit(hard: number): number {
  return hard + Math.max(hard / 2, LEAST_ROOM_KIB);
}

/** Where a worker stands. @param before the look before, if any */
export function memoryLevel(
  before: MemoryLook | undefined,
  now: MemoryLook,
  { soft, hard }: MemoryLimits,
): MemoryLevel {
  if (now.kib >= beyondLimit(hard)) return "beyond";
  if (now.kib >= hard) return "hard";
  if (now.kib < soft) return "well";
  if (before === undefined || now.at <= before.at) return "soft";
  const kibPerMs = (now.kib - before.kib) / (now.at - before.at);
  return now.kib + kibPerMs * RUNAWAY_MS >= hard ? "runaway" : "soft";
}

/** Time until the next look, ms: the hard limit is never passed by more than about 40 MiB between two. */
export function memoryPause(kib: number, { hard }: MemoryLimits): number {
  const ms = (hard - kib) / FASTEST_KIB_PER_MS;
  return Math.min(Math.max(Math.round(ms), SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
}

/** V8's own limit of its heap, MiB: in the middle of the room above the hard limit. */
export function heapLimit(hard: number): number {
  return Math.ceil((hard + beyondLimit(hard)) / 2 / 1024);
}

/** Arguments of node that limit V8's heap for a hard limit: its abort is what is left when nothing could be terminated in time. */
export function heapArguments({ memoryHard }: { readonly memoryHard: number }): string[] {
  if (memoryHard === 0) return [];
  return [`--max-old-space-size=${heapLimit(memoryHard)}`];
}

const FIELDS = /^(?:RssAnon|RssShmem|VmSwap):\s*(\d+) kB$/gm;

/** Memory of a process's own, KiB, from the text of /proc/<pid>/status (proc(5)): anonymous, shared with nobody's file, and swapped out; not Node's program, which all workers share. */
export function ownMemory(status: string): number {
  let sum = 0;
  for (const [, kib] of status.matchAll(FIELDS)) sum += Number(kib);
  return sum;
}

/** Memory of one process, KiB. */
export class ProcessMemory extends ProcessFile<number> {
  constructor(pid: number) {
    super(pid, "status", ownMemory);
  }
}

export interface MemoryWatchOptions {
  readonly limits: MemoryLimits;
  readonly clock: Clock;
  /** KiB; undefined when the process has gone. */
  readonly read: () => number | undefined;
  /** Called at each look that finds it above a limit. */
  readonly onLevel: (level: MemoryLevel, kib: number) => void;
}

/** Watches from its making until `end`, or until the process has gone. */
export class MemoryWatch {
  readonly #options: MemoryWatchOptions;
  #timer: Timer | undefined;
  #last: MemoryLook | undefined;
  #ended = false;

  constructor(options: MemoryWatchOptions) {
    this.#options = options;
    this.#look();
  }

  /** At the last look, KiB. */
  get kib(): number {
    return this.#last?.kib ?? 0;
  }

  end(): void {
    this.#ended = true;
    this.#timer?.cancel();
  }

  #look(): void {
    const { limits, clock, read, onLevel } = this.#options;
    const kib = read();
    if (kib === undefined) return;
    const now = { kib, at: clock.now() };
    const level = memoryLevel(this.#last, now, limits);
    this.#last = now;
    if (level !== "well") onLevel(level, kib);
    if (this.#ended) return;
    this.#timer = clock.after(memoryPause(kib, limits), () => this.#look());
  }
}
