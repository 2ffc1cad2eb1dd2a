// SPDX-License-Identifier: Apache-2.0
// Bytes in any pieces become frames. Twin of native/wire/reader.c; called by the channel for each chunk that it reads.
import { getU8 } from "./bytes.ts";
import { decodeFrameHeader } from "./frame.ts";
import { Flag, FrameType, WireNumber } from "./protocol.ts";

const headerBytes: number = WireNumber.FRAME_HEADER_BYTES;
const noBytes: Buffer = Buffer.alloc(0);

/**
 * Collects frames.
 *
 * 1. `push` a chunk; the reader holds no reference to it once `next` has said false.
 * 2. Call `next` until it says false; each time it says true, `type`, `flags` and the bytes `start` to `end` of
 *    `buffer` are one frame, valid until the next call.
 *
 * DATA comes in pieces as it arrives, the flag END on the last piece only. Any other frame comes whole. Lengths are
 * checked before anything is kept. After an error the reader is of no more use.
 */
export class FrameReader {
  type: FrameType = FrameType.HELLO;
  /** Bits of Flag. */
  flags = 0;
  /** Holds the payload from `start` to `end`. */
  buffer: Buffer = noBytes;
  start = 0;
  end = 0;

  #chunk: Buffer = noBytes;
  #at = 0;
  /** A frame header that came in pieces. */
  readonly #head: Buffer = Buffer.alloc(headerBytes);
  #headFilled = 0;
  /** A payload that comes in pieces, undefined when none does. */
  #joined: Buffer | undefined;
  #joinedFilled = 0;
  #dataLeft = 0;
  #dataFlags = 0;

  /** Takes the next bytes. All frames of the chunk before must have been taken with `next`. */
  push(chunk: Buffer): void {
    const left = this.#chunk.length - this.#at;
    this.#chunk = left === 0 ? chunk : Buffer.concat([this.#chunk.subarray(this.#at), chunk]);
    this.#at = 0;
  }

  /**
   * Moves to the next frame; false when more bytes are needed.
   * @throws {TENON_ERR_WIRE_UNKNOWN_FRAME} {TENON_ERR_WIRE_BAD_FLAGS} {TENON_ERR_WIRE_TOO_LONG}
   */
  next(): boolean {
    if (this.#dataLeft > 0) return this.#nextPiece();
    if (this.#joined !== undefined) return this.#join(this.#joined);
    const available = this.#chunk.length - this.#at;
    if (this.#headFilled === 0 && available >= headerBytes) {
      const at = this.#at;
      this.#at += headerBytes;
      return this.#begin(this.#chunk, at);
    }
    if (!this.#fillHead(available)) return false;
    this.#headFilled = 0;
    return this.#begin(this.#head, 0);
  }

  /** True when no part of a frame waits: the channel may be kept, or end. */
  get empty(): boolean {
    return (
      this.#at === this.#chunk.length &&
      this.#headFilled === 0 &&
      this.#dataLeft === 0 &&
      this.#joined === undefined
    );
  }

  /** The payload as a view of the chunk it came in. */
  payload(): Buffer {
    return this.buffer.subarray(this.start, this.end);
  }

  #fillHead(available: number): boolean {
    const size = Math.min(headerBytes - this.#headFilled, available);
    this.#chunk.copy(this.#head, this.#headFilled, this.#at, this.#at + size);
    this.#at += size;
    this.#headFilled += size;
    if (this.#headFilled === headerBytes) return true;
    return this.#drained();
  }

  /** Begins the frame whose header stands in `from` and was consumed. */
  #begin(from: Buffer, at: number): boolean {
    const length = decodeFrameHeader(from, at);
    this.type = getU8(from, at) as FrameType;
    this.flags = getU8(from, at + 1);
    if (this.type === FrameType.DATA && length > 0) {
      this.#dataLeft = length;
      this.#dataFlags = this.flags;
      return this.#nextPiece();
    }
    if (this.#chunk.length - this.#at >= length) return this.#takeInPlace(length);
    this.#joined = Buffer.allocUnsafe(length);
    this.#joinedFilled = 0;
    return this.#join(this.#joined);
  }

  #takeInPlace(length: number): true {
    this.buffer = this.#chunk;
    this.start = this.#at;
    this.#at += length;
    this.end = this.#at;
    return true;
  }

  #nextPiece(): boolean {
    const size = Math.min(this.#dataLeft, this.#chunk.length - this.#at);
    if (size === 0) return this.#drained();
    this.#dataLeft -= size;
    this.type = FrameType.DATA;
    this.flags = this.#dataLeft === 0 ? this.#dataFlags : this.#dataFlags & ~Flag.END;
    return this.#takeInPlace(size);
  }

  #join(joined: Buffer): boolean {
    const size = Math.min(joined.length - this.#joinedFilled, this.#chunk.length - this.#at);
    this.#chunk.copy(joined, this.#joinedFilled, this.#at, this.#at + size);
    this.#at += size;
    this.#joinedFilled += size;
    if (this.#joinedFilled < joined.length) return this.#drained();
    this.#joined = undefined;
    this.buffer = joined;
    this.start = 0;
    this.end = joined.length;
    return true;
  }

  /** Lets go of the chunk and of the last payload, so that their memory may be used again. */
  #drained(): false {
    this.#chunk = noBytes;
    this.buffer = noBytes;
    this.start = 0;
    this.end = 0;
    this.#at = 0;
    return false;
  }
}
