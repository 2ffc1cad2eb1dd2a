// SPDX-License-Identifier: Apache-2.0
// Watches the heartbeat of one worker, which its event loop writes when it turns. Wakes about once in the limit. Called by worker-guard.ts.
import type { Clock, Timer } from "./clock.ts";

/** How often to look whether an event loop turns again. */
const LOOK_MS = 20;

export interface StallWatchOptions {
  readonly limitMs: number;
  readonly clock: Clock;
  /** Age of the heartbeat, ms. */
  readonly age: () => number;
  /** The heartbeat has stopped for the limit. Not called again before `resume`. */
  readonly onStall: (ageMs: number) => void;
}

/** Watches from its making until `end`. */
export class StallWatch {
  readonly #options: StallWatchOptions;
  #timer: Timer;

  constructor(options: StallWatchOptions) {
    this.#options = options;
    this.#timer = this.#wait(options.limitMs);
  }

  /** Watches again after a stall. */
  resume(): void {
    this.#timer = this.#wait(this.#options.limitMs);
  }

  /** Settles when the event loop has turned; never when it does not. */
  turned(): Promise<void> {
    const { limitMs, age, clock } = this.#options;
    return new Promise((resolve) => {
      const look = (): void => {
        if (age() < limitMs) resolve();
        else this.#timer = clock.after(LOOK_MS, look);
      };
      look();
    });
  }

  end(): void {
    this.#timer.cancel();
  }

  #wait(ms: number): Timer {
    return this.#options.clock.after(ms, () => {
      const { limitMs, age, onStall } = this.#options;
      const ageMs = age();
      if (ageMs >= limitMs) onStall(ageMs);
      else this.#timer = this.#wait(limitMs - ageMs);
    });
  }
}
