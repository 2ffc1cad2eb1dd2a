// SPDX-License-Identifier: Apache-2.0
// The supervisor: one pool for each entry of config.json. Called by main.ts; never on the data path.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "../log.ts";
import { type Config, parseConfig } from "../settings/load.ts";
import { ADMIN_SOCKET, AdminSocket } from "./admin-socket.ts";
import { Allotment } from "./allotment.ts";
import type { Clock, Timer } from "./clock.ts";
import { CacheFiller } from "./compile-cache.ts";
import type { DescriptorStore } from "./descriptor-store.ts";
import { Pool, type PoolOptions } from "./pool.ts";
import { configurePools, type PoolConfiguration, sameConfiguration } from "./pool-configuration.ts";
import type { RuntimeDirectory } from "./runtime-directory.ts";
import { examine, giveUp, readInherited } from "./takeover.ts";

export interface SupervisorOptions {
  /** Claimed already. */
  readonly runtime: RuntimeDirectory;
  /** What a dead predecessor has left. */
  readonly store: DescriptorStore;
  readonly log: Log;
  readonly clock: Clock;
}

/** Until what the system has refused for want of something is tried again. */
const RETRY_MS = 5000;
/** What passes by itself, or when an administrator makes room. */
const PASSING: readonly unknown[] = ["ENOSPC", "EDQUOT", "EMFILE", "ENFILE", "ENOMEM"];

/**
 * All pools of one httpd.
 *
 * 1. configure() as often as config.json has been written; the first one takes over what a dead supervisor has left.
 * 2. stop() once; when it has settled nothing is left of the runtime directory.
 */
export class Supervisor {
  readonly #runtime: RuntimeDirectory;
  readonly #store: DescriptorStore;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #pools: Map<string, Pool> = new Map();
  readonly #allotment: Allotment = new Allotment();
  #parent: number | undefined;
  #admin: AdminSocket | undefined;
  #filler: CacheFiller | undefined;
  #tookOver = false;
  #retry: Timer | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#runtime = options.runtime;
    this.#store = options.store;
    this.#log = options.log;
    this.#clock = options.clock;
  }

  /** Reads config.json and makes the pools what it says. When anything is wrong with it, all stays as it is and the log says why. */
  configure(): void {
    if (this.#stopped !== undefined) return;
    this.#retry?.cancel();
    let inherited: readonly Pool[] | undefined;
    try {
      const config = parseConfig(readFileSync(this.#runtime.configPath, "utf8"));
      const wanted = configurePools(config, process.getuid?.() ?? 0, process.env);
      this.#log.level = config.logLevel;
      inherited = this.#takeOver();
      this.#change(config, wanted);
    } catch (error) {
      const text = `the configuration is not taken over, the old one stays: ${reasonOf(error)}${this.#retryLater(error)}`;
      this.#log.line("error", "TN0201", undefined, text);
    }
    inherited ??= this.#takeOver();
    for (const pool of inherited) pool.resume();
  }

  /** @throws errors of the system, before anything has changed */
  #change({ parent, host, processesTotal }: Config, wanted: readonly PoolConfiguration[]): void {
    const names = wanted.map(({ settings }) => settings.name);
    const all = new Set([...names, ...this.#pools.keys()]);
    this.#runtime.prepare({ uid: parent.uid, gid: host.gid }, all);
    this.#parent = parent.pid;
    this.#allotment.total = processesTotal;
    this.#listen();
    const kept = this.#apply(wanted);
    this.#fillCache();
    const text = `configured: ${wanted.length} pools, ${kept} of them as before`;
    this.#log.line("notice", "TN0203", undefined, text);
  }

  /** @returns the end of a sentence that says so; empty when trying again is of no use */
  #retryLater(error: unknown): string {
    if (!PASSING.includes((error as NodeJS.ErrnoException).code)) return "";
    this.#retry?.cancel();
    this.#retry = this.#clock.after(RETRY_MS, () => this.configure());
    return `; it is tried again in ${RETRY_MS / 1000} s`;
  }

  #listen(): void {
    const path = join(this.#runtime.path, ADMIN_SOCKET);
    try {
      this.#admin ??= new AdminSocket(path, () => [...this.#pools.values()], this.#clock);
    } catch (error) {
      const text = `tenon restart cannot reach this supervisor: ${reasonOf(error)}`;
      this.#log.line("warn", "TN0265", undefined, text);
    }
  }

  /** Once: goes on with all pools of a dead supervisor as that one had them, so that the configuration meets them as ever. */
  #takeOver(): Pool[] {
    if (this.#tookOver) return [];
    this.#tookOver = true;
    return readInherited(this.#store).flatMap((inherited) => {
      const { name } = inherited;
      const directory = this.#runtime.poolPath(name);
      let examined: ReturnType<typeof examine>;
      try {
        examined = examine(inherited, directory);
      } catch (error) {
        const text = `the pool cannot be taken over, its workers drain: ${reasonOf(error)}`;
        this.#log.line("error", "TN0245", { pool: name }, text);
        giveUp(this.#store, inherited);
        return [];
      }
      const { configuration } = examined;
      const pool = this.#newPool({ configuration, directory, inherited: examined });
      this.#pools.set(name, pool);
      return [pool];
    });
  }

  /** Stops all workers, all pools at once, and removes the runtime directory. @param why for the log */
  stop(why: string): Promise<void> {
    this.#stopped ??= this.#stop(why);
    return this.#stopped;
  }

  async #stop(why: string): Promise<void> {
    this.#log.line("notice", "TN0204", undefined, `the supervisor stops: ${why}`);
    this.#retry?.cancel();
    const pools = [...this.#pools.values()];
    await Promise.all(pools.map((pool) => pool.stop()));
    for (const pool of pools) pool.close();
    this.#admin?.close();
    await this.#filler?.end();
    this.#pools.clear();
    this.#runtime.remove(this.#parent);
    this.#log.line("notice", "TN0205", undefined, "the supervisor has stopped");
  }

  /** @returns how many pools were left alone */
  #apply(wanted: readonly PoolConfiguration[]): number {
    const names = new Set(wanted.map(({ settings }) => settings.name));
    for (const [name, pool] of this.#pools) {
      if (!names.has(name) && !pool.retired) pool.retire();
    }
    return wanted.filter((configuration) => this.#applyPool(configuration)).length;
  }

  #applyPool(configuration: PoolConfiguration): boolean {
    const { name } = configuration.settings;
    const pool = this.#pools.get(name);
    try {
      if (pool === undefined) {
        this.#pools.set(name, this.#makePool(configuration));
        return false;
      }
      if (!pool.retired && sameConfiguration(pool.configuration, configuration)) {
        // Who restarts httpd may have mended what workers failed of.
        pool.heal();
        return true;
      }
      pool.reconfigure(configuration);
    } catch (error) {
      const text = `the pool could not be set up: ${reasonOf(error)}${this.#retryLater(error)}`;
      this.#log.line("error", "TN0202", { pool: name }, text);
    }
    return false;
  }

  #makePool(configuration: PoolConfiguration): Pool {
    const { settings, owner } = configuration;
    const directory = this.#runtime.poolDirectory(settings.name, owner);
    return this.#newPool({ configuration, directory });
  }

  #newPool(own: Pick<PoolOptions, "configuration" | "directory" | "inherited">): Pool {
    return new Pool({
      ...own,
      store: this.#store,
      caches: this.#runtime.caches(own.configuration.settings.name),
      allotment: this.#allotment,
      log: this.#log,
      clock: this.#clock,
      onEmpty: (pool) => this.#removePool(pool),
    });
  }

  /** Once, and only when no worker does it: the first hit of all then waits no longer than the next. */
  #fillCache(): void {
    if ([...this.#pools.values()].some((pool) => pool.populated)) return;
    this.#filler ??= new CacheFiller(this.#runtime.compileCache);
  }

  #removePool(pool: Pool): void {
    if (this.#stopped !== undefined) return;
    pool.close();
    this.#pools.delete(pool.name);
    this.#runtime.removePool(pool.name);
    this.#log.line("info", "TN0232", { pool: pool.name }, "the pool has been removed");
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
