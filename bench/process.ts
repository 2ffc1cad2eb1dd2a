// SPDX-License-Identifier: Apache-2.0
// A process that the benchmark has started and will stop.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { setTimeout as delay } from "node:timers/promises";

const stopTimeoutMs = 15_000;

/** A started process. Life time: made by `start`, ended by `stop`, which may be called again. */
export class StartedProcess {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.#exited = new Promise((resolve) => {
      child.once("exit", () => resolve());
    });
  }

  static async start(
    command: string,
    parameters: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<StartedProcess> {
    const child = spawn(command, parameters, {
      stdio: ["pipe", "pipe", "inherit"],
      env: { ...process.env, ...environment },
    });
    const started = new StartedProcess(child);
    await once(child, "spawn");
    return started;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** The first line that the process prints. @throws when it ends without one */
  async firstLine(): Promise<string> {
    if (this.#child.stdout === null) throw new Error("standard output is not a pipe");
    for await (const line of createInterface({ input: this.#child.stdout })) return line;
    throw new Error(`${this.#child.spawnfile} ended without a word`);
  }

  /** Asks the process to end and waits until it has; kills it after 15 s. */
  async stop(): Promise<void> {
    if (!this.running) return;
    this.#child.kill("SIGTERM");
    const giveUp = new AbortController();
    const late = delay(stopTimeoutMs, "late", { signal: giveUp.signal }).catch(() => undefined);
    if ((await Promise.race([this.#exited, late])) === "late") this.#child.kill("SIGKILL");
    giveUp.abort();
    await this.#exited;
  }
}
