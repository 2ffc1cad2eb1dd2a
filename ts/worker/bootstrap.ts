// SPDX-License-Identifier: Apache-2.0
// What is done before any application code: descriptors, limits, user, directory. Called by main.ts; calls the addon.
import type { StartMessage } from "../channel/control-messages.ts";
import { fail } from "../errors.ts";
import { type Native, native } from "../native.ts";

/** Descriptors that a worker is spawned with (docs/architecture.md, "A worker's start"). */
export const Descriptor = { control: 3, endpoint: 4, queue: 5, scoreboard: 6 } as const;

/** Reading ends of the worker's own output, kept open so that a write never fails. */
export const outputReadingEnds: readonly number[] = [7, 8];

/** What Node or the loader runs before this bootstrap, as the user that the supervisor has. */
const dangerousVariables: readonly string[] = [
  "NODE_OPTIONS",
  "LD_PRELOAD",
  "LD_LIBRARY_PATH",
  "LD_AUDIT",
];

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
  becomeIdentity(addon, message);
  try {
    process.chdir(message.directory);
  } catch (cause) {
    throw fail("TENON_ERR_WORKER_DIRECTORY", { directory: message.directory }, cause);
  }
}
