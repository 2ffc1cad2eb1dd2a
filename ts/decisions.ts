// SPDX-License-Identifier: Apache-2.0
// What a pool can do about its decisions in the host's cache. Called by applications, through index.ts; the worker says how. The two may be different copies of
// the package: they meet in a registered symbol.

/** Key of the function that purges, on globalThis. */
const purges: unique symbol = Symbol.for("tenon.purgeDecisions") as never;

interface Global {
  [purges]?: (exportName: string | undefined) => void;
}

/** For the worker: has `purgeDecisions()` call this function. */
export function provideDecisions(purge: (exportName: string | undefined) => void): void {
  (globalThis as Global)[purges] = purge;
}

/**
 * Ends the time of this pool's decisions in the cache (`decision(…, { cache })`): whatever the host asked before this call counts no more, at once and in all of
 * its processes; each hook is asked again. Of other machines that share the cache (TenonCache redis) it does not speak. Without Tenon it does nothing.
 *
 * @param exportName the hook whose decisions end; unset: all of the pool's. A few other hooks of the pool may lose theirs with it.
 */
export function purgeDecisions(exportName?: string): void {
  (globalThis as Global)[purges]?.(exportName);
}
