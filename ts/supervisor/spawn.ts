// SPDX-License-Identifier: Apache-2.0
// Spawns a worker with exactly the descriptors of docs/architecture.md ("A worker's start").
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { native } from "../native.ts";
import { cacheEnvironment, workerArguments } from "./compile-cache.ts";
import { giveTo } from "./scoreboard-file.ts";
import type { WorkerOptions } from "./worker-process.ts";

/** A process that was spawned. Its descriptors are the caller's. */
export interface Spawned {
  /** Undefined when the system refused: the exit follows. */
  readonly pid: number | undefined;
  /** Our end of its control socket. */
  readonly control: number;
  readonly stdout: Socket;
  readonly stderr: Socket;
  /** Signals it: SIGUSR1 has Node open its inspector; SIGKILL goes to all processes of its group. */
  signal(signal: "SIGUSR1" | "SIGTERM" | "SIGKILL"): void;
}

const ENDPOINT_MODE = 0o660;
const LEAST_BACKLOG = 16;

/** Spawns a worker. @param onExit called once with the cause of its end, never before this returns @throws errors of the system, having closed everything */
export function spawnWorker(options: WorkerOptions, onExit: (cause: string) => void): Spawned {
  const opened: number[] = [];
  const open = <T extends readonly number[]>(fds: T): T => {
    opened.push(...fds);
    return fds;
  };
  const kept: number[] = [];
  try {
    const { listenUnix, createPipe, createSocketPair } = native();
    const { configuration, endpoint, queue, scoreboard } = options;
    const backlog = Math.max(configuration.settings.concurrency, LEAST_BACKLOG);
    const [listener] = open([listenUnix(endpoint, backlog, ENDPOINT_MODE)] as const);
    giveTo(endpoint, configuration.owner);
    const [control, workerControl] = open(createSocketPair());
    const [outRead, outWrite] = open(createPipe());
    const [errRead, errWrite] = open(createPipe());
    const child = spawn(process.execPath, workerArguments, {
      cwd: "/",
      env: { ...configuration.environment, ...cacheEnvironment(options.compileCache) },
      // Its own session: no signal meant for httpd's group or terminal reaches it.
      detached: true,
      stdio: [
        "ignore",
        outWrite,
        errWrite,
        workerControl,
        listener,
        queue,
        scoreboard.fd,
        outRead,
        errRead,
      ],
    });
    watchExit(child, onExit);
    kept.push(control, outRead, errRead);
    const { pid } = child;
    return {
      pid,
      control,
      stdout: reader(outRead),
      stderr: reader(errRead),
      signal: (signal) => signalProcess(pid, signal),
    };
  } finally {
    for (const fd of opened) if (!kept.includes(fd)) closeSync(fd);
  }
}

function reader(fd: number): Socket {
  return new Socket({ fd, readable: true, writable: false });
}

function watchExit(child: ChildProcess, onExit: (cause: string) => void): void {
  child.once("exit", (code, signal) => {
    onExit(signal === null ? `exited with code ${code}` : `killed by ${signal}`);
  });
  // Said of a process that was never there: no 'exit' follows.
  child.once("error", (error) => {
    if (child.pid === undefined) onExit(`not spawned: ${error.message}`);
  });
}

function signalProcess(pid: number | undefined, signal: "SIGUSR1" | "SIGTERM" | "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(signal === "SIGKILL" ? -pid : pid, signal);
  } catch (error) {
    // It has exited and nobody of its group is left, or only processes of other users.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
