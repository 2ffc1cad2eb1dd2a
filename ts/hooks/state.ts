// SPDX-License-Identifier: Apache-2.0
// What hooks keep of a request from one phase to the next, by request id, until the host says that the request is over.

import type { IncomingMessage } from "node:http";
import { requestFacts } from "../facts.ts";

/** What a hook keeps of a request: its own fields. */
export type RequestState = Record<string, unknown>;

/** Key of the worker's states, on globalThis: an application may have a copy of the package of its own. */
const ofWorker: unique symbol = Symbol.for("tenon.requestStates") as never;

interface Global {
  [ofWorker]?: States;
}

/**
 * What hooks have kept of a request (`r.state`), for an application that answers it in the same pool: the host sends it to the worker that holds the state, where it can. Never throws.
 *
 * @param request node:http's or fetch's; without it, the request that the calling code runs for
 * @returns undefined when no hook has kept anything, where its worker has gone, outside of a request and without Tenon
 */
export function requestState(request?: IncomingMessage | Request): RequestState | undefined {
  const id = requestFacts(request)?.requestId;
  const states = (globalThis as Global)[ofWorker];
  return id !== undefined && states?.has(id) ? states.of(id) : undefined;
}

interface Held {
  readonly state: RequestState;
  /** When it was last used, ms, by Date.now(). */
  readonly usedAt: number;
}

/** No request lives longer, so that its end was not told: ms. */
const LONGEST_MS = 600_000;
const SWEEP_MS = 60_000;
/** The end of a request is told to another worker when this one has no room: so many states are kept that nobody may ask for. */
const KEPT_MOST = 20_000;

/** The states that a worker holds, the one last used last. */
export class States {
  readonly #held = new Map<string, Held>();
  readonly #now: () => number;
  #sweepAt = 0;

  constructor(now: () => number = Date.now) {
    this.#now = now;
  }

  /** Has `requestState` tell of these. */
  provide(): void {
    (globalThis as Global)[ofWorker] = this;
  }

  get size(): number {
    return this.#held.size;
  }

  has(id: string): boolean {
    return this.#held.has(id);
  }

  /** The state of a request; made when there is none. */
  of(id: string): RequestState {
    const now = this.#now();
    if (now >= this.#sweepAt) this.#sweep(now);
    const state = this.#held.get(id)?.state ?? {};
    this.#held.delete(id);
    this.#held.set(id, { state, usedAt: now });
    if (this.#held.size > KEPT_MOST) this.#dropOldest();
    return state;
  }

  /** The request is over. */
  forget(id: string): void {
    this.#held.delete(id);
  }

  #dropOldest(): void {
    for (const id of this.#held.keys()) {
      this.#held.delete(id);
      return;
    }
  }

  /** Lets go of what nobody will ask for: the host that would have told has died. */
  #sweep(now: number): void {
    this.#sweepAt = now + SWEEP_MS;
    for (const [id, { usedAt }] of this.#held) {
      if (now - usedAt <= LONGEST_MS) return;
      this.#held.delete(id);
    }
  }
}
