// SPDX-License-Identifier: Apache-2.0
// When a worker has lived long enough, and how one takes the place of another. Pure: called by worker-process.ts and plan.ts.

/** Limits of a worker's life in a pool's settings; 0: none. */
export interface LifeSettings {
  readonly requests: number;
  /** Percent. */
  readonly requestsJitter: number;
  readonly ageMs: number;
  /** Percent. */
  readonly ageJitter: number;
}

/** Limits of one worker's life; Infinity: none. */
export interface LifeLimits {
  readonly requests: number;
  readonly ageMs: number;
}

/** Draws the limits of one worker. @param random from 0 to below 1 each time: a limit is lower by up to its jitter, never higher */
export function drawLimits(settings: LifeSettings, random: () => number): LifeLimits {
  const draw = (limit: number, jitter: number): number =>
    limit === 0
      ? Number.POSITIVE_INFINITY
      : Math.max(1, Math.round(limit * (1 - (jitter / 100) * random())));
  return {
    requests: draw(settings.requests, settings.requestsJitter),
    ageMs: draw(settings.ageMs, settings.ageJitter),
  };
}

/** Why a worker is to be replaced; undefined: it is not. @param ageMs since it is ready */
export function endOfLife(limits: LifeLimits, served: number, ageMs: number): string | undefined {
  if (served >= limits.requests) return `it has served ${served} requests (TenonRequests)`;
  if (ageMs < limits.ageMs) return undefined;
  return `it is ${Math.round(ageMs / 1000)} s old (TenonAge)`;
}

/** A worker of the present generation, as far as recycling goes. */
export interface RecyclingView {
  readonly slot: number;
  readonly state: "starting" | "ready";
  /** It is to be replaced. */
  readonly recycling: boolean;
  /** Slot of the worker that it has been started to replace, as long as that one is there. */
  readonly succeeds: number | undefined;
}

/** What is to be done about workers that are to be replaced. */
export interface RecyclingPlan {
  /** Workers that are counted twice: they serve while their successors start or take over. */
  readonly succeeded: number;
  /** Slot of a worker that a successor is to be started for. */
  readonly succeed: number | undefined;
  /** Slots whose workers have a successor that is ready: to be drained. */
  readonly retire: readonly number[];
}

/** Replaces one worker at a time, so that a pool is never short of more than what one start takes. */
export function planRecycling(current: readonly RecyclingView[]): RecyclingPlan {
  const successors = new Map<number, RecyclingView>();
  for (const worker of current) {
    if (worker.succeeds !== undefined) successors.set(worker.succeeds, worker);
  }
  const due = current.filter(({ recycling }) => recycling);
  const succeeded = due.filter(({ slot }) => successors.has(slot));
  const retire = succeeded.filter(({ slot }) => successors.get(slot)?.state === "ready");
  const next = succeeded.length > 0 ? undefined : due[0];
  return {
    succeeded: succeeded.length,
    succeed: next?.slot,
    retire: retire.map(({ slot }) => slot),
  };
}
