// SPDX-License-Identifier: Apache-2.0
// The scoreboard as its writers see it: words in a mapped file. Supervisor and workers write, hosts read (native/wire/scoreboard.c).
import { Buffer } from "node:buffer";
import { fail } from "../errors.ts";
import { ScoreboardHeader, ScoreboardSize, type ScoreboardSlot, WireNumber } from "./protocol.ts";

const wordBytes = 4;
const headerWords = ScoreboardSize.HEADER_WORDS;
const slotWords = ScoreboardSize.SLOT_WORDS;
const claimsPerSlot = WireNumber.CLAIMS_PER_SLOT;
const claimNumberMask = (1 << WireNumber.CLAIM_NUMBER_BITS) - 1;

/** Size of a file with that many slots, bytes. */
export function scoreboardSize(slots: number): number {
  return wordBytes * (headerWords + slots * (slotWords + claimsPerSlot));
}

/**
 * The claim word of a channel after it has begun an exchange; exchange 0 is the word before the first one (HELLO's claim).
 * @param channel number of the channel among all of the worker, its low 20 bits count
 * @param exchange counts from 1, its low 12 bits count
 */
export function claimWord(channel: number, exchange: number): number {
  return ((channel << WireNumber.CLAIM_NUMBER_BITS) | (exchange & claimNumberMask)) >>> 0;
}

/** The purge group of an export: FNV-1a of its name. */
function purgeGroup(exportName: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(exportName)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash % ScoreboardSize.PURGE_GROUPS;
}

/** One pool's scoreboard. Lives as long as its mapping; all reads and writes are atomic. */
export class Scoreboard {
  readonly slots: number;
  readonly #words: Uint32Array;
  readonly #claimsAt: number;

  /** A view of a mapping that was formatted before. @throws {TENON_ERR_SCOREBOARD} when it is none, or too short */
  constructor(memory: ArrayBuffer) {
    if (memory.byteLength < scoreboardSize(0))
      throw fail("TENON_ERR_SCOREBOARD", { what: `${memory.byteLength} bytes` });
    this.#words = new Uint32Array(memory, 0, Math.floor(memory.byteLength / wordBytes));
    if (
      this.header(ScoreboardHeader.MAGIC) !== ScoreboardSize.MAGIC ||
      this.header(ScoreboardHeader.LAYOUT) !== ScoreboardSize.LAYOUT
    )
      throw fail("TENON_ERR_SCOREBOARD", { what: "magic or layout differ" });
    this.slots = this.header(ScoreboardHeader.SLOTS);
    if (memory.byteLength < scoreboardSize(this.slots))
      throw fail("TENON_ERR_SCOREBOARD", {
        what: `${memory.byteLength} bytes for ${this.slots} slots`,
      });
    this.#claimsAt = headerWords + this.slots * slotWords;
  }

  /** Makes a scoreboard of a mapping of zeros; the magic is written last, so a host sees it whole or not at all. */
  static format(memory: ArrayBuffer, slots: number): Scoreboard {
    if (memory.byteLength < scoreboardSize(slots))
      throw fail("TENON_ERR_SCOREBOARD", { what: `${memory.byteLength} bytes for ${slots} slots` });
    const words = new Uint32Array(memory, 0, headerWords);
    Atomics.store(words, ScoreboardHeader.SLOTS, slots);
    Atomics.store(words, ScoreboardHeader.LAYOUT, ScoreboardSize.LAYOUT);
    Atomics.store(words, ScoreboardHeader.MAGIC, ScoreboardSize.MAGIC);
    return new Scoreboard(memory);
  }

  header(word: ScoreboardHeader): number {
    return Atomics.load(this.#words, word);
  }

  setHeader(word: ScoreboardHeader, value: number): void {
    Atomics.store(this.#words, word, value);
  }

  /**
   * Ends the time of decisions that were asked for until now.
   * @param now ms since 1970
   * @param exportName the export whose decisions end; unset: those of the whole pool
   */
  purge(now: number, exportName?: string): void {
    const at =
      exportName === undefined
        ? ScoreboardHeader.PURGED
        : ScoreboardHeader.EXPORTS_PURGED + 2 * purgeGroup(exportName);
    // In this order: who reads half of it sees a later time, never an earlier one.
    Atomics.store(this.#words, at, Math.floor(now / 2 ** 32));
    Atomics.store(this.#words, at + 1, now >>> 0);
  }

  /** @param slot below `slots` */
  slot(slot: number, word: ScoreboardSlot): number {
    return Atomics.load(this.#words, this.#slotAt(slot) + word);
  }

  setSlot(slot: number, word: ScoreboardSlot, value: number): void {
    Atomics.store(this.#words, this.#slotAt(slot) + word, value);
  }

  /** @param index of the claim word, below CLAIMS_PER_SLOT */
  claim(slot: number, index: number): number {
    return Atomics.load(this.#words, this.#claimAt(slot, index));
  }

  setClaim(slot: number, index: number, value: number): void {
    Atomics.store(this.#words, this.#claimAt(slot, index), value);
  }

  #slotAt(slot: number): number {
    if (!(slot >= 0 && slot < this.slots)) throw outOfRange("slot", this.slots, slot);
    return headerWords + slot * slotWords;
  }

  #claimAt(slot: number, index: number): number {
    if (!(slot >= 0 && slot < this.slots)) throw outOfRange("slot", this.slots, slot);
    if (!(index >= 0 && index < claimsPerSlot)) throw outOfRange("claim", claimsPerSlot, index);
    return this.#claimsAt + slot * claimsPerSlot + index;
  }
}

function outOfRange(what: string, limit: number, got: number): Error {
  return fail("TENON_ERR_ARGUMENT", { what, expected: `0 to ${limit - 1}`, got });
}
