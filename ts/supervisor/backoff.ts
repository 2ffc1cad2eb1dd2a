// SPDX-License-Identifier: Apache-2.0
// Backoff: the growing delay before a pool's next worker is started. Pure: state and clock in, state out.

/** How a pool's starts have been going. */
export interface Backoff {
  /** Failures since a worker last served well. */
  readonly failures: number;
  /** Failures in a row of workers that have answered nobody. */
  readonly barren: number;
  /** No worker is started before this time, monotonic ms. */
  readonly notBefore: number;
}

/** How a worker did that exited unasked, or did not start. */
export interface Failed {
  /** How long it had been ready, ms; undefined when it never was. */
  readonly readyMs: number | undefined;
  /** It has finished an exchange. */
  readonly served: boolean;
}

export const FIRST_DELAY_MS = 100;
export const LONGEST_DELAY_MS = 30_000;
/** The longest behind a worker that had answered somebody: what one request breaks must not keep the others waiting. */
export const LONGEST_SERVED_DELAY_MS = 1000;
/** A worker that was ready for so long has served well: what failed before is forgotten. */
export const SERVED_WELL_MS = 10_000;

export const noBackoff: Backoff = { failures: 0, barren: 0, notBefore: 0 };

/**
 * Takes note of a failure. The first crash of a worker that had been ready costs no delay.
 * @param random from 0 to below 1: the delay is between half and all of its step
 */
export function backoffAfter(
  backoff: Backoff,
  { readyMs, served }: Failed,
  now: number,
  random: number,
): Backoff {
  const well = readyMs !== undefined && readyMs >= SERVED_WELL_MS;
  const failures = well ? 0 : backoff.failures;
  const barren = served || well ? 0 : backoff.barren + 1;
  if (readyMs !== undefined && failures === 0) {
    return { failures: 1, barren, notBefore: Math.max(now, backoff.notBefore) };
  }
  const longest = served ? LONGEST_SERVED_DELAY_MS : LONGEST_DELAY_MS;
  const step = Math.min(longest, FIRST_DELAY_MS * 2 ** failures);
  const delay = step * (0.5 + random / 2);
  const notBefore = Math.max(now + delay, backoff.notBefore);
  return { failures: failures + 1, barren, notBefore };
}
