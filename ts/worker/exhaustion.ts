// SPDX-License-Identifier: Apache-2.0
// A worker that has no descriptor left for another channel: since when, and whether it has one again. Called by runtime.ts.
import { closeSync, openSync } from "node:fs";

/** What has not come back by then is lost to this process: another is to take its place. */
const LONGEST_MS = 5000;

/** What is to be done: nothing, go on as before, or leave. */
export type ExhaustionVerdict = "wait" | "over" | "leave";

/** Begins with the first connection that could not be accepted. */
export class Exhaustion {
  readonly #since: number;

  /** @param now monotonic ms */
  constructor(now: number) {
    this.#since = now;
  }

  /** Looks whether it is over. @param now monotonic ms */
  look(now: number): ExhaustionVerdict {
    try {
      closeSync(openSync("/dev/null", "r"));
      return "over";
    } catch {
      return now - this.#since < LONGEST_MS ? "wait" : "leave";
    }
  }
}
