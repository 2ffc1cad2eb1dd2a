// SPDX-License-Identifier: Apache-2.0
// Stops what keeps a worker's event loop from turning, from outside: opens the worker's inspector, pauses it, asks whose request runs, terminates
// that execution only. Called by worker-guard.ts (docs/architecture.md, "Rescue").
import { fileURLToPath } from "node:url";
import { rescueExpression } from "../channel/control-messages.ts";
import type { Clock } from "./clock.ts";
import { Inspector, type StackFrame } from "./inspector.ts";

/** For each step; native code is not interrupted by any. Longest on a machine that is overloaded: usually all steps take 150 ms. */
const STEP_MS = 5000;
const MOST_FRAMES = 20;
/** A pause may fall between two callbacks, where nobody's code runs. */
const MOST_PAUSES = 8;

/** What a rescue needs of its worker. */
export interface RescueOptions {
  /** Has Node open the inspector (SIGUSR1). */
  readonly signal: () => void;
  /** Settles with the inspector's address once the worker has told it. */
  readonly address: Promise<string>;
  /** Settles when the event loop has turned again. */
  readonly turned: () => Promise<void>;
  readonly clock: Clock;
  /** Waits, once the inspector is open, until what runs is to be terminated: true, or until that is not needed any more. Unset: at once. */
  readonly hold?: () => Promise<boolean>;
}

/** What came of a rescue. */
export interface Rescued {
  /** Nothing: the event loop turns again. Otherwise the step that had no effect. */
  readonly failed: string | undefined;
  /** Nothing was terminated: it was not needed. */
  readonly needless?: true;
  /** The guilty request as its worker names it; "" when it runs for none. */
  readonly request: string;
  /** Innermost first. */
  readonly stack: readonly string[];
}

class StepFailed extends Error {}

/** @throws {StepFailed} when the time is over */
function within<T>(clock: Clock, ms: number, step: string, promise: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = clock.after(ms, () => reject(new StepFailed(step)));
    promise.then(resolve, () => reject(new StepFailed(step))).finally(() => timer.cancel());
  });
}

const ownFolder = fileURLToPath(new URL("..", import.meta.url));

/** Code that is neither Node's nor ours. */
function isForeign({ file }: StackFrame): boolean {
  return file.startsWith("/") && !file.startsWith(ownFolder);
}

/** A stack as Node prints it, without Node's code and ours as far as there is other. */
function textOf(frames: readonly StackFrame[]): string[] {
  const foreign = frames.filter(isForeign);
  const shown = foreign.length > 0 ? foreign : frames;
  return shown
    .slice(0, MOST_FRAMES)
    .map(
      ({ name, file, line, column }) => `at ${name || "<anonymous>"} (${file}:${line}:${column})`,
    );
}

/**
 * Rescues a worker whose event loop does not turn.
 *
 * 1. The inspector opens. 2. What runs is paused: its stack, and the request that it runs for, which the worker takes note of. 3. It is terminated, and the
 * event loop turns again. Never throws; a step without effect within its time ends the attempt.
 */
export async function rescue(options: RescueOptions): Promise<Rescued> {
  const { clock } = options;
  let inspector: Inspector | undefined;
  let request = "";
  let stack: readonly string[] = [];
  let failed: string | undefined;
  const step = <T>(name: string, promise: Promise<T>): Promise<T> =>
    within(clock, STEP_MS, name, promise);
  try {
    options.signal();
    const address = await step("the inspector did not open", options.address);
    inspector = await step("the inspector did not answer", Inspector.connect(address));
    if (options.hold !== undefined && !(await options.hold())) {
      await step("the inspector did not end", inspector.quiet());
      return { failed, needless: true, request, stack };
    }
    for (let pauses = 1; pauses <= MOST_PAUSES && request === ""; pauses++) {
      if (pauses > 1) await step("it did not go on", inspector.resume());
      const frames = await step("it could not be paused: native code", inspector.pause());
      const last = pauses === MOST_PAUSES;
      stack = textOf(frames);
      if (!last && !frames.some(isForeign)) continue;
      const expression = rescueExpression(last, process.pid);
      request = await step("it was not named", inspector.evaluate(expression));
    }
    // No reply comes before the execution goes on.
    void inspector.send("Runtime.terminateExecution");
    void inspector.send("Debugger.resume");
    await step("it was not terminated", options.turned());
    await step("the inspector did not end", inspector.quiet());
  } catch (error) {
    failed = error instanceof StepFailed ? error.message : String(error);
  } finally {
    inspector?.close();
  }
  return { failed, request, stack };
}
