// SPDX-License-Identifier: Apache-2.0
// The supervisor: one pool for each entry of config.json. Called by main.ts; never on the data path.
import { readFileSync } from "node:fs";
import type { Log } from "../log.ts";
import { type Config, parseConfig } from "../settings/load.ts";
import type { Clock } from "./clock.ts";
import { CacheFiller } from "./compile-cache.ts";
import { Pool } from "./pool.ts";
import { configurePools, type PoolConfiguration, sameConfiguration } from "./pool-configuration.ts";
import type { RuntimeDirectory } from "./runtime-directory.ts";

export interface SupervisorOptions {
  /** Claimed already. */
  readonly runtime: RuntimeDirectory;
  readonly log: Log;
  readonly clock: Clock;
}

/**
 * All pools of one httpd.
 *
 * 1. configure() as often as config.json has been written.
 * 2. stop() once; when it has settled nothing is left of the runtime directory.
 */
export class Supervisor {
  readonly #runtime: RuntimeDirectory;
  readonly #log: Log;
  readonly #clock: Clock;
  readonly #pools: Map<string, Pool> = new Map();
  #parent: number | undefined;
  #filler: CacheFiller | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: SupervisorOptions) {
    this.#runtime = options.runtime;
    this.#log = options.log;
    this.#clock = options.clock;
  }

  /** Reads config.json and makes the pools what it says. When anything is wrong with it, all stays as it is and the log says why. */
  configure(): void {
    if (this.#stopped !== undefined) return;
    let config: Config;
    let wanted: PoolConfiguration[];
    try {
      config = parseConfig(readFileSync(this.#runtime.configPath, "utf8"));
      wanted = configurePools(config, process.getuid?.() ?? 0, process.env);
      const names = wanted.map(({ settings }) => settings.name);
      const { parent, host } = config;
      const all = new Set([...names, ...this.#pools.keys()]);
      this.#runtime.prepare({ uid: parent.uid, gid: host.gid }, all);
    } catch (error) {
      const text = `the configuration is not taken over, the old one stays: ${reasonOf(error)}`;
      this.#log.line("error", "TN0201", undefined, text);
      return;
    }
    this.#log.level = config.logLevel;
    this.#parent = config.parent.pid;
    const kept = this.#apply(wanted);
    this.#fillCache();
    const text = `configured: ${wanted.length} pools, ${kept} of them as before`;
    this.#log.line("notice", "TN0203", undefined, text);
  }

  /** Stops all workers, all pools at once, and removes the runtime directory. @param why for the log */
  stop(why: string): Promise<void> {
    this.#stopped ??= this.#stop(why);
    return this.#stopped;
  }

  async #stop(why: string): Promise<void> {
    this.#log.line("notice", "TN0204", undefined, `the supervisor stops: ${why}`);
    const pools = [...this.#pools.values()];
    await Promise.all(pools.map((pool) => pool.stop()));
    for (const pool of pools) pool.close();
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
      if (!pool.retired && sameConfiguration(pool.configuration, configuration)) return true;
      pool.reconfigure(configuration);
    } catch (error) {
      const text = `the pool could not be set up: ${reasonOf(error)}`;
      this.#log.line("error", "TN0202", { pool: name }, text);
    }
    return false;
  }

  #makePool(configuration: PoolConfiguration): Pool {
    const { settings, owner } = configuration;
    return new Pool({
      configuration,
      directory: this.#runtime.poolDirectory(settings.name, owner),
      compileCache: this.#runtime.compileCache,
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
