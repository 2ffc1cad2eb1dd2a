// SPDX-License-Identifier: Apache-2.0
// Backoff: the growing delay before a pool's next worker is started. Pure: state and clock in, state out.

/** How a pool's starts have been going. */
export interface Backoff {
  /** Failures since a worker last served well. */
  readonly failures: number;
  /** No worker is started before this time, monotonic ms. */
  readonly notBefore: number;
}

export const FIRST_DELAY_MS = 100;
export const LONGEST_DELAY_MS = 30_000;
/** A worker that was ready for so long has served well: what failed before is forgotten. */
export const SERVED_WELL_MS = 10_000;

export const noBackoff: Backoff = { failures: 0, notBefore: 0 };

/**
 * Takes note of a worker that exited unasked or did not start. The first crash of one that had been ready costs no delay.
 * @param readyMs how long it had been ready, undefined when it never was
 * @param random from 0 to below 1: the delay is between half and all of its step
 */
export function backoffAfter(
  backoff: Backoff,
  readyMs: number | undefined,
  now: number,
  random: number,
): Backoff {
  const failures = readyMs !== undefined && readyMs >= SERVED_WELL_MS ? 0 : backoff.failures;
  if (readyMs !== undefined && failures === 0) {
    return { failures: 1, notBefore: Math.max(now, backoff.notBefore) };
  }
  const step = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** failures);
  const delay = step * (0.5 + random / 2);
  return { failures: failures + 1, notBefore: Math.max(now + delay, backoff.notBefore) };
}
