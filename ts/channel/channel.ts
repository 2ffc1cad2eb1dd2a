// SPDX-License-Identifier: Apache-2.0
// The worker's end of one channel. Made by ts/worker/runtime.ts for each accepted connection; calls the codec and exchange.ts.
import { Socket } from "node:net";
import { native } from "../native.ts";
import { ExchangeEvent, ExchangeState, nextState, stateAfterHostFrame } from "../wire/exchange.ts";
import { frameTypeName } from "../wire/frame.ts";
import { decodeReply } from "../wire/hook-message.ts";
import { decodeEnd, decodeRequest } from "../wire/message.ts";
import { errorNames, Flag, FrameType, Phase, WireError } from "../wire/protocol.ts";
import { FrameReader } from "../wire/reader.ts";
import { decodeAbort, type Hello } from "../wire/signal.ts";
import { wireErrorNumber, wireFail } from "../wire/wire-error.ts";
import { type Carrier, Exchange, type WriteCallback } from "./exchange.ts";
import { FileSender } from "./file-sender.ts";
import type { FileSource } from "./file-source.ts";
import { batch } from "./frame-batch.ts";
import type { Claim } from "./slot-board.ts";

/** What a channel needs of its worker. */
export interface ChannelOwner {
  /** Whether one more exchange may begin, or why not. @param queued the channel came through the queue, where room is kept for it */
  admit(channel: Channel): 0 | typeof WireError.BUSY | typeof WireError.DRAINING;
  /** Stores the claim, then calls the application. */
  begin(channel: Channel, exchange: Exchange): void;
  /** A begun exchange is over. */
  finish(channel: Channel): void;
  /** The channel has sent all of an exchange that is over, and may be used again unless it is closing. */
  settle(channel: Channel): void;
  /** The application threw while it was handed body. */
  failed(error: unknown, exchange: Exchange): void;
  /** The host broke the protocol; the channel is closed. @param text names the frame and the error */
  violated(channel: Channel, text: string): void;
  closed(channel: Channel): void;
}

/** HELLO offers all phases up to this one. */
const LAST_PHASE: number = Math.max(...Object.values(Phase));
/** A request with all the body that a host sends unasked fits into one read. */
const READ_BYTES = 81920;
/**
 * One reading buffer for all channels: its bytes are decoded or copied before the next read. Measured on Node 24 with a 12-byte answer: 27
 * microseconds of CPU a request, against 29 with a new buffer for each read.
 */
const readBuffer: Buffer = Buffer.allocUnsafeSlow(READ_BYTES);

/** Writes several parts as one. */
function sendParts(
  socket: Socket,
  parts: readonly Uint8Array[],
  callback: WriteCallback | undefined,
): void {
  const last = parts.length - 1;
  if (last > 0) socket.cork();
  for (let index = 0; index < last; index++) socket.write(parts[index] as Uint8Array);
  socket.write(parts[last] as Uint8Array, callback);
  if (last > 0) socket.uncork();
}

/**
 * One connected socket between a host process and this worker.
 *
 * 1. Greets with HELLO before it reads. 2. Each REQUEST becomes an exchange, one at a time. 3. `close` says CLOSE to an idle one;
 * the host closes then. It ends with its socket: by the host, after ABORT, or by `destroy`.
 */
export class Channel implements Carrier {
  readonly claim: Claim;
  /** Came through the pool's queue, and its first exchange has not begun. */
  reserved: boolean;
  readonly #owner: ChannelOwner;
  readonly #socket: Socket;
  readonly #fd: number;
  /** Made when the first file is sent. */
  #files: FileSender | undefined;
  readonly #reader = new FrameReader();
  #exchange: Exchange | undefined;
  #state: ExchangeState = ExchangeState.NEW;
  #lastExchange = 0;
  #closing = false;

  constructor(fd: number, owner: ChannelOwner, claim: Claim, hello: Hello, queued: boolean) {
    this.#owner = owner;
    this.#fd = fd;
    this.claim = claim;
    this.reserved = queued;
    const socket = new Socket({
      fd,
      readable: true,
      writable: true,
      onread: { buffer: readBuffer, callback: (size) => this.#read(size) },
    });
    this.#socket = socket;
    socket.on("drain", () => this.#exchange?.drained());
    // What is wrong with the socket is told by 'close' too.
    socket.on("error", () => {});
    socket.on("close", () => this.#closed());
    batch.hello(hello);
    this.#step(ExchangeEvent.HELLO);
    this.send(batch.take(), undefined);
  }

  get idle(): boolean {
    return this.#exchange === undefined;
  }

  /** Whether the host has ended the channel already, though frames of it may wait to be read. */
  get hungUp(): boolean {
    return native().hasHungUp(this.#fd);
  }

  get exchange(): Exchange | undefined {
    return this.#exchange;
  }

  get unsentBytes(): number {
    return this.#socket.writableLength;
  }

  get saturated(): boolean {
    return this.#socket.writableNeedDrain;
  }

  get open(): boolean {
    return !this.#socket.destroyed && this.#socket.writable;
  }

  /** Begins nothing more and asks the host to close. */
  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    batch.close();
    this.#step(ExchangeEvent.CLOSE);
    this.send(batch.take(), undefined);
  }

  destroy(): void {
    this.#socket.destroy();
  }

  destroyWhenSent(): void {
    this.#socket.destroySoon();
  }

  send(parts: readonly Uint8Array[], callback: WriteCallback | undefined): void {
    if (this.#files?.waiting) this.#files.queue(parts, callback);
    else sendParts(this.#socket, parts, callback);
  }

  sendFile(parts: readonly Uint8Array[], source: FileSource): void {
    this.#files ??= new FileSender(this.#socket, this.#fd);
    this.#files.send(parts, source);
  }

  switched(): void {
    this.#step(ExchangeEvent.SWITCH);
  }

  asked(): void {
    this.#step(ExchangeEvent.INTERIM);
  }

  finish(exchange: Exchange): void {
    if (this.#exchange !== exchange) return;
    this.#exchange = undefined;
    // The response's frames in between change nothing of what the host may send.
    this.#step(ExchangeEvent.RESPONSE);
    this.#step(ExchangeEvent.END);
    this.#owner.finish(this);
  }

  settle(): void {
    this.#owner.settle(this);
  }

  breakOff(error: WireError, text: string): void {
    this.#sendAbort(error, text);
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    this.finish(exchange);
    this.settle();
  }

  #sendAbort(error: WireError, text: string): void {
    this.#closing = true;
    if (!this.open) return;
    this.#files?.drop();
    batch.abort(error, text);
    this.send(batch.take(), undefined);
    this.#socket.destroySoon();
  }

  #read(size: number): boolean {
    const reader = this.#reader;
    // Behind CLOSE or ABORT nothing is begun, and what still comes says nothing.
    if (this.#closing && this.#exchange === undefined) return true;
    try {
      reader.push(readBuffer.subarray(0, size));
      while (reader.next()) {
        this.#take(reader);
        if (this.#closing && this.#exchange === undefined) break;
      }
    } catch (error) {
      this.#violated(error, frameTypeName(reader.type));
    }
    return true;
  }

  #take(reader: FrameReader): void {
    const { type } = reader;
    this.#state = stateAfterHostFrame(this.#state, type, reader.flags);
    if (type === FrameType.DATA) this.#takeData(reader);
    else if (type === FrameType.REQUEST) this.#takeRequest(reader);
    else if (type === FrameType.END) this.#takeEnd(reader);
    else if (type === FrameType.REPLY) this.#takeReply(reader);
    else if (type === FrameType.CLOSE) this.#exchange?.leave();
    else this.#takeAbort(reader);
  }

  /** Takes note of a frame of ours; one that the table does not know in this state changes nothing. */
  #step(event: ExchangeEvent): void {
    this.#state = nextState(this.#state, event) || this.#state;
  }

  #takeRequest(reader: FrameReader): void {
    const request = decodeRequest(reader.buffer, reader.start, reader.end);
    if (request.exchange !== this.#lastExchange + 1) {
      throw wireFail(
        WireError.OUT_OF_ORDER,
        `exchange ${request.exchange} after ${this.#lastExchange}`,
      );
    }
    if (request.phase > LAST_PHASE) {
      throw wireFail(WireError.BAD_PAYLOAD, `phase ${request.phase}, which HELLO did not offer`);
    }
    const refusal = this.#owner.admit(this);
    if (refusal !== 0) {
      this.#sendAbort(refusal, "");
      return;
    }
    this.#lastExchange = request.exchange;
    const exchange = new Exchange(this, request, reader.flags);
    this.#exchange = exchange;
    this.#owner.begin(this, exchange);
  }

  #takeData(reader: FrameReader): void {
    const exchange = this.#exchange;
    // Body of an exchange that was answered before it was read.
    if (exchange === undefined) return;
    let error: WireError | 0 = 0;
    try {
      if (reader.end > reader.start) {
        // The reading buffer is used again; what an application gets is its own.
        error = exchange.receive(Buffer.from(reader.buffer.subarray(reader.start, reader.end)));
      }
      if (error === 0 && (reader.flags & Flag.END) !== 0) error = exchange.receiveEnd(-1, []);
    } catch (thrown) {
      this.#owner.failed(thrown, exchange);
    }
    if (error !== 0) throw wireFail(error, "DATA");
  }

  #takeEnd(reader: FrameReader): void {
    const exchange = this.#exchange;
    const end = decodeEnd(reader.buffer, reader.start, reader.end);
    if (exchange === undefined) return;
    let error: WireError | 0 = 0;
    try {
      error = exchange.receiveEnd(end.bodyLength, end.rawTrailers);
    } catch (thrown) {
      this.#owner.failed(thrown, exchange);
    }
    if (error !== 0) throw wireFail(error, "END");
  }

  #takeReply(reader: FrameReader): void {
    const exchange = this.#exchange;
    const reply = decodeReply(reader.buffer, reader.start, reader.end);
    if (exchange === undefined) return;
    const error = exchange.receiveReply(reply, (reader.flags & Flag.END) !== 0);
    if (error !== 0) throw wireFail(error, "REPLY");
  }

  #takeAbort(reader: FrameReader): void {
    const { error, text } = decodeAbort(reader.buffer, reader.start, reader.end);
    this.#closing = true;
    this.#broken(error as WireError, text === "" ? (errorNames[error] ?? "aborted") : text);
    this.#socket.destroy();
  }

  #violated(error: unknown, frame: string): void {
    const number = wireErrorNumber(error) ?? WireError.BAD_PAYLOAD;
    const text = `${errorNames[number]} at ${frame}: ${(error as Error).message}`;
    this.#sendAbort(number, text);
    this.#owner.violated(this, text);
    this.#broken(number, text);
  }

  #broken(error: WireError, text: string): void {
    const exchange = this.#exchange;
    if (exchange === undefined) return;
    exchange.broken(error, text);
    this.finish(exchange);
    this.settle();
  }

  #closed(): void {
    if (!this.#closing && !this.#reader.empty) {
      this.#owner.violated(
        this,
        `${errorNames[WireError.TRUNCATED]} at ${frameTypeName(this.#reader.type)}`,
      );
    }
    this.#closing = true;
    this.#files?.drop();
    this.#broken(WireError.CLIENT_GONE, "the client has gone away");
    this.#owner.closed(this);
  }
}
