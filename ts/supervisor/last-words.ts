// SPDX-License-Identifier: Apache-2.0
// How a worker ended: what V8 says on stderr as it ends its process, what the system tells, and what of that is a failure. Pure; called by
// worker-output.ts, worker-process.ts and takeover.ts.
import { constants } from "node:os";
import type { LogLevelName } from "../log.ts";
import { WorkerEnding } from "../wire/protocol.ts";
import { heapLimit } from "./memory-watch.ts";

/** Cause of the end of a worker that has done all that it had to do. */
const EXITED_WELL = "exited with code 0";
/** Cause of the end of an inherited worker where the system does not tell. */
export const UNKNOWN_END = "ended, the supervisor that would know how having died before";

const fatal = /^(?:FATAL ERROR: |# Fatal (?:JavaScript|process) )/;
const outOfMemory = /out of memory|Allocation failed|invalid (?:array|size|table)/i;

/** Whether a line tells why the process is about to abort. */
export function isFatal(line: string): boolean {
  return fatal.test(line);
}

/** Whether such a line tells of memory. */
export function isOutOfMemory(line: string): boolean {
  return outOfMemory.test(line);
}

/** How a process ended, from the cause that is logged. */
export function endingOf(cause: string): { ending: WorkerEnding; detail: number } {
  const [, code, signal = ""] = /^exited with code (\d+)|^killed by (\w+)/.exec(cause) ?? [];
  if (code !== undefined) return { ending: WorkerEnding.EXITED, detail: Number(code) };
  const detail = constants.signals[signal as NodeJS.Signals];
  if (detail === undefined) return { ending: WorkerEnding.UNKNOWN, detail: 0 };
  return { ending: WorkerEnding.SIGNALED, detail };
}

/** A worker that has ended. */
export interface EndedWorker {
  /** As the system tells it. */
  readonly cause: string;
  /** It was asked to exit, or has been said to have failed before it did. */
  readonly expected: boolean;
  /** It drained without having been asked. */
  readonly left: boolean;
  /** It had loaded its application. */
  readonly wasReady: boolean;
  /** V8 ended it for want of memory. */
  readonly outOfMemory: boolean;
  /** Its hard limit, KiB; 0: none. */
  readonly memoryHard: number;
  /** What else is to be said: what was open, for how long it lived. */
  readonly circumstances: string;
  /** The end of the sentence: its last line on stderr. */
  readonly lastWords: string;
}

/** What is logged of an end. */
export interface EndReport {
  readonly level: LogLevelName;
  readonly tag: string;
  readonly text: string;
  /** It is one of the pool's failures. */
  readonly failed: boolean;
}

/** Says how a worker ended. */
export function reportEnd(worker: EndedWorker): EndReport {
  const { cause, expected, left, lastWords } = worker;
  const text = `${cause}, ${worker.circumstances}`;
  const well = cause === EXITED_WELL || cause === UNKNOWN_END;
  if (expected || (left && well)) return { level: "info", tag: "TN0217", text, failed: false };
  const failure = (tag: string, what: string): EndReport => {
    return { level: "error", tag, text: `${what}: ${text}${lastWords}`, failed: true };
  };
  if (worker.outOfMemory) {
    const { memoryHard } = worker;
    const limit = memoryHard === 0 ? "V8's own" : `${heapLimit(memoryHard)} MiB (TenonMemory)`;
    return failure("TN0254", `ran out of heap, its limit is ${limit}`);
  }
  return worker.wasReady ? failure("TN0216", "crashed") : failure("TN0214", "did not start");
}
