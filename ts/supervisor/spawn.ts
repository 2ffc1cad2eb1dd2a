// SPDX-License-Identifier: Apache-2.0
// Spawns a worker with exactly the descriptors of docs/architecture.md ("A worker's start"). Called by worker-process.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, rmSync } from "node:fs";
import { native } from "../native.ts";
import { WorkerState } from "../wire/protocol.ts";
import { openCaches, workerArguments } from "./compile-cache.ts";
import { heapArguments } from "./memory-watch.ts";
import { giveTo } from "./scoreboard-file.ts";
import type { WorkerOptions } from "./worker-options.ts";

export type SignalName = "SIGUSR1" | "SIGTERM" | "SIGKILL";

/** A worker's process as its supervisor holds it: spawned, or taken over (takeover.ts). control, stdout and stderr are the holder's. */
export interface HeldProcess {
  /** Undefined when the system refused: the exit follows. */
  readonly pid: number | undefined;
  /** Our end of its control socket. */
  readonly control: number;
  /** Reading ends of its output. */
  readonly stdout: number;
  readonly stderr: number;
  /** Signals it: SIGUSR1 has Node open its inspector; SIGKILL goes to all processes of its group. */
  signal(signal: SignalName): void;
  /** Gives up what is held beside: nothing is asked of it any more. */
  close(): void;
}

const ENDPOINT_MODE = 0o660;
const LEAST_BACKLOG = 16;

/** Binds a worker's endpoint, takes its slot in the scoreboard and spawns it. @param onExit called once with the cause of its end, never before this returns @throws errors of the system, having left nothing behind */
export function spawnWorker(options: WorkerOptions, onExit: (cause: string) => void): HeldProcess {
  const { slot, incarnation, generation, scoreboard, endpoint } = options;
  scoreboard.take(slot, incarnation, generation);
  try {
    const spawned = spawnProcess(options, onExit);
    if (spawned.pid !== undefined) scoreboard.setPid(slot, spawned.pid);
    return spawned;
  } catch (error) {
    scoreboard.setState(slot, WorkerState.EXITED);
    rmSync(endpoint, { force: true, recursive: true });
    throw error;
  }
}

/** @throws errors of the system, having closed everything */
function spawnProcess(options: WorkerOptions, onExit: (cause: string) => void): HeldProcess {
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
    const us = { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 };
    const user = configuration.account.identity ?? us;
    const caches = openCaches(options.caches, user, (fd) => opened.push(fd));
    const child = spawn(
      process.execPath,
      [...heapArguments(configuration.settings), ...workerArguments],
      {
        cwd: "/",
        env: { ...configuration.environment, ...caches.environment },
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
          ...caches.descriptors,
        ],
      },
    );
    watchExit(child, onExit);
    kept.push(control, outRead, errRead);
    const { pid } = child;
    return {
      pid,
      control,
      stdout: outRead,
      stderr: errRead,
      signal: (signal) => signalChild(child, signal),
      close: () => {},
    };
  } finally {
    for (const fd of opened) if (!kept.includes(fd)) closeSync(fd);
  }
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

function signalChild(child: ChildProcess, signal: SignalName): void {
  const { pid } = child;
  if (pid === undefined) return;
  const held = (): boolean => child.exitCode === null && child.signalCode === null;
  if (signal === "SIGKILL") killGroup(pid, held);
  else if (held()) process.kill(pid, signal);
}

/** Kills a worker with all processes of its group. @param held whether the pid is still the worker's */
export function killGroup(pid: number, held: () => boolean): void {
  // While members of the group are left the number is nobody else's.
  if (!held() && existsSync(`/proc/${pid}`)) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch (error) {
    // Nobody of its group is left, or only processes of other users.
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ESRCH" && code !== "EPERM") throw error;
  }
}
