// SPDX-License-Identifier: Apache-2.0
// What is done before any application code: descriptors, limits, user, directory. Called by main.ts; calls the addon.
import { closeSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { getCompileCacheDir } from "node:module";
import type { StartMessage } from "../channel/control-messages.ts";
import { fail } from "../errors.ts";
import { type Native, native } from "../native.ts";

/** Descriptors that a worker is spawned with (docs/architecture.md, "A worker's start"). */
export const Descriptor = { control: 3, endpoint: 4, queue: 5, scoreboard: 6 } as const;

/** Reading ends of the worker's own output, kept open so that a write never fails. */
export const outputReadingEnds: readonly number[] = [7, 8];

/** Directories of the compile cache: the one that Node uses, and the one of the pool's user that takes its place. */
const caches = { used: 9, application: 10 } as const;
/** Where Node looks for the first of them; anything else is no cache that can be changed. */
const CACHE_PATH = `/proc/self/fd/${caches.used}/`;

/** Beyond the shutdown time-out of a worker that nobody supervises, so that it can say its last words. */
const UNSUPERVISED_GRACE_MS = 500;

/** What Node or the loader runs before this bootstrap, as the user that the supervisor has. */
const dangerousVariables: readonly string[] = [
  "NODE_OPTIONS",
  "LD_PRELOAD",
  "LD_LIBRARY_PATH",
  "LD_AUDIT",
];

const LEAST_OOM_SCORE = 500;
const HIGHEST_OOM_SCORE = 1000;

function closeOnExec(addon: Native): void {
  for (const fd of [...Object.values(Descriptor), ...outputReadingEnds]) {
    try {
      addon.setCloseOnExec(fd);
    } catch (error) {
      // The kept ones are missing where output goes to a file or a terminal.
      if (!outputReadingEnds.includes(fd)) throw error;
    }
  }
}

/** Out of memory, the kernel ends a worker before anything else (oom_score_adj, proc(5)): before httpd, whose own value it inherits. */
function offerToKernel(): void {
  const path = "/proc/self/oom_score_adj";
  try {
    const inherited = Number(readFileSync(path, "latin1"));
    const raised = Math.max(LEAST_OOM_SCORE, inherited + LEAST_OOM_SCORE / 2);
    writeFileSync(path, String(Math.min(raised, HIGHEST_OOM_SCORE)));
  } catch {
    // No /proc here, or one that cannot be written to: the kernel picks by size alone.
  }
}

function checkEnvironment(message: StartMessage): void {
  if (message.identity === null) return;
  const found = dangerousVariables.find((name) => process.env[name] !== undefined);
  if (found !== undefined) throw fail("TENON_ERR_WORKER_ENVIRONMENT", { name: found });
}

function becomeIdentity(addon: Native, message: StartMessage): void {
  const { identity } = message;
  if (identity === null) return;
  if (identity.uid === 0) throw fail("TENON_ERR_WORKER_ROOT", { pool: message.pool });
  addon.dropPrivileges(identity);
  // The addon has proven it to itself; this asks the kernel once more, by Node's own door.
  if (process.getuid?.() !== identity.uid || process.geteuid?.() !== identity.uid) {
    throw fail("TENON_ERR_WORKER_ROOT", { pool: message.pool });
  }
}

/** From here on Node keeps in the pool's own folder what it compiles, and runs nothing that another user has put there. */
function changeCache(addon: Native): void {
  const folder = getCompileCacheDir();
  if (folder === undefined || !folder.startsWith(CACHE_PATH)) return;
  addon.duplicateOnto(caches.application, caches.used);
  addon.setCloseOnExec(caches.used);
  closeSync(caches.application);
  try {
    mkdirSync(folder, { recursive: true });
  } catch {
    // The application starts without a cache, as fast as ever.
  }
}

/**
 * Turns the process into the pool's worker: afterwards it has the pool's user, limits and directory and no way back.
 *
 * @throws {TENON_ERR_WORKER_ENVIRONMENT} {TENON_ERR_WORKER_ROOT} {TENON_ERR_WORKER_DIRECTORY}
 */
export function bootstrap(message: StartMessage): void {
  const addon = native();
  closeOnExec(addon);
  checkEnvironment(message);
  addon.setLimits({ openFiles: message.openFiles });
  process.umask(message.umask);
  offerToKernel();
  becomeIdentity(addon, message);
  changeCache(addon);
  // Once no supervisor will come any more; before that control is held open for a successor.
  addon.endWithPeer(Descriptor.control, message.shutdownTimeoutMs + UNSUPERVISED_GRACE_MS);
  try {
    process.chdir(message.directory);
  } catch (cause) {
    throw fail("TENON_ERR_WORKER_DIRECTORY", { directory: message.directory }, cause);
  }
}
