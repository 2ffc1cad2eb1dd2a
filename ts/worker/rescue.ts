// SPDX-License-Identifier: Apache-2.0
// The worker's part of a rescue (docs/architecture.md, "Rescue"): says whose request runs while it is paused by the supervisor, and answers it once its
// execution was terminated. Called by the supervisor through the inspector, and by main.ts.
import { type RescuedMessage, rescueKey } from "../channel/control-messages.ts";
import { currentExchange, type Exchange } from "../channel/exchange.ts";
import { Fact, LogLevel, WireError } from "../wire/protocol.ts";
import { answerFailed } from "./failure.ts";

interface Rescuable {
  [rescueKey]?: (whatever: boolean, supervisor: number) => string;
  /** Node's own, for historical reasons: what handles an exception that nobody caught. */
  _fatalException?: (error: Error, fromPromise: boolean) => boolean;
}

let condemned: Exchange | undefined;
/** Pid of the supervisor that terminated what ran, and has not said since what came of it. */
let rescuer: number | undefined;

/** Loaded for a rescue only, and at once: what happens meanwhile may be another rescue. */
function inspector(): typeof import("node:inspector") {
  return process.getBuiltinModule("node:inspector");
}

function describe(exchange: Exchange | undefined): string {
  if (exchange === undefined) return "";
  const { facts } = exchange.request;
  return `${facts[Fact.METHOD]} ${facts[Fact.TARGET]} #${facts[Fact.REQUEST_ID]}`;
}

/**
 * Has Node forget the asynchronous contexts that are entered. A terminated execution leaves them (no `finally` runs), and Node ends the process when it finds
 * one too many, as in a timer. An exception that nobody caught leaves them too, and there Node cleans up itself.
 */
export function leaveContexts(): void {
  process.setUncaughtExceptionCaptureCallback(() => {});
  try {
    const error = new Error("the event loop did not turn: what runs is terminated");
    (process as Rescuable)._fatalException?.(error, false);
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
}

/** Runs inside of what is paused: names the request that it runs for, and prepares the end of it. Without one it does nothing but when told to. */
function condemn(whatever: boolean, supervisor: number): string {
  condemned = currentExchange.getStore();
  if (condemned === undefined && !whatever) return "";
  const text = describe(condemned);
  rescuer = supervisor;
  try {
    leaveContexts();
  } catch {
    // The application has a capture callback of its own. Most executions can be terminated without this.
  }
  return text;
}

/** Lets the supervisor find `condemn`. */
export function offerRescue(): void {
  (process as Rescuable)[rescueKey] = condemn;
}

/** The event loop turns again: answers the request whose execution was terminated (504, or 500), and closes the inspector. */
export function finishRescue({ limit, why }: RescuedMessage): void {
  const exchange = condemned;
  condemned = undefined;
  rescuer = undefined;
  if (exchange !== undefined && !exchange.over && limit === "memory") {
    exchange.log(LogLevel.ERROR, why);
    answerFailed(exchange, "too much memory");
  } else if (exchange !== undefined && !exchange.over) {
    const { listener } = exchange;
    exchange.retract();
    exchange.abort(WireError.STALLED, why);
    listener?.aborted(WireError.STALLED, why);
  }
  inspector().close();
}

/** Ends what a supervisor has left that died in the middle of a rescue: its request is answered, the inspector closed. @param successor pid of the one that has taken the worker over @returns whether an execution was to be terminated, so that the worker should retire */
export function endAbandonedRescue(successor: number): boolean {
  // The worker hears of its adoption when its event loop turns: the successor's own rescue may have seen to that.
  if (rescuer === successor) return false;
  const begun = rescuer !== undefined;
  const own = process.execArgv.some((flag) => /^--inspect(?:-brk|-wait)?(?:=|$)/.test(flag));
  if (!begun && (own || inspector().url() === undefined)) return false;
  const why =
    "it kept the worker's event loop and was terminated; the supervisor that did it has died since";
  finishRescue({ type: "rescued", limit: "stall", why });
  return begun;
}
