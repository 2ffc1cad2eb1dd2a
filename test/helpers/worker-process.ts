// SPDX-License-Identifier: Apache-2.0
// Starts a real worker the way the supervisor does: listening sockets, scoreboard and control socket as descriptors 3 to 8.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from "node:fs";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { endWithProcess } from "../../ts/cli/end-with-process.ts";
import type { Identity } from "../../ts/native.ts";
import { native } from "../../ts/native.ts";
import { ScoreboardSlot, WorkerState } from "../../ts/wire/protocol.ts";
import { Scoreboard, scoreboardSize } from "../../ts/wire/scoreboard.ts";
import { HostChannel, within } from "./fake-host.ts";

const main = fileURLToPath(new URL("../../ts/worker/main.ts", import.meta.url));
const applications = fileURLToPath(new URL("../applications/", import.meta.url));
const SLOTS = 4;

export interface WorkerOptions {
  /** A file of test/applications, or an absolute path. */
  readonly app: string;
  /** Names of hooks that the configuration expects. */
  readonly exports?: readonly string[];
  readonly concurrency?: number;
  readonly identity?: Identity;
  readonly hostUids?: readonly number[];
  readonly gracefulTimeoutMs?: number;
  readonly reload?: "graceful" | "strict" | "off";
  readonly watch?: readonly string[];
  readonly shutdownTimeoutMs?: number;
  readonly umask?: number;
  readonly directory?: string;
  readonly environment?: Readonly<Record<string, string>>;
  /** Mode of the endpoint. */
  readonly mode?: number;
}

/** A line of the control socket. */
export interface ControlMessage {
  readonly type: string;
  readonly shape?: string;
  readonly code?: string;
  readonly message?: string;
  readonly stack?: string;
  readonly inFlight?: number;
  readonly files?: readonly (readonly [string, string])[];
  readonly file?: string;
}

export interface WorkerExit {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A running worker. */
export class WorkerProcess {
  readonly slot = 2;
  readonly incarnation = 7;
  readonly generation = 3;
  readonly board: Scoreboard;
  readonly directory: string;
  readonly endpoint: string;
  readonly queue: string;
  readonly exit: Promise<WorkerExit>;
  readonly child: ChildProcess;
  readonly messages: ControlMessage[] = [];
  stderr = "";
  stdout = "";
  readonly #channels: HostChannel[] = [];
  readonly #forget: () => void;
  #rest = "";
  #wake: (() => void)[] = [];

  constructor(options: WorkerOptions) {
    this.directory = mkdtempSync(join(tmpdir(), "tenon-worker-"));
    this.endpoint = join(this.directory, "w2");
    this.queue = join(this.directory, "queue");
    const mode = options.mode ?? 0o600;
    const endpoint = native().listenUnix(this.endpoint, 128, mode);
    const queue = native().listenUnix(this.queue, 128, mode);
    const scoreboard = openSync(join(this.directory, "scoreboard"), "w+", 0o600);
    ftruncateSync(scoreboard, scoreboardSize(SLOTS));
    this.board = Scoreboard.format(
      native().mapScoreboard(scoreboard, scoreboardSize(SLOTS), true),
      SLOTS,
    );
    this.board.setSlot(this.slot, ScoreboardSlot.INCARNATION, this.incarnation);
    this.board.setSlot(this.slot, ScoreboardSlot.STATE, WorkerState.STARTING);
    const { PATH } = process.env;
    this.child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main], {
      stdio: ["ignore", "pipe", "pipe", "pipe", endpoint, queue, scoreboard, "ignore", "ignore"],
      env: { PATH, NODE_ENV: "production", ...options.environment },
    });
    this.#forget = endWithProcess({
      folder: this.directory,
      pid: () => this.child.pid,
      signal: "SIGKILL",
    });
    for (const fd of [endpoint, queue, scoreboard]) closeSync(fd);
    this.exit = new Promise((resolve) => {
      this.child.once("close", (code, signal) => {
        resolve({ code, signal });
        this.#changed();
      });
    });
    this.#listen();
    this.#start(options);
  }

  get #control(): Socket {
    return this.child.stdio[3] as unknown as Socket;
  }

  /** A new channel to the worker's endpoint. */
  connect(): HostChannel {
    return this.#opened(new HostChannel(this.endpoint));
  }

  /** A new channel through the pool's queue. */
  connectQueue(): HostChannel {
    return this.#opened(new HostChannel(this.queue));
  }

  /** Waits for a message of the control socket. */
  async message(type: string): Promise<ControlMessage> {
    await this.until(() => this.messages.some((message) => message.type === type), type);
    return this.messages.find((message) => message.type === type) as ControlMessage;
  }

  /** Waits until output, messages or exit have made a condition true. */
  async until(condition: () => boolean, what: string): Promise<void> {
    while (!condition()) {
      if (this.child.exitCode !== null && this.child.stdout?.closed) {
        throw new Error(`the worker exited before ${what}: ${this.said()}`);
      }
      const changed = new Promise<void>((resolve) => this.#wake.push(resolve));
      await within(changed, `${what} (${this.said()})`);
    }
  }

  /** Waits for text on the worker's standard error. */
  async stderrMatches(pattern: RegExp): Promise<void> {
    await this.until(() => pattern.test(this.stderr), String(pattern));
  }

  said(): string {
    return `${JSON.stringify(this.messages)}\n${this.stdout}\n${this.stderr}`;
  }

  word(word: ScoreboardSlot): number {
    return this.board.slot(this.slot, word);
  }

  claim(index: number): number {
    return this.board.claim(this.slot, index);
  }

  say(message: object): void {
    this.#control.write(`${JSON.stringify(message)}\n`);
  }

  /** Ends the control socket, as the death of the supervisor does. */
  dropControl(): void {
    this.#control.destroy();
  }

  exited(): Promise<WorkerExit> {
    return within(this.exit, "the worker's exit");
  }

  /** Ends the worker, however it is, and removes what was made for it. */
  async remove(): Promise<void> {
    for (const channel of this.#channels) channel.socket.destroy();
    if (this.child.exitCode === null) this.child.kill("SIGKILL");
    await this.exit;
    rmSync(this.directory, { recursive: true });
    this.#forget();
  }

  #opened(channel: HostChannel): HostChannel {
    this.#channels.push(channel);
    return channel;
  }

  #start(options: WorkerOptions): void {
    const app = options.app.startsWith("/") ? options.app : join(applications, options.app);
    this.say({
      type: "start",
      pool: "test",
      slot: this.slot,
      incarnation: this.incarnation,
      generation: this.generation,
      app,
      exports: options.exports ?? [],
      directory: options.directory ?? dirname(app),
      umask: options.umask ?? 0o22,
      identity: options.identity ?? null,
      openFiles: 1024,
      hostUids: options.hostUids ?? [process.getuid?.() ?? 0],
      concurrency: options.concurrency ?? 10,
      gracefulTimeoutMs: options.gracefulTimeoutMs ?? 5000,
      shutdownTimeoutMs: options.shutdownTimeoutMs ?? 5000,
      reload: options.reload ?? "off",
      watch: options.watch ?? [],
    });
  }

  #listen(): void {
    this.child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      this.stdout += text;
      this.#changed();
    });
    this.child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.stderr += text;
      this.#changed();
    });
    const control = this.#control;
    control.setEncoding("utf8");
    control.on("error", () => {});
    control.on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      this.messages.push(...lines.map((line) => JSON.parse(line) as ControlMessage));
      this.#changed();
    });
  }

  #changed(): void {
    const wake = this.#wake;
    this.#wake = [];
    for (const resolve of wake) resolve();
  }
}

/** Starts a worker and waits until it is ready. */
export async function startWorker(options: WorkerOptions): Promise<WorkerProcess> {
  const worker = new WorkerProcess(options);
  try {
    await worker.message("ready");
  } catch (error) {
    await worker.remove();
    throw error;
  }
  return worker;
}
