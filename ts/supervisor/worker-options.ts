// SPDX-License-Identifier: Apache-2.0
// What a worker process is made with, and what of that it is told. Read by worker-process.ts, spawn.ts and worker-vitals.ts.
import type { StartMessage } from "../channel/control-messages.ts";
import type { Log } from "../log.ts";
import type { Clock } from "./clock.ts";
import type { CacheFolders } from "./compile-cache.ts";
import type { DescriptorStore } from "./descriptor-store.ts";
import type { PoolConfiguration } from "./pool-configuration.ts";
import type { Place } from "./slots.ts";

/** What a worker process is made with. */
export interface WorkerOptions extends Place {
  readonly configuration: PoolConfiguration;
  readonly generation: number;
  /** The pool's queue socket. */
  readonly queue: number;
  /** Folders of its compile caches; unset: none. */
  readonly caches?: CacheFolders | undefined;
  /** Where its descriptors wait for a successor of this supervisor. */
  readonly store: DescriptorStore;
  readonly log: Log;
  readonly clock: Clock;
}

/** What a worker is told when it is spawned (docs/architecture.md, "A worker's start"). */
export function startMessage(options: WorkerOptions): StartMessage {
  const { slot, incarnation, generation, configuration } = options;
  const { settings, account, hostUids } = configuration;
  const { app, exports, directory, umask, openFiles, concurrency, reload, watch } = settings;
  const { gracefulTimeoutMs, shutdownTimeoutMs } = settings;
  const place = { pool: settings.name, slot, incarnation, generation };
  const application = { app, exports, directory, reload, watch };
  const limits = { umask, openFiles, concurrency, gracefulTimeoutMs, shutdownTimeoutMs };
  const identity = account.identity ?? null;
  return { type: "start", ...place, ...application, identity, hostUids, ...limits };
}
