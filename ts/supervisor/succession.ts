// SPDX-License-Identifier: Apache-2.0
// How a generation of workers succeeds another. Pure: called by plan.ts.

/**
 * - together: a first successor proves that it starts, then as many as there were workers; when all are ready all that they replace drain.
 * - rolling: one successor at a time, and for each one worker drains: what it costs is one worker more than usual.
 * - strict: what is replaced drains at once, whatever becomes of its successors.
 */
export type SuccessionKind = "together" | "rolling" | "strict";

/** How a pool's present generation came to be. */
export interface Succession {
  readonly kind: SuccessionKind;
  /** Workers that it has to replace; 0: no longer any. */
  readonly target: number;
}

/** A worker as far as its succession goes. */
export interface Successor {
  readonly slot: number;
  readonly state: "starting" | "ready";
}

/** What is to be done for it. */
export interface SuccessionPlan {
  /** Workers of the present generation that there should be; undefined: it is over. */
  readonly wanted: number | undefined;
  /** Slots whose workers are to be drained. */
  readonly replace: readonly number[];
}

/** Decides how a succession goes on. @param replaced workers of earlier generations @param backsOff a successor could not be started */
export function planSuccession(
  { kind, target }: Succession,
  current: readonly Successor[],
  replaced: readonly Successor[],
  processesMax: number,
  backsOff: boolean,
): SuccessionPlan {
  const ready = current.filter((worker) => worker.state === "ready").length;
  if (kind === "strict") {
    const wanted = ready > 0 || target === 0 ? undefined : 1;
    return { wanted, replace: slotsOf(replaced) };
  }
  if (replaced.length === 0) return { wanted: undefined, replace: [] };
  const most = Math.max(1, Math.min(target, processesMax));
  const old = replaced.filter((worker) => worker.state === "ready");
  // Those that are still starting serve nobody.
  const leave = replaced.filter((worker) => worker.state === "starting");
  if (kind === "rolling") {
    const surplus = ready === 0 ? 0 : Math.max(0, ready + old.length - most);
    return {
      wanted: Math.min(ready + 1, most),
      replace: slotsOf([...leave, ...old.slice(0, surplus)]),
    };
  }
  // One that does not start may be one too many for the machine: those that are ready do.
  const settled = ready > 0 && current.every((worker) => worker.state === "ready");
  const complete = settled && (ready >= most || backsOff);
  return { wanted: ready > 0 ? most : 1, replace: slotsOf(complete ? replaced : leave) };
}

function slotsOf(workers: readonly Successor[]): number[] {
  return workers.map(({ slot }) => slot);
}
