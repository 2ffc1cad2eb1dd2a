// SPDX-License-Identifier: Apache-2.0
// FILE and its descriptor, past libuv's queue: Node has no door for descriptors on a Unix socket. Made by channel.ts.
import type { Socket } from "node:net";
import { native } from "../native.ts";
import { encodeFrameHeader } from "../wire/frame.ts";
import { FrameType, WireNumber } from "../wire/protocol.ts";
import { FrameBytes } from "../wire/signal.ts";
import type { WriteCallback } from "./exchange.ts";
import { closeSource, type FileSource } from "./file-source.ts";

/** The most bytes that travel with a descriptor: of so many the kernel takes all or none. */
const MOST_BYTES = 32768;
const emptyData: Buffer = Buffer.alloc(WireNumber.FRAME_HEADER_BYTES);
encodeFrameHeader(emptyData, 0, FrameType.DATA, 0, 0);

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code;
}

/**
 * Sends files over one socket.
 *
 * 1. `send` frames that end with FILE. They go at once when all before them has gone; the descriptor travels with the frames in front of FILE where it can,
 * so that the host knows of the file when it handles the head. 2. While it is `waiting`, what else is to be sent is queued here.
 */
export class FileSender {
  readonly #socket: Socket;
  readonly #fd: number;
  #bytes: Uint8Array | undefined;
  #source: FileSource | undefined;
  readonly #behind: (() => void)[] = [];

  constructor(socket: Socket, fd: number) {
    this.#socket = socket;
    this.#fd = fd;
  }

  /** Whether a file has not gone yet. */
  get waiting(): boolean {
    return this.#source !== undefined;
  }

  send(parts: readonly Uint8Array[], source: FileSource): void {
    if (this.#source !== undefined) {
      this.#behind.push(() => this.send(parts, source));
      return;
    }
    this.#source = source;
    const last = parts.at(-1) as Uint8Array;
    for (const part of parts.slice(0, -1)) this.#socket.write(part);
    this.#bytes = last;
    if (last.length > MOST_BYTES) this.#writeFront();
    else this.#try();
  }

  /** Sends parts behind the file that waits. */
  queue(parts: readonly Uint8Array[], callback: WriteCallback | undefined): void {
    this.#behind.push(() => {
      this.#socket.write(Buffer.concat(parts), callback);
    });
  }

  /** Forgets what waits: the channel ends. */
  drop(): void {
    if (this.#source !== undefined) closeSource(this.#source);
    this.#source = undefined;
    this.#behind.length = 0;
  }

  #try(): void {
    const socket = this.#socket;
    const source = this.#source;
    const bytes = this.#bytes;
    if (source === undefined || bytes === undefined) return;
    // The descriptor's number may be another's once the socket is closed.
    if (socket.destroyed) {
      this.drop();
      return;
    }
    if (socket.writableLength > 0) {
      this.#writeFront();
      return;
    }
    try {
      native().sendDescriptors(this.#fd, bytes, [source.descriptor]);
    } catch (error) {
      if (codeOf(error) === "EAGAIN") {
        this.#writeFront();
        return;
      }
      // A host that has gone is told by 'close'; anything else leaves an answer without its body.
      this.drop();
      socket.destroy();
      return;
    }
    this.#source = undefined;
    closeSource(source);
    this.#sendBehind();
  }

  /** Leaves what stands before FILE to libuv, or, where nothing does, an empty DATA, and tries again when it has gone. */
  #writeFront(): void {
    const bytes = this.#bytes as Uint8Array;
    const front = bytes.length - FrameBytes.FILE;
    this.#bytes = bytes.subarray(front);
    this.#socket.write(front > 0 ? bytes.subarray(0, front) : emptyData, () => this.#try());
  }

  #sendBehind(): void {
    while (this.#source === undefined) {
      const next = this.#behind.shift();
      if (next === undefined) return;
      next();
    }
  }
}
