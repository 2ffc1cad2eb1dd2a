// SPDX-License-Identifier: Apache-2.0
// The workers that all pools together may have (TenonProcessesTotal). Where there is no room for one, another pool's idle one goes. Made by supervisor.ts, asked by reconciler.ts; what
// it asks is workers.ts.

/** A worker without an open exchange. */
export interface IdleWorker {
  readonly slot: number;
  readonly idleMs: number;
}

/** A pool, as far as its share goes. */
export interface Tenant {
  /** Workers that count: those that serve or start, without successors of any that still serve. */
  readonly used: number;
  /** Workers that it can do without: idle, and more than its minimum. */
  idle(): readonly IdleWorker[];
  /** Has a worker finish and exit. */
  evict(slot: number): void;
}

/** One that has been idle for less, ms, may be asked again in a moment. */
const LEAST_IDLE_MS = 1000;

/** A worker, and whose it is. */
interface Victim<T> extends IdleWorker {
  readonly tenant: T;
}

/** Chooses the worker that has been idle for longest; undefined: none has been for long enough. */
export function chooseVictim<T extends Pick<Tenant, "idle">>(
  tenants: Iterable<T>,
): Victim<T> | undefined {
  let victim: Victim<T> | undefined;
  for (const tenant of tenants) {
    for (const { slot, idleMs } of tenant.idle()) {
      if (idleMs < LEAST_IDLE_MS || (victim !== undefined && idleMs <= victim.idleMs)) continue;
      victim = { tenant, slot, idleMs };
    }
  }
  return victim;
}

/** What all pools share. A pool is added when it is made and deleted when it is closed. */
export class Allotment {
  readonly #tenants: Set<Tenant> = new Set();
  #total = Number.POSITIVE_INFINITY;

  get total(): number {
    return this.#total;
  }

  set total(workers: number) {
    this.#total = workers;
  }

  /** Workers that may be started; below zero when there are more than there may be. */
  get left(): number {
    let used = 0;
    for (const tenant of this.#tenants) used += tenant.used;
    return this.#total - used;
  }

  add(tenant: Tenant): void {
    this.#tenants.add(tenant);
  }

  delete(tenant: Tenant): void {
    this.#tenants.delete(tenant);
  }

  /** Ends an idle worker of another pool; false when there is none. */
  makeRoom(tenant: Tenant): boolean {
    const others = [...this.#tenants].filter((other) => other !== tenant);
    const victim = chooseVictim(others);
    victim?.tenant.evict(victim.slot);
    return victim !== undefined;
  }
}
