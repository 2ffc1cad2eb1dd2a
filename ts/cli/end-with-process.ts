// SPDX-License-Identifier: Apache-2.0
// Ends what this process has started and removes its folder when the process itself is ended in the middle. Called by
// private-httpd.ts and the tests' helpers.
import { readFileSync, rmSync } from "node:fs";

/** What is to be ended with this process. */
export interface Leftover {
  /** Folder that is removed. */
  readonly folder: string;
  /** A child process; undefined when there is none or it has ended. */
  readonly pid: () => number | undefined;
  /** What asks the child process to end. */
  readonly signal: "SIGTERM" | "SIGKILL";
}

/** Signals that end a process which does not listen to them. */
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const LONGEST_MS = 10_000;
const PAUSE_MS = 10;

const leftovers = new Set<Leftover>();

function ended(pid: number): boolean {
  try {
    // A child of ours stays a zombie: nobody waits for it any more.
    return /\) Z /.test(readFileSync(`/proc/${pid}/stat`, "latin1"));
  } catch {
    return true;
  }
}

function endAll(): void {
  const pids = [...leftovers].flatMap(({ pid, signal }) => {
    const running = pid();
    if (running === undefined || ended(running)) return [];
    process.kill(running, signal);
    return [running];
  });
  // The event loop turns no more; what still runs could write into its folder behind us.
  const deadline = performance.now() + LONGEST_MS;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (!pids.every(ended) && performance.now() < deadline) Atomics.wait(pause, 0, 0, PAUSE_MS);
  for (const { folder } of leftovers) rmSync(folder, { recursive: true, force: true });
  leftovers.clear();
}

function onSignal(signal: NodeJS.Signals): void {
  // Who listens too ends things in order by itself, as scripts/start.ts does.
  if (process.listenerCount(signal) > 1) return;
  endAll();
  for (const name of SIGNALS) process.off(name, onSignal);
  process.kill(process.pid, signal);
}

/** Has something ended when this process exits, fails or is asked to end; gives a function that forgets it again. */
export function endWithProcess(leftover: Leftover): () => void {
  if (leftovers.size === 0) {
    process.on("exit", endAll);
    for (const signal of SIGNALS) process.on(signal, onSignal);
  }
  leftovers.add(leftover);
  return () => {
    if (!leftovers.delete(leftover) || leftovers.size > 0) return;
    process.off("exit", endAll);
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}
