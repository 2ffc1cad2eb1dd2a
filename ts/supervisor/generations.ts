// SPDX-License-Identifier: Apache-2.0
// What the generations of a pool are made from, in files of its directory: a successor of this supervisor goes on with them. Called by
// current-generation.ts and takeover.ts.
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { PoolConfiguration } from "./pool-configuration.ts";

const NAME = /^generation-(\d{1,15})\.json$/;
/** Variables of the environment may be secrets. */
const MODE = 0o600;

/** The files of one pool. A worker's is there before the worker is. */
export class Generations {
  readonly #directory: string;
  readonly #onUnwritten: (text: string) => void;
  /** Could not be written, such as for want of room on the disk. */
  #unwritten: { readonly generation: number; readonly text: string } | undefined;

  /** @param directory of the pool @param onUnwritten told why a file could not be written: without it a successor has to begin anew */
  constructor(directory: string, onUnwritten: (text: string) => void = () => undefined) {
    this.#directory = directory;
    this.#onUnwritten = onUnwritten;
  }

  /** Writes the file of a generation. One that cannot be written now is tried again at each `retain`. */
  write(generation: number, configuration: PoolConfiguration): void {
    const text = JSON.stringify(configuration);
    this.#unwritten = undefined;
    try {
      this.#put(generation, text);
    } catch (error) {
      this.#unwritten = { generation, text };
      this.#onUnwritten(
        `what generation ${generation} is made from cannot be kept, so should the supervisor die its workers drain: ${String(error)}`,
      );
    }
  }

  #put(generation: number, text: string): void {
    const path = this.#path(generation);
    try {
      writeFileSync(`${path}.new`, text, { mode: MODE });
      renameSync(`${path}.new`, path);
    } catch (error) {
      rmSync(`${path}.new`, { force: true });
      throw error;
    }
  }

  #writeAgain(): void {
    if (this.#unwritten === undefined) return;
    const { generation, text } = this.#unwritten;
    try {
      this.#put(generation, text);
      this.#unwritten = undefined;
    } catch {
      // It was told.
    }
  }

  /** @throws errors of the system when there is none */
  read(generation: number): PoolConfiguration {
    return JSON.parse(readFileSync(this.#path(generation), "utf8")) as PoolConfiguration;
  }

  /** The generation that was written last; 0 when there is none. */
  newest(): number {
    return Math.max(0, ...this.#all());
  }

  /** Removes the files of all other generations. */
  retain(generations: ReadonlySet<number>): void {
    for (const generation of this.#all()) {
      if (!generations.has(generation)) rmSync(this.#path(generation), { force: true });
    }
    // What was removed may have made room.
    this.#writeAgain();
  }

  #all(): number[] {
    // A directory that somebody has removed holds none.
    if (!existsSync(this.#directory)) return [];
    const matches = readdirSync(this.#directory).map((name) => NAME.exec(name)?.[1]);
    return matches.filter((text) => text !== undefined).map(Number);
  }

  #path(generation: number): string {
    return join(this.#directory, `generation-${generation}.json`);
  }
}
