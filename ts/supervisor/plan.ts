// SPDX-License-Identifier: Apache-2.0
// What a pool does next: how many workers to start, which to drain, when to look again. Pure: called by pool.ts after
// everything that happens, with all that it knows; acts on nothing itself.

/** A worker as the plan sees it. One that drains or stops is none of its business any more. */
export interface WorkerView {
  readonly slot: number;
  readonly state: "starting" | "ready";
  /** Of the pool's present generation. */
  readonly current: boolean;
  /** Takes another exchange: below its capacity, and its event loop turns. */
  readonly hasRoom: boolean;
  /** ms since it last had or finished an exchange; 0 when one is open. */
  readonly idleMs: number;
}

/** A pool as the plan sees it. Times are monotonic ms. */
export interface PoolView {
  readonly processesMin: number;
  readonly processesMax: number;
  readonly idleTimeoutMs: number;
  readonly workers: readonly WorkerView[];
  /** Slots that no process fills. */
  readonly freeSlots: number;
  /** Connections wait in the queue. */
  readonly waiting: boolean;
  /** The queue is not looked at before this time. */
  readonly queuePausedUntil: number;
  /** No worker is started before this time. */
  readonly notBefore: number;
  readonly now: number;
}

export interface PoolPlan {
  /** Workers of the present generation to start now. */
  readonly start: number;
  /** Slots whose workers' generation has been replaced: to be drained. */
  readonly replace: readonly number[];
  /** Slots whose workers are idle and not needed: to be drained. */
  readonly shed: readonly number[];
  /** The queue is to be watched for connections that wait. */
  readonly watchQueue: boolean;
  /** When to plan again if nothing happens before, undefined: never. */
  readonly wakeAt: number | undefined;
}

/** The pause between two looks at a queue in which connections wait. */
export const QUEUE_PAUSE_MS = 100;
const SHORTEST_IDLE_CHECK_MS = 250;
const LONGEST_IDLE_CHECK_MS = 10_000;

/** Decides what a pool does next. */
export function planPool(view: PoolView): PoolPlan {
  const current = view.workers.filter((worker) => worker.current);
  const replaced = view.workers.filter((worker) => !worker.current);
  const ready = current.filter((worker) => worker.state === "ready");
  const wanted = countWanted(view, current, replaced);
  const mayStart = Math.max(0, Math.min(wanted, view.freeSlots));
  const backsOff = view.now < view.notBefore;
  const start = backsOff ? 0 : mayStart;
  const shed = replaced.length > 0 || view.waiting ? [] : chooseShed(view, ready);
  const settled = current.every((worker) => worker.state === "ready") && start === 0;
  const mayGrow = settled && current.length < view.processesMax && view.freeSlots > 0;
  const paused = view.now < view.queuePausedUntil;
  return {
    start,
    replace: chooseReplaced(replaced, ready.length > 0),
    shed,
    watchQueue: mayGrow && !backsOff && !paused,
    wakeAt: earliest([
      mayStart > 0 && backsOff ? view.notBefore : undefined,
      mayGrow && backsOff ? view.notBefore : undefined,
      mayGrow && paused ? view.queuePausedUntil : undefined,
      current.length - shed.length > view.processesMin && ready.length > 0
        ? view.now + idleCheckMs(view.idleTimeoutMs)
        : undefined,
    ]),
  };
}

/** Workers that are missing: below the minimum, one to succeed a replaced generation, or one for a queue that nobody serves. */
function countWanted(
  view: PoolView,
  current: readonly WorkerView[],
  replaced: readonly WorkerView[],
): number {
  const least = Math.max(view.processesMin, replaced.length > 0 ? 1 : 0);
  const missing = Math.min(least, view.processesMax) - current.length;
  // One at a time: while one starts, nobody knows yet whether it is enough.
  const served = current.some((worker) => worker.state === "starting" || worker.hasRoom);
  const grows = view.waiting && !served && current.length < view.processesMax;
  return Math.max(missing, grows ? 1 : 0);
}

/** Replaced workers go once a successor is ready; those that are still starting serve nobody and go at once. */
function chooseReplaced(replaced: readonly WorkerView[], succeeded: boolean): number[] {
  return replaced
    .filter((worker) => succeeded || worker.state === "starting")
    .map((worker) => worker.slot);
}

/** The highest slots first: hosts fill the lowest ones first. */
function chooseShed(view: PoolView, ready: readonly WorkerView[]): number[] {
  const spare = Math.max(0, ready.length - view.processesMin);
  return ready
    .filter((worker) => worker.idleMs >= view.idleTimeoutMs)
    .map((worker) => worker.slot)
    .sort((a, b) => b - a)
    .slice(0, spare);
}

function idleCheckMs(idleTimeoutMs: number): number {
  return Math.min(Math.max(idleTimeoutMs / 4, SHORTEST_IDLE_CHECK_MS), LONGEST_IDLE_CHECK_MS);
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const given = times.filter((time) => time !== undefined);
  return given.length === 0 ? undefined : Math.min(...given);
}
