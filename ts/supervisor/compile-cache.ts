// SPDX-License-Identifier: Apache-2.0
// What Node compiles of Tenon's own code and of applications, kept from one worker's start to the next (docs/architecture.md, "A worker's start").
// Called by supervisor.ts and spawn.ts.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { constants, openSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { openApplicationCache } from "./application-cache.ts";
import type { FileOwner } from "./scoreboard-file.ts";

const ASYNC_CONTEXT_FRAME = "--experimental-async-context-frame";
const FLAGS = [
  // Type stripping warns in Node 22; the application may be TypeScript too.
  "--disable-warning=ExperimentalWarning",
  // SIGUSR1 opens the inspector (rescue.ts), on loopback, at a port and path that are told on stderr only.
  "--inspect-port=127.0.0.1:0",
  "--inspect-publish-uid=stderr",
  // Of Node 22, which otherwise ends the process when an execution is terminated; newer ones are always so.
  ...(process.allowedNodeEnvironmentFlags.has(ASYNC_CONTEXT_FRAME) ? [ASYNC_CONTEXT_FRAME] : []),
];
const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
const ENTRY = fileURLToPath(new URL(`../worker/main.${extension}`, import.meta.url));

/** Arguments of node that make it a worker. */
export const workerArguments: readonly string[] = [...FLAGS, ENTRY];

/** Environment by which a worker finds the cache; it takes it away before all else. */
function cacheEnvironment(folder: string): Record<string, string> {
  return { NODE_COMPILE_CACHE: folder };
}

/** Folders of a worker's compile caches. */
export interface CacheFolders {
  /** Of Tenon's own code: our user's. */
  readonly own: string;
  /** Of the pool's code: the pool's user's. */
  readonly application: string;
}

/** What a worker is given of them. */
export interface OpenedCaches {
  /** Its descriptors 9 and 10; the caller's. */
  readonly descriptors: readonly number[];
  readonly environment: Readonly<Record<string, string>>;
}

/** The first of them. Node looks up this path anew for each file: once the worker has put its pool's folder there it reads and writes in that. */
const CACHE_PATH = "/proc/self/fd/9";

/** Opens a worker's caches; without them it starts slower, and as well. @param opened told of each descriptor at once */
export function openCaches(
  folders: CacheFolders | undefined,
  owner: FileOwner,
  opened: (fd: number) => void,
): OpenedCaches {
  if (folders === undefined) return { descriptors: [], environment: {} };
  try {
    const own = openSync(folders.own, constants.O_RDONLY | constants.O_DIRECTORY);
    opened(own);
    const application = openApplicationCache(folders.application, owner);
    opened(application);
    return { descriptors: [own, application], environment: cacheEnvironment(CACHE_PATH) };
  } catch {
    return { descriptors: [], environment: cacheEnvironment(folders.own) };
  }
}

/** A process that fills the cache ahead of the first worker. Ends by itself within a second; the supervisor's. */
export class CacheFiller {
  readonly #child: ChildProcess;
  readonly #ended: Promise<unknown>;

  constructor(folder: string) {
    this.#child = spawn(process.execPath, [...workerArguments, "--compile-only"], {
      cwd: "/",
      env: cacheEnvironment(folder),
      detached: true,
      stdio: "ignore",
    });
    // A cache that stays empty costs time only: the first worker tries to fill it too.
    this.#ended = once(this.#child, "exit").catch(() => undefined);
  }

  /** Ends it; settled when nothing writes to the cache any more. */
  async end(): Promise<void> {
    if (this.#child.exitCode === null) this.#child.kill("SIGKILL");
    await this.#ended;
  }
}
