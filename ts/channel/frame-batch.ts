// SPDX-License-Identifier: Apache-2.0
// Gathers the frames of one write to a socket: a small response (head, body and end flag) becomes one buffer. Used by exchange.ts
// and channel.ts; calls the codec.
import type { Entry } from "../wire/entries.ts";
import { encodeFrameHeader } from "../wire/frame.ts";
import {
  type Ask,
  askSize,
  encodeAsk,
  encodeFields,
  encodeResult,
  fieldsFrameSize,
  type Result,
  resultSize,
} from "../wire/hook-message.ts";
import { encodeEnd, encodeResponse, endSize, responseSize } from "../wire/message.ts";
import { Flag, FrameType, type LogLevel, type WireError, WireNumber } from "../wire/protocol.ts";
import {
  encodeAbort,
  encodeClose,
  encodeFile,
  encodeHello,
  encodeLog,
  encodePull,
  type FilePiece,
  FrameBytes,
  type Hello,
  textFrameSize,
} from "../wire/signal.ts";

const headerBytes: number = WireNumber.FRAME_HEADER_BYTES;
/** Slabs are filled from front to back and let go of when full; what was sent keeps its slab alive until the kernel has it. */
const SLAB_BYTES = 65536;
/** Chunks up to this size are copied next to their frame header; longer ones are sent as they are (writev). */
const COPY_BYTES = 16384;
/** Longest text of LOG and ABORT; what is longer is cut. */
const TEXT_CHARACTERS = 65536;

/** The most bytes that a text of so many characters takes. */
function mostBytes(length: number, encoding: BufferEncoding | undefined): number {
  return encoding === "latin1" || encoding === "binary" || encoding === "ascii"
    ? length
    : 3 * length;
}

/**
 * Frames on their way into one write.
 *
 * 1. Any of the methods named for frames, in order. 2. `take` the parts and write them, all in the same synchronous stretch: the one
 * batch of the process is shared by its channels.
 */
class FrameBatch {
  #slab: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  /** Where the present part begins in the slab. */
  #start = 0;
  #at = 0;
  #parts: Uint8Array[] = [];
  /** The last frame that can carry the flag END. */
  #last: Buffer | undefined;
  #lastAt = 0;

  hello(hello: Hello): void {
    this.#room(FrameBytes.HELLO);
    this.#at = encodeHello(this.#slab, this.#at, hello);
  }

  /** @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_TOO_LONG} */
  response(status: number, reason: string, headers: readonly string[]): void {
    this.#room(responseSize(reason, headers));
    const at = this.#at;
    this.#at = encodeResponse(this.#slab, at, status, reason, headers, false);
    this.#endable(at);
  }

  /** Returns the bytes that the chunk has. */
  data(chunk: Uint8Array | string, encoding: BufferEncoding | undefined): number {
    if (typeof chunk !== "string") return this.#bytes(chunk);
    const most = mostBytes(chunk.length, encoding);
    if (most > COPY_BYTES) return this.#bytes(Buffer.from(chunk, encoding));
    this.#room(headerBytes + most);
    const at = this.#at;
    const length = this.#slab.write(chunk, at + headerBytes, encoding);
    this.#at = encodeFrameHeader(this.#slab, at, FrameType.DATA, 0, length) + length;
    this.#endable(at);
    return length;
  }

  /** Who sends the batch attaches the file's descriptor; the frame is the last in the batch. */
  file(piece: FilePiece): void {
    this.#room(FrameBytes.FILE);
    const at = this.#at;
    this.#at = encodeFile(this.#slab, at, 0, piece);
    this.#endable(at);
  }

  /** Marks the last RESPONSE, DATA or FILE as the end, or adds END when it was sent already. @param bodyLength bytes of the whole body */
  markEnd(bodyLength: number): void {
    if (this.#last === undefined) this.end(bodyLength, []);
    else this.#last[this.#lastAt + 1] = Flag.END;
  }

  end(bodyLength: number, trailers: readonly string[]): void {
    this.#room(endSize(trailers));
    this.#at = encodeEnd(this.#slab, this.#at, bodyLength, trailers);
  }

  pull(bytes: number): void {
    this.#room(FrameBytes.PULL);
    this.#at = encodePull(this.#slab, this.#at, bytes);
  }

  /** @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_TOO_LONG} */
  fields(entries: readonly Entry[]): void {
    this.#room(fieldsFrameSize(entries));
    this.#at = encodeFields(this.#slab, this.#at, entries);
  }

  /** @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_TOO_LONG} */
  ask(ask: Ask): void {
    this.#room(askSize(ask));
    this.#at = encodeAsk(this.#slab, this.#at, ask);
  }

  /** @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_TOO_LONG} */
  result(result: Result): void {
    this.#room(resultSize(result));
    this.#at = encodeResult(this.#slab, this.#at, result);
  }

  abort(error: WireError, text: string): void {
    const cut = text.slice(0, TEXT_CHARACTERS);
    this.#room(textFrameSize(cut));
    this.#at = encodeAbort(this.#slab, this.#at, error, cut);
  }

  log(level: LogLevel, text: string): void {
    const cut = text.slice(0, TEXT_CHARACTERS);
    this.#room(textFrameSize(cut));
    this.#at = encodeLog(this.#slab, this.#at, level, cut);
  }

  close(): void {
    this.#room(FrameBytes.CLOSE);
    this.#at = encodeClose(this.#slab, this.#at);
  }

  /** Hands out what was gathered, in order. */
  take(): Uint8Array[] {
    this.#closePart();
    const parts = this.#parts;
    this.#parts = [];
    this.#last = undefined;
    return parts;
  }

  #bytes(chunk: Uint8Array): number {
    const { length } = chunk;
    if (length > COPY_BYTES) {
      this.#long(chunk);
      return length;
    }
    this.#room(headerBytes + length);
    const at = this.#at;
    const next = encodeFrameHeader(this.#slab, at, FrameType.DATA, 0, length);
    this.#slab.set(chunk, next);
    this.#at = next + length;
    this.#endable(at);
    return length;
  }

  #long(chunk: Uint8Array): void {
    for (let from = 0; from < chunk.length; from += WireNumber.MAX_DATA_BYTES) {
      const piece = chunk.subarray(from, from + WireNumber.MAX_DATA_BYTES);
      this.#room(headerBytes);
      const at = this.#at;
      this.#at = encodeFrameHeader(this.#slab, at, FrameType.DATA, 0, piece.length);
      this.#endable(at);
      this.#closePart();
      this.#parts.push(piece);
    }
  }

  #endable(at: number): void {
    this.#last = this.#slab;
    this.#lastAt = at;
  }

  #room(bytes: number): void {
    if (this.#slab.length - this.#at >= bytes) return;
    this.#closePart();
    this.#slab = Buffer.allocUnsafeSlow(Math.max(SLAB_BYTES, bytes));
    this.#start = 0;
    this.#at = 0;
  }

  #closePart(): void {
    if (this.#at > this.#start) this.#parts.push(this.#slab.subarray(this.#start, this.#at));
    this.#start = this.#at;
  }
}

/** The batch of this process. */
export const batch: FrameBatch = new FrameBatch();
