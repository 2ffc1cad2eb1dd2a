// SPDX-License-Identifier: Apache-2.0
// What a pool does next: how many workers to start, which to drain, when to look again. Pure: called by reconciler.ts after
// everything that happens, with all that it knows; acts on nothing itself.
import { planRecycling, type RecyclingPlan } from "./recycling.ts";
import { planSuccession, type Succession } from "./succession.ts";

/** A worker as the plan sees it. One that drains or stops is none of its business any more. */
export interface WorkerView {
  readonly slot: number;
  readonly state: "starting" | "ready";
  /** Of the pool's present generation. */
  readonly current: boolean;
  /** It is to be replaced: it has lived long enough, or takes too much memory. */
  readonly recycling: boolean;
  /** Slot of the worker that it has been started to replace, as long as that one is there. */
  readonly succeeds: number | undefined;
  /** Takes another exchange: below its capacity, and its event loop turns. */
  readonly hasRoom: boolean;
  /** ms since it last had or finished an exchange; 0 when one is open. */
  readonly idleMs: number;
  /** From 0 to 1, smoothed: the part of its event loop's time, or of a processor, that it uses. */
  readonly load: number;
  /** Processors that it uses, smoothed. */
  readonly cpu: number;
}

/** A pool as the plan sees it. Times are monotonic ms. */
export interface PoolView {
  readonly processesMin: number;
  readonly processesMax: number;
  readonly idleTimeoutMs: number;
  readonly workers: readonly WorkerView[];
  readonly succession: Succession;
  /** Slots that no process fills. */
  readonly freeSlots: number;
  /** Workers that all pools together may have beyond those that they have. */
  readonly totalLeft: number;
  /** Processors of the machine. */
  readonly processors: number;
  /** For how long connections have waited in the queue whenever it was looked at, ms; undefined: none waits now. */
  readonly waitingMs: number | undefined;
  /** The queue is not looked at before this time. */
  readonly queuePausedUntil: number;
  /** No worker is started before this time. */
  readonly notBefore: number;
  readonly now: number;
}

export interface PoolPlan {
  /** Workers of the present generation to start now. */
  readonly start: number;
  /** Why, when it is for more than the minimum. */
  readonly growth: Growth | undefined;
  /** Slot of a worker for which a successor is to be started beside these. */
  readonly succeed: number | undefined;
  /** Slots whose workers' generation has been replaced: to be drained. */
  readonly replace: readonly number[];
  /** Slots whose workers' successors are ready: to be drained. */
  readonly retire: readonly number[];
  /** Slots whose workers are idle and not needed: to be drained. */
  readonly shed: readonly number[];
  /** Workers that were to be started and may not: all pools together have as many as they may. */
  readonly starved: boolean;
  /** Successors have no slot: of those that drain, one is to make room. */
  readonly cramped: boolean;
  /** The queue is to be watched for connections that wait. */
  readonly watchQueue: boolean;
  /** When to plan again if nothing happens before, undefined: never. */
  readonly wakeAt: number | undefined;
}

/** What a pool grows for: connections in its queue, or the load of its workers. */
export type Growth = "queue" | "load";

/** The pause between two looks at a queue in which connections wait. */
export const QUEUE_PAUSE_MS = 100;
/** Age of a queue at which a pool grows whose workers have no room: a moment's burst is over by then. */
export const QUEUE_AGE_MS = 100;
/** The same where workers have room and do not take what waits. */
export const NEGLECTED_AGE_MS = 500;
/** Load of each worker at which a pool grows, and below which one at least must be before one is shed. */
export const HIGH_LOAD = 0.8;
export const LOW_LOAD = 0.5;
/** Part of the machine's processors beyond which another worker of the pool would only take them from its siblings. */
const MOST_CPU = 0.9;
/** The pauses between two looks at workers: with something to do, and without. */
const BUSY_LOOK_MS = 500;
const IDLE_LOOK_MS = 2000;
const SHORTEST_LOOK_MS = 250;
/** The pause before a worker is asked for again that all pools together had no room for. */
const STARVED_MS = 1000;

/** Decides what a pool does next. */
export function planPool(view: PoolView): PoolPlan {
  const current = view.workers.filter((worker) => worker.current);
  const replaced = view.workers.filter((worker) => !worker.current);
  const recycling = planRecycling(current);
  // Without those whose successors are there too.
  const count = current.length - recycling.succeeded;
  const serving = current.filter(
    ({ slot, state }) => state === "ready" && !recycling.retire.includes(slot),
  );
  const growth = chooseGrowth(view, current, count);
  const backsOff = view.now < view.notBefore;
  const most = view.processesMax;
  const succession = planSuccession(view.succession, current, replaced, most, backsOff);
  // Those that are replaced make up the number as long as they are there.
  const missing = Math.min(succession.wanted ?? view.processesMin, most) - count;
  const needed = Math.max(missing, growth === undefined ? 0 : 1);
  const wanted = Math.min(needed, view.freeSlots);
  const allowed = Math.max(0, view.totalLeft + Math.max(0, replaced.length - count));
  const mayStart = Math.max(0, Math.min(wanted, allowed));
  const start = backsOff ? 0 : mayStart;
  const spare = view.freeSlots - start;
  const shed = replaced.length > 0 || view.waitingMs !== undefined ? [] : chooseShed(view, serving);
  const settled = current.every((worker) => worker.state === "ready") && start === 0;
  const mayGrow = settled && count < view.processesMax && view.freeSlots > 0;
  const starved = wanted > mayStart && !backsOff;
  return {
    start,
    growth: start > Math.max(0, missing) ? growth : undefined,
    succeed: spare > 0 && !backsOff ? recycling.succeed : undefined,
    replace: succession.replace,
    retire: recycling.retire,
    shed,
    starved,
    cramped: needed > 0 && view.freeSlots === 0 && current.length === 0,
    watchQueue: mayGrow && !backsOff && view.now >= view.queuePausedUntil,
    wakeAt: wakeTime(view, recycling, { wanted, mayGrow, backsOff, starved, serving }),
  };
}

/** A plan with no more starts than a breaker allows. */
export function limitStarts(plan: PoolPlan, mayStart: number): PoolPlan {
  const start = Math.min(plan.start, mayStart);
  return { ...plan, start, succeed: start < mayStart ? plan.succeed : undefined };
}

/** Whether the pool is to grow, by one: while one starts, nobody knows yet whether it is enough. */
function chooseGrowth(
  view: PoolView,
  current: readonly WorkerView[],
  count: number,
): Growth | undefined {
  if (count >= view.processesMax || current.some(({ state }) => state === "starting")) {
    return undefined;
  }
  if (view.waitingMs !== undefined) {
    const neglected = current.some(({ hasRoom }) => hasRoom) ? NEGLECTED_AGE_MS : QUEUE_AGE_MS;
    if (view.waitingMs >= (current.length === 0 ? 0 : neglected)) return "queue";
  }
  const cpu = current.reduce((sum, worker) => sum + worker.cpu, 0);
  if (current.length === 0 || cpu >= MOST_CPU * view.processors) return undefined;
  return current.every(({ load }) => load >= HIGH_LOAD) ? "load" : undefined;
}

/** The highest slots first: hosts fill the lowest ones first. One that would be missed at once, since all others are busy, stays. */
function chooseShed(view: PoolView, serving: readonly WorkerView[]): number[] {
  const spare = Math.max(0, serving.length - view.processesMin);
  const idle = serving
    .filter((worker) => worker.idleMs >= view.idleTimeoutMs)
    .sort((a, b) => b.slot - a.slot)
    .slice(0, spare);
  const rest = serving.filter((worker) => !idle.includes(worker));
  if (rest.length > 0 && rest.every(({ load }) => load >= LOW_LOAD)) idle.pop();
  return idle.map(({ slot }) => slot);
}

interface Outlook {
  readonly wanted: number;
  readonly mayGrow: boolean;
  readonly backsOff: boolean;
  readonly starved: boolean;
  readonly serving: readonly WorkerView[];
}

function wakeTime(view: PoolView, recycling: RecyclingPlan, outlook: Outlook): number | undefined {
  const { wanted, mayGrow, backsOff, starved, serving } = outlook;
  const { now, notBefore, queuePausedUntil } = view;
  const starts = wanted > 0 || mayGrow || recycling.succeed !== undefined;
  return earliest([
    starts && backsOff ? notBefore : undefined,
    mayGrow && now < queuePausedUntil ? queuePausedUntil : undefined,
    starved ? now + STARVED_MS : undefined,
    serving.length > 0 ? now + lookMs(view, serving) : undefined,
  ]);
}

function lookMs(view: PoolView, serving: readonly WorkerView[]): number {
  const busy = serving.some(({ idleMs }) => idleMs < IDLE_LOOK_MS);
  const most = busy ? BUSY_LOOK_MS : IDLE_LOOK_MS;
  return Math.min(Math.max(view.idleTimeoutMs / 4, SHORTEST_LOOK_MS), most);
}

/** The first of some times, as far as they are given. */
export function earliest(times: readonly (number | undefined)[]): number | undefined {
  const given = times.filter((time) => time !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}
