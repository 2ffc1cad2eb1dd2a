// SPDX-License-Identifier: Apache-2.0
// A real supervisor, with the test in the place of httpd's parent: writes config.json, holds the lifeline, reads the log.
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { LogFollower } from "../../ts/cli/log-follower.ts";
import { native } from "../../ts/native.ts";
import { WireError } from "../../ts/wire/protocol.ts";
import { HostChannel, WAIT_MS, within } from "../helpers/fake-host.ts";
import { alive, childrenOf, environmentOf, processesIn } from "../helpers/processes.ts";

const MOST_ATTEMPTS = 5;
const MAIN = fileURLToPath(new URL("../../ts/supervisor/main.ts", import.meta.url));

/** Whether this process is root, so that workers become another user. */
export const isRoot: boolean = process.getuid?.() === 0;

/** User that the pools of tests run as. */
export const poolUser: string = isRoot ? "nobody" : userInfo().username;

/** An application that answers "hello" and tells things of itself at some paths. */
export const HELLO = `
export default {
  async fetch(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    if (pathname === "/env") return Response.json(process.env);
    if (pathname === "/print") {
      console.log("said on stdout");
      console.error("said on stderr");
    }
    if (pathname === "/exit") process.exit(3);
    if (pathname === "/flood") {
      // While the event loop turns the supervisor may be killed; the rest goes on without one.
      for (let count = 0; count < 512; count++) {
        if (!process.stdout.write(("x".repeat(127) + "\\n").repeat(128))) {
          await new Promise((resolve) => process.stdout.once("drain", resolve));
        }
        await new Promise(setImmediate);
      }
    }
    if (pathname === "/pid") return new Response(String(process.pid));
    if (pathname === "/loop") for (;;);
    if (pathname === "/hang") await new Promise(() => setInterval(() => {}, 1000));
    return new Response("hello");
  },
};
`;

/** The same, which starts only while there is no file "broken" in its directory. */
export const BREAKABLE: string = `
import { existsSync } from "node:fs";
if (existsSync("broken")) throw new Error("it is broken");
${HELLO}`;

/** A pool's entry in config.json; only what differs from the standard need be given. */
export type PoolEntry = Readonly<Record<string, unknown>>;

/** A supervisor with its folder. Ended by stop() or kill(), removed by dispose. */
export class Supervised implements AsyncDisposable {
  readonly folder: string;
  readonly runtime: string;
  readonly log: LogFollower;
  readonly #logPath: string;
  readonly #written = new Map<string, string>();
  #child: ChildProcess | undefined;
  #exit: Promise<number | string | null> | undefined;
  #lifeline: number | undefined;
  /** As httpd's parent holds it: for one supervisor after the other. */
  #store: readonly number[] = native().createSocketPair();

  /** @param runtime unset: a directory of its own */
  constructor(runtime?: string) {
    this.folder = mkdtempSync(join(tmpdir(), "tenon-supervised-"));
    // The pool's user must reach its application.
    chmodSync(this.folder, 0o711);
    this.runtime = runtime ?? join(this.folder, "run");
    this.#logPath = join(this.folder, "error.log");
    writeFileSync(this.#logPath, "");
    this.log = new LogFollower(this.#logPath);
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error("no supervisor runs");
    return pid;
  }

  /** Gives up what waits for a successor, as the end of httpd's parent does. */
  dropStore(): void {
    for (const fd of this.#store) closeSync(fd);
    this.#store = [];
  }

  /** Pids of its workers. */
  workers(): number[] {
    const lines = this.log.lines().join("\n");
    const takenOver = [...lines.matchAll(/TN0244: \[\S+ \d+ (\d+)\]/g)].map(([, pid]) =>
      Number(pid),
    );
    return [...new Set([...childrenOf(this.pid), ...takenOver])].filter(
      (pid) => alive(pid) && environmentOf(pid)["TENON_POOL"] !== undefined,
    );
  }

  /** Writes an application's file. */
  app(name: string, text: string): string {
    const path = join(this.folder, name);
    // A file that is written anew has changed, and its pool is reloaded.
    if (this.#written.get(path) !== text) writeFileSync(path, text);
    this.#written.set(path, text);
    return path;
  }

  /** Writes config.json. */
  write(...pools: readonly PoolEntry[]): void {
    mkdirSync(this.runtime, { recursive: true, mode: 0o710 });
    const uid = process.getuid?.() ?? 0;
    const gid = process.getgid?.() ?? 0;
    const config = {
      version: 1,
      parent: { pid: process.pid, uid, gid },
      host: isRoot ? { uid: 33, gid: 33 } : { uid, gid },
      logLevel: 7,
      pools: pools.map((pool) => ({ user: poolUser, directory: this.folder, ...pool })),
    };
    writeFileSync(join(this.runtime, "config.json"), JSON.stringify(config), { mode: 0o600 });
  }

  /** Starts the supervisor and hands it the configuration. @param environment beside PATH */
  start(environment: Readonly<Record<string, string>> = {}): void {
    const [ours, theirs] = native().createSocketPair();
    const log = openSync(this.#logPath, "a");
    const child = spawn(
      process.execPath,
      ["--disable-warning=ExperimentalWarning", MAIN, this.runtime],
      {
        stdio: [theirs, "ignore", log, ...this.#store],
        env: { PATH: process.env["PATH"] ?? "", ...environment },
      },
    );
    this.#exit = new Promise((resolve) => {
      child.once("exit", (code, signal) => resolve(signal ?? code));
    });
    closeSync(theirs);
    closeSync(log);
    this.#child = child;
    this.#lifeline = ours;
    this.configure();
  }

  /** Sends C with the log. */
  configure(path: string = this.#logPath): void {
    if (this.#lifeline === undefined) throw new Error("no supervisor runs");
    const log = openSync(path, "a");
    native().sendDescriptors(this.#lifeline, Buffer.from("C"), [log]);
    closeSync(log);
  }

  /** Path in a pool's directory. */
  path(pool: string, name: string): string {
    return join(this.runtime, "pools", pool, name);
  }

  /** Puts a directory in the place of a file. */
  block(path: string): void {
    mkdirSync(join(path, "inside"), { recursive: true });
  }

  /** Settles when a process that is no child of ours has ended; nothing tells of that but looking. */
  async goneOf(pid: number): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (alive(pid)) {
      if (performance.now() > deadline) throw new Error(`process ${pid} is still there`);
      await setImmediate();
    }
  }

  /** Waits for a log line and gives the pid that stands in its subject, [pool slot pid]. */
  async workerPid(pattern: RegExp, since = 0): Promise<number> {
    const line = await this.log.waitFor(pattern, { since });
    return Number(/TN\d+: \[\S+ \d+ (\d+)\]/.exec(line)?.[1]);
  }

  /** Opens a channel through a pool's queue. */
  queue(pool: string): HostChannel {
    return new HostChannel(this.path(pool, "queue"));
  }

  /** Asks a pool through its queue; like a host, again when the worker that took it begins nothing more. */
  async get(pool: string, target = "/"): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const channel = this.queue(pool);
      try {
        const answer = await channel.ask({ target });
        if (answer.abort?.error !== WireError.DRAINING || attempt === MOST_ATTEMPTS) {
          return answer.text;
        }
      } finally {
        channel.socket.destroy();
      }
    }
  }

  /** Ends the lifeline as httpd does; the exit code. */
  async stop(): Promise<number | string | null> {
    this.#closeLifeline();
    return this.exited();
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  async exited(): Promise<number | string | null> {
    const exit = await within(
      this.#exit ?? Promise.resolve(null),
      `the supervisor's exit, log:\n${this.log.tail()}`,
    );
    this.#child = undefined;
    this.#closeLifeline();
    return exit;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child !== undefined) await this.stop();
    this.dropStore();
    rmSync(this.folder, { recursive: true, force: true });
    if (existsSync(this.folder)) throw new Error(`${this.folder} is still there`);
  }

  #closeLifeline(): void {
    if (this.#lifeline !== undefined) closeSync(this.#lifeline);
    this.#lifeline = undefined;
  }
}

/** Gives each test of the suite a supervisor of its own, and sees that nothing is left of it. @param give called before each */
export function superviseEach(give: (fresh: Supervised) => void): void {
  let run: Supervised;
  beforeEach(() => {
    run = new Supervised();
    give(run);
  });
  afterEach(async () => {
    const { folder } = run;
    await run[Symbol.asyncDispose]();
    assert.deepEqual(processesIn(folder), [], "no process is left");
  });
}
