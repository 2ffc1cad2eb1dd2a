// SPDX-License-Identifier: Apache-2.0
// The present generation of a pool: what its workers are made from, how it succeeds the one before, and whether it starts. Made by pool.ts;
// reconciler.ts, workers.ts and slots.ts ask it.
import type { Log } from "../log.ts";
import { Generations } from "./generations.ts";
import type { PoolConfiguration } from "./pool-configuration.ts";
import type { Succession, SuccessionKind } from "./succession.ts";

/** How single workers are replaced, when no generation is. */
const ONE_BY_ONE: Succession = { kind: "together", target: 1 };

export interface CurrentGenerationOptions {
  /** The pool's. */
  readonly directory: string;
  readonly configuration: PoolConfiguration;
  /** The number that a dead supervisor had come to; unset: the pool is new. */
  readonly inherited: number | undefined;
  readonly log: Log;
}

/** A worker that ended unasked, as far as its generation goes. */
export interface FailedWorker {
  readonly generation: number;
  /** How long it had been ready, ms; undefined when it never was. */
  readonly readyMs: number | undefined;
  /** Why its application did not load, where it said so. */
  readonly failure: string | undefined;
}

/** Lives as long as its pool; `begin` makes it another one. */
export class CurrentGeneration {
  readonly #files: Generations;
  readonly #log: Log;
  #configuration: PoolConfiguration;
  #number: number;
  #succession: Succession = ONE_BY_ONE;
  /** A worker of it was ready: it does start, whatever becomes of others. */
  #started = false;
  #failure: string | undefined;
  #notBefore = 0;

  constructor({ directory, configuration, inherited, log }: CurrentGenerationOptions) {
    const pool = configuration.settings.name;
    this.#files = new Generations(directory, (text) => log.line("warn", "TN0209", { pool }, text));
    this.#log = log;
    this.#configuration = configuration;
    this.#number = inherited ?? 1;
    if (inherited === undefined) this.#files.write(this.#number, configuration);
  }

  get number(): number {
    return this.#number;
  }

  get configuration(): PoolConfiguration {
    return this.#configuration;
  }

  get succession(): Succession {
    return this.#succession;
  }

  /** Why it does not start; undefined: it does, or nobody knows yet. */
  get failure(): string | undefined {
    return this.#failure;
  }

  /** No worker of it is started before this time, monotonic ms. */
  get notBefore(): number {
    return this.#notBefore;
  }

  /**
   * Makes what runs an earlier generation.
   * @param target workers that it has to replace
   */
  begin(configuration: PoolConfiguration, kind: SuccessionKind, target: number): void {
    // First of all: a successor of this supervisor goes on from here.
    this.#files.write(this.#number + 1, configuration);
    this.#number += 1;
    this.#configuration = configuration;
    this.#succession = { kind, target };
    this.#started = false;
    this.#failure = undefined;
    this.#notBefore = 0;
  }

  /** Has its workers wait, such as for files that still change. @param time monotonic ms */
  postpone(time: number): void {
    this.#notBefore = time;
  }

  /** A worker of it is ready. */
  started(): void {
    this.#started = true;
    if (this.#succession.kind === "strict") this.#succession = ONE_BY_ONE;
  }

  /** No worker of an earlier one serves any more. */
  succeeded(): void {
    // A strict one has them gone before it starts.
    if (this.#succession.kind !== "strict") this.#succession = ONE_BY_ONE;
  }

  /**
   * Takes note of a worker that ended unasked. That the generation does not start is logged once.
   * @param serves the generation that goes on serving, if any
   * @returns what hosts are to show as long as it is so; undefined: nothing
   */
  failed(
    { generation, readyMs, failure }: FailedWorker,
    serves: number | undefined,
  ): string | undefined {
    if (readyMs !== undefined || generation !== this.#number || this.#started) return undefined;
    const known = this.#failure !== undefined;
    this.#failure = failure ?? "it ended while it started";
    if (serves === undefined) return undefined;
    const text = `generation ${generation} does not start, ${serves} goes on serving until the next change: ${this.#failure}`;
    const { name } = this.#configuration.settings;
    if (!known) this.#log.line("error", "TN0262", { pool: name }, text);
    return text;
  }

  /** Removes what only generations were made from that have no worker left. @param living those that have one */
  forget(living: readonly number[]): void {
    this.#files.retain(new Set([this.#number, ...living]));
  }
}
