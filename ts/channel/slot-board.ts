// SPDX-License-Identifier: Apache-2.0
// The worker's own slot in the scoreboard: its words and its claim words. Called by ts/worker/runtime.ts and channel.ts.
import {
  ScoreboardHeader,
  ScoreboardSlot,
  WireNumber,
  type WorkerState,
} from "../wire/protocol.ts";
import { claimWord, type Scoreboard } from "../wire/scoreboard.ts";

/** A channel's claim word. */
export interface Claim {
  /** Below CLAIMS_PER_SLOT. */
  readonly index: number;
  /** Number of the channel among all of this worker. */
  readonly serial: number;
  /** The word before the first exchange. */
  readonly word: number;
}

function monotonicMs(): number {
  return Number(process.hrtime.bigint() / 1_000_000n) >>> 0;
}

/**
 * The words of one slot. Hosts read them at any time; each is stored whole.
 *
 * Claim indexes are handed out in a ring, so that one that was given back is used last: a host that still has a broken channel
 * then reads the word that its exchange left.
 */
export class SlotBoard {
  readonly #board: Scoreboard;
  readonly #slot: number;
  readonly #free: Uint16Array = new Uint16Array(WireNumber.CLAIMS_PER_SLOT);
  #freeAt = 0;
  #freeCount: number = WireNumber.CLAIMS_PER_SLOT;
  #serial = 0;
  #inFlight = 0;
  #channels = 0;
  #served = 0;

  constructor(board: Scoreboard, slot: number) {
    this.#board = board;
    this.#slot = slot;
    for (let index = 0; index < this.#free.length; index++) this.#free[index] = index;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get channels(): number {
    return this.#channels;
  }

  /** Says how many exchanges the worker takes at once. */
  setCapacity(exchanges: number): void {
    this.#store(ScoreboardSlot.CAPACITY, exchanges);
  }

  /** Ends the time of the pool's decisions. @returns false when the pool has another scoreboard by now @param exportName unset: of all exports */
  purge(exportName?: string): boolean {
    this.#board.purge(Date.now(), exportName);
    return this.#board.header(ScoreboardHeader.REPLACED) === 0;
  }

  setState(state: WorkerState): void {
    this.#store(ScoreboardSlot.STATE, state);
  }

  /** Shows that the event loop turns, and how much of its time it has been at work. */
  beat(): void {
    const { active } = performance.eventLoopUtilization();
    this.#store(ScoreboardSlot.LOOP_ACTIVE, Math.floor(active) >>> 0);
    this.#store(ScoreboardSlot.HEARTBEAT, monotonicMs());
  }

  /** Takes a claim word for a new channel. There must be a free one: fewer than CLAIMS_PER_SLOT channels are open. */
  openChannel(): Claim {
    const index = this.#free[this.#freeAt] as number;
    this.#freeAt = (this.#freeAt + 1) % this.#free.length;
    this.#freeCount -= 1;
    this.#serial += 1;
    const word = claimWord(this.#serial, 0);
    this.#board.setClaim(this.#slot, index, word);
    this.#channels += 1;
    this.#store(ScoreboardSlot.CHANNELS, this.#channels);
    return { index, serial: this.#serial, word };
  }

  closeChannel(claim: Claim): void {
    this.#free[(this.#freeAt + this.#freeCount) % this.#free.length] = claim.index;
    this.#freeCount += 1;
    this.#channels -= 1;
    this.#store(ScoreboardSlot.CHANNELS, this.#channels);
  }

  /** Marks an exchange as begun: from here on the application may have seen it. */
  begin(claim: Claim, exchange: number): void {
    this.#board.setClaim(this.#slot, claim.index, claimWord(claim.serial, exchange));
    this.#inFlight += 1;
    this.#store(ScoreboardSlot.IN_FLIGHT, this.#inFlight);
  }

  finish(): void {
    this.#inFlight -= 1;
    this.#served = (this.#served + 1) >>> 0;
    this.#store(ScoreboardSlot.IN_FLIGHT, this.#inFlight);
    this.#store(ScoreboardSlot.SERVED, this.#served);
  }

  #store(word: ScoreboardSlot, value: number): void {
    this.#board.setSlot(this.#slot, word, value);
  }
}
