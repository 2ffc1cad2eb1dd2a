// SPDX-License-Identifier: Apache-2.0
// The slots of a pool: its scoreboard, which grows with the pool, the incarnations that it counts, and the paths of endpoints. Made by pool.ts.
import { rmSync } from "node:fs";
import { join } from "node:path";
import type { CurrentGeneration } from "./current-generation.ts";
import { readIncarnations, ScoreboardFile } from "./scoreboard-file.ts";

/** Many generations may drain beside each other, for as long as their clients stay. */
const LEAST_SLOTS = 16;

/** Where a worker is to be: each only once. */
export interface Place {
  readonly slot: number;
  readonly incarnation: number;
  readonly scoreboard: ScoreboardFile;
  /** Path of the worker's endpoint. */
  readonly endpoint: string;
}

/** Room for all workers of a generation beside all of the one that it replaces. */
function slotsFor(processesMax: number): number {
  return Math.max(2 * processesMax, LEAST_SLOTS);
}

/** Owns the scoreboard; made and closed by a pool. Which slots are filled its workers know (workers.ts). */
export class Slots {
  readonly #directory: string;
  readonly #generation: CurrentGeneration;
  /** By slot, of the last worker that filled it; survives a change of the scoreboard's file. */
  readonly #incarnations: number[];
  #scoreboard: ScoreboardFile;

  /**
   * @param directory of the pool; a predecessor's scoreboard in it is gone on counting from
   * @param inherited that one, where its workers are gone on with
   * @throws errors of the system
   */
  constructor(directory: string, generation: CurrentGeneration, inherited?: ScoreboardFile) {
    this.#directory = directory;
    this.#generation = generation;
    this.#incarnations = readIncarnations(this.#path);
    this.#scoreboard = inherited ?? this.#make();
  }

  /** The one that hosts find now. */
  get scoreboard(): ScoreboardFile {
    return this.#scoreboard;
  }

  get count(): number {
    return this.#scoreboard.board.slots;
  }

  /** Gives the lowest free slot to a new incarnation. */
  next(filled: { has(slot: number): boolean }): Place {
    let slot = 0;
    while (filled.has(slot)) slot += 1;
    const incarnation = ((this.#incarnations[slot] ?? 0) + 1) >>> 0;
    this.#incarnations[slot] = incarnation;
    return this.place(slot, incarnation);
  }

  place(slot: number, incarnation: number): Place {
    const endpoint = join(this.#directory, `w${slot}`);
    return { slot, incarnation, scoreboard: this.#scoreboard, endpoint };
  }

  /** Shows that nobody is in the slots that no worker fills, whatever a predecessor was about when it died. */
  clear(filled: { has(slot: number): boolean }): void {
    for (let slot = 0; slot < this.count; slot++) {
      // The predecessor died while it started one there: that has ended by itself.
      if (filled.has(slot)) continue;
      this.#scoreboard.clear(slot);
      rmSync(this.place(slot, 0).endpoint, { force: true });
    }
  }

  /** Makes owner and number what the configuration says; to have more there is another scoreboard then. */
  fit(): void {
    const { owner, settings } = this.#generation.configuration;
    this.#scoreboard.give(owner);
    if (slotsFor(settings.processesMax) <= this.count) return;
    const replaced = this.#scoreboard;
    this.#scoreboard = this.#make();
    replaced.close();
  }

  close(): void {
    this.#scoreboard.close();
  }

  get #path(): string {
    return join(this.#directory, "scoreboard");
  }

  #make(): ScoreboardFile {
    const { number, configuration } = this.#generation;
    const { owner, settings } = configuration;
    const file = ScoreboardFile.make(this.#path, slotsFor(settings.processesMax), owner);
    file.setIncarnations(this.#incarnations);
    file.setGeneration(number);
    file.place();
    return file;
  }
}
