// SPDX-License-Identifier: Apache-2.0
// process.exit() called by an application that is at work: it ends what called it, and the worker once its other requests are over
// (docs/reliability.md, "Crashes"). Called by main.ts.
import { syncBuiltinESMExports } from "node:module";
import { currentExchange } from "../channel/exchange.ts";
import { Fact, LogLevel } from "../wire/protocol.ts";
import { answerFailed } from "./failure.ts";
import { leaveContexts } from "./rescue.ts";

/** Node ends an execution at its next turn of a loop; it need not wait any longer for that. */
const LONGEST_END_MS = 1000;

export interface ExitOptions {
  /** Whether requests are open that an exit would break off. */
  readonly atWork: () => boolean;
  /** The application has been told to end: then it exits in order. */
  readonly told: () => boolean;
  /** Has the worker drain, then exit. */
  readonly leave: (code: number | string | null | undefined) => void;
  /** Pool and slot as a line of the log has them. */
  readonly where: () => string;
  readonly log: (line: string) => void;
}

/** Ends the process, whoever has requests open. */
export const exitNow: typeof process.exit = process.exit.bind(process);

/** The exception that the application's own listener is told of in this turn of the event loop. */
let uncaught: unknown;

/** Takes note of an exception that an application with a listener of its own handles, as it may do by an exit. */
export function noteUncaught(error: unknown): void {
  uncaught = error;
  setImmediate(() => {
    uncaught = undefined;
  });
}

const ownFolder = new URL("..", import.meta.url).href;

/** A stack without Node's code and ours, on one line. */
function placeOf(stack: string | undefined): string {
  const frames = (stack ?? "").split("\n").map((line) => line.trim());
  const foreign = frames.filter(
    (frame) => /^at /.test(frame) && !frame.includes("node:") && !frame.includes(ownFolder),
  );
  return foreign.join(", ");
}

function whyOf(code: unknown, stack: string | undefined): string {
  const call = `process.exit(${code === undefined ? "" : String(code)})`;
  const because =
    uncaught instanceof Error ? `, because of ${String(uncaught)} ${placeOf(uncaught.stack)}` : "";
  return `the application called ${call} ${placeOf(stack)}${because}`;
}

/** Has Node drop what runs, which catches nothing and runs no `finally`. Returns only where Node cannot. */
function endExecution(): void {
  const { Session } = process.getBuiltinModule("node:inspector");
  try {
    leaveContexts();
  } catch {
    // The application has a capture callback of its own. Most executions can be ended without this.
  }
  const session = new Session();
  session.connect();
  setImmediate(() => session.disconnect());
  session.post("Runtime.terminateExecution");
  const end = performance.now() + LONGEST_END_MS;
  while (performance.now() < end);
}

/** Tells the log, and the client of the request that the code runs for. */
function report(options: ExitOptions, why: string): void {
  const exchange = currentExchange.getStore();
  const id = exchange?.request.facts[Fact.REQUEST_ID];
  const subject = id === undefined ? options.where() : `${options.where()} #${id}`;
  options.log(`TN0306: [${subject}] ${why}`);
  if (exchange === undefined || exchange.over) return;
  exchange.log(LogLevel.ERROR, why);
  answerFailed(exchange, "process.exit()");
}

/** Puts ours in the place of process.exit(). */
export function interceptExit(options: ExitOptions): void {
  function exit(code?: number | string | null): never {
    // Without this function: the application's.
    const at: { stack?: string } = {};
    Error.captureStackTrace(at, exit);
    const working = options.atWork();
    const guilty = currentExchange.getStore() !== undefined;
    // Who was told to end and does so is guilty of nothing.
    if (guilty || !options.told()) report(options, whyOf(code, at.stack));
    if (working) {
      options.leave(code);
      endExecution();
    }
    return exitNow(code);
  }
  process.exit = exit;
  syncBuiltinESMExports();
}
