// SPDX-License-Identifier: Apache-2.0
// A plain node server that is started again when it ends, as systemd does with Restart=always and its standard RestartSec.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, rmSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { waitUntil } from "../../helpers/processes.ts";

const RESTART_MS = 100;

/** Runs from its making until `stop`. */
export class Kept {
  readonly #socket: string;
  readonly #start: () => ChildProcess;
  readonly #over: Promise<void>;
  #child: ChildProcess | undefined;
  #stopped = false;

  constructor(
    application: string,
    socket: string,
    environment: Readonly<Record<string, string>>,
    option: string,
  ) {
    this.#socket = socket;
    const env = { ...process.env, ...environment };
    this.#start = () => spawn(process.execPath, [option, application], { env, stdio: "ignore" });
    this.#over = this.#run();
  }

  /** Waits until it listens, and lets httpd's children in. */
  async listening(): Promise<void> {
    await waitUntil("the server's socket", () => existsSync(this.#socket));
    chmodSync(this.#socket, 0o777);
  }

  restart(): void {
    this.#child?.kill("SIGTERM");
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#child?.kill("SIGKILL");
    await this.#over;
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      // What a killed server leaves keeps the next from listening.
      rmSync(this.#socket, { force: true });
      this.#child = this.#start();
      const exited = once(this.#child, "exit");
      void this.#admit(this.#child);
      await exited;
      await pause(RESTART_MS);
    }
  }

  /** Lets httpd's children in as soon as it listens. */
  async #admit(child: ChildProcess): Promise<void> {
    const ended = (): boolean => child.exitCode !== null || child.signalCode !== null;
    await waitUntil("the server's socket", () => existsSync(this.#socket) || ended());
    if (!ended() && existsSync(this.#socket)) chmodSync(this.#socket, 0o777);
  }
}
