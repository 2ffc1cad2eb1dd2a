// SPDX-License-Identifier: Apache-2.0
// The worker's part of a rescue (docs/architecture.md, "Rescue"): says whose request runs while it is paused by the supervisor, and answers it once its
// execution was terminated. Called by the supervisor through the inspector, and by main.ts.
import { rescueKey } from "../channel/control-messages.ts";
import { currentExchange, type Exchange } from "../channel/exchange.ts";
import { Fact, WireError } from "../wire/protocol.ts";

interface Rescuable {
  [rescueKey]?: (whatever: boolean) => string;
  /** Node's own, for historical reasons: what handles an exception that nobody caught. */
  _fatalException?: (error: Error, fromPromise: boolean) => boolean;
}

let condemned: Exchange | undefined;

function describe(exchange: Exchange | undefined): string {
  if (exchange === undefined) return "";
  const { facts } = exchange.request;
  return `${facts[Fact.METHOD]} ${facts[Fact.TARGET]} #${facts[Fact.REQUEST_ID]}`;
}

/**
 * Has Node forget the asynchronous contexts that are entered. A terminated execution leaves them (no `finally` runs), and Node ends the process when it finds
 * one too many, as in a timer. An exception that nobody caught leaves them too, and there Node cleans up itself.
 */
function leaveContexts(): void {
  process.setUncaughtExceptionCaptureCallback(() => {});
  try {
    const error = new Error("the event loop did not turn: what runs is terminated");
    (process as Rescuable)._fatalException?.(error, false);
  } finally {
    process.setUncaughtExceptionCaptureCallback(null);
  }
}

/** Runs inside of what is paused: names the request that it runs for, and prepares the end of it. Without one it does nothing but when told to. */
function condemn(whatever: boolean): string {
  condemned = currentExchange.getStore();
  if (condemned === undefined && !whatever) return "";
  const text = describe(condemned);
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

/** The event loop turns again: answers the request whose execution was terminated (504), and closes the inspector. @param why for the log of its virtual host */
export async function finishRescue(why: string): Promise<void> {
  const exchange = condemned;
  condemned = undefined;
  if (exchange !== undefined && !exchange.over) {
    const { listener } = exchange;
    exchange.retract();
    exchange.abort(WireError.STALLED, why);
    listener?.aborted(WireError.STALLED, why);
  }
  // Loaded for a rescue only.
  const inspector = await import("node:inspector");
  inspector.close();
}
