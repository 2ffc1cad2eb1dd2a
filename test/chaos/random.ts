// SPDX-License-Identifier: Apache-2.0
// Random choices that a seed repeats.

/** Choices that depend on a seed alone (mulberry32, a 32-bit generator by Tommy Ettinger, public domain). */
export class Random {
  #state: number;

  /** @param seed a whole number; only its lowest 32 bits count */
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** The next number, 0 to below 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = this.#state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below `limit`. */
  below(limit: number): number {
    return Math.floor(this.next() * limit);
  }

  /** One of several. @throws {RangeError} when there is none */
  pick<T>(from: readonly T[]): T {
    const index = this.below(from.length);
    if (index >= from.length) throw new RangeError("nothing to pick from");
    return from[index] as T;
  }
}
