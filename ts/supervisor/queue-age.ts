// SPDX-License-Identifier: Apache-2.0
// For how long connections have waited in a pool's queue. Nobody tells when one is taken, so it is whether some wait at each look. Called by pool-queue.ts.

/** A queue in which something waits says so at once when it is watched; later than this, ms, it had been empty. */
const AT_ONCE_MS = 50;

/** The age of a queue: since when each look has found connections in it. */
export class QueueAge {
  #since: number | undefined;
  #watchedSince: number | undefined;

  /** Takes note that the queue is watched, or no longer. */
  watched(watched: boolean, now: number): void {
    if (!watched) this.#watchedSince = undefined;
    else this.#watchedSince ??= now;
  }

  /** Begins anew: another worker takes from it now. */
  reset(): void {
    this.#since = undefined;
  }

  /** Takes note of connections that wait. @returns for how long, ms */
  waiting(now: number): number {
    const empty = this.#watchedSince === undefined || now - this.#watchedSince > AT_ONCE_MS;
    if (this.#since === undefined || empty) this.#since = now;
    this.#watchedSince = undefined;
    return now - this.#since;
  }
}
