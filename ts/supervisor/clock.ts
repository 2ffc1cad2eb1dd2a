// SPDX-License-Identifier: Apache-2.0
// The clock and the dice of the supervisor, handed in so that tests need not wait.

/** A timer that was set; cancelling it twice, or after it went off, does nothing. */
export interface Timer {
  cancel(): void;
}

/** Time and chance. */
export interface Clock {
  /** Monotonic time in ms, comparable with a heartbeat of the scoreboard. */
  now(): number;
  /** Calls back once, `ms` from now. */
  after(ms: number, callback: () => void): Timer;
  /** From 0 to below 1. */
  random(): number;
}

// 2^31 - 1: setTimeout takes a longer one for 1 ms.
const LONGEST_TIMER_MS = 2_147_483_647;

/** The clock of this machine. CLOCK_MONOTONIC, as the workers' heartbeats. */
export const systemClock: Clock = {
  now: () => Number(process.hrtime.bigint() / 1_000_000n),
  after: (ms, callback) => {
    const timer = setTimeout(callback, Math.min(Math.max(ms, 0), LONGEST_TIMER_MS));
    return { cancel: () => clearTimeout(timer) };
  },
  random: Math.random,
};
