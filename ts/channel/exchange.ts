// SPDX-License-Identifier: Apache-2.0
// One request and its response as an adapter sees them. Made by channel.ts, used by ts/adapter and ts/worker; its frames leave
// through frame-batch.ts.
import { AsyncLocalStorage } from "node:async_hooks";
import type { Entry } from "../wire/entries.ts";
import type { Ask, Reply, Result } from "../wire/hook-message.ts";
import type { RequestHead } from "../wire/message.ts";
import { Fact, Flag, LogLevel, Phase, WireError } from "../wire/protocol.ts";
import { BodyCredit } from "./body-credit.ts";
import { countLargeBody } from "./body-memory.ts";
import { closeSource, type FileSource } from "./file-source.ts";
import { batch } from "./frame-batch.ts";

/** Body from which one counts as large, bytes. */
const LARGE_BYTES = 1048576;
/** Staged response body that is sent without waiting for the end of the turn, bytes. */
const STAGE_BYTES = 65536;

export type WriteCallback = (error?: Error | null) => void;

/** What an adapter wants to hear of its exchange. */
export interface ExchangeListener {
  /** A chunk of the request's body; it is the listener's to keep. */
  bodyChunk(chunk: Uint8Array): void;
  /** The request's body is whole. @param trailers names and values in turn */
  bodyEnd(trailers: readonly string[]): void;
  /** After `write` returned false: there is room again. */
  drained(): void;
  /** The exchange was broken off by the host (the client has gone, as a rule) or with its channel. */
  aborted(error: WireError, text: string): void;
  /** A hook only: the answer to the oldest `ask` that has none. @param ended false: a body follows, as the request's does */
  reply?(reply: Reply, ended: boolean): void;
  /** A tunnel only: it is to end soon, since one of the processes that it leads through is about to. */
  leave?(): void;
}

/** What an exchange needs of its channel. */
export interface Carrier {
  /** Bytes that the socket has not taken yet. */
  readonly unsentBytes: number;
  /** Whether the socket has as much as it wants and will report `drained`. */
  readonly saturated: boolean;
  send(parts: readonly Uint8Array[], callback: WriteCallback | undefined): void;
  /** Sends frames of which the last is FILE, and closes the descriptor then. */
  sendFile(parts: readonly Uint8Array[], source: FileSource): void;
  /** The exchange has become a tunnel. */
  switched(): void;
  /** An ASK is sent. */
  asked(): void;
  /** The response is whole. Called before it is sent: who has it must find the scoreboard up to date. */
  finish(exchange: Exchange): void;
  /** The whole response was handed to the socket. */
  settle(): void;
  /** Sends ABORT and closes. */
  breakOff(error: WireError, text: string): void;
  /** Whether the host's body may still be sent; false once the channel is closing. */
  readonly open: boolean;
}

/**
 * The exchange that code runs for, through all that is asynchronous: it names the guilty one when an exception is uncaught. Measured
 * on Node 24: 0.3 microseconds a request.
 */
export const currentExchange: AsyncLocalStorage<Exchange> = new AsyncLocalStorage<Exchange>();

function deliverChunk(listener: ExchangeListener, chunk: Uint8Array): void {
  listener.bodyChunk(chunk);
}

function deliverEnd(listener: ExchangeListener, trailers: readonly string[]): void {
  listener.bodyEnd(trailers);
}

function deliverDrained(listener: ExchangeListener): void {
  listener.drained();
}

function deliverAborted(listener: ExchangeListener, error: WireError, text: string): void {
  listener.aborted(error, text);
}

function deliverReply(listener: ExchangeListener, reply: Reply, ended: boolean): void {
  listener.reply?.(reply, ended);
}

function deliverLeave(listener: ExchangeListener): void {
  listener.leave?.();
}

/** Exchanges with something staged, to be flushed together. */
let staged: Exchange[] = [];

/** Runs behind all callbacks, ticks and promises of this turn of the event loop: an answer that ends in the turn in which it begins leaves in one write. */
function flushStaged(): void {
  const exchanges = staged;
  staged = [];
  for (const exchange of exchanges) exchange.flush();
}

/**
 * One request and its response.
 *
 * 1. The channel makes it from REQUEST, stores the claim and gives it to the adapter, which sets `listener`.
 * 2. The adapter calls `pull` whenever it wants (more) body, `respond`, `write` and `end` for the answer.
 * 3. It is over when the adapter has called `end`, when either side aborts, or with the channel.
 *
 * What an adapter writes within one turn of the event loop leaves in one write to the socket, with the end flag on the last frame where that is known.
 */
export class Exchange {
  readonly number: number;
  readonly request: RequestHead;
  /** The client asks to switch protocols: `openTunnel` may answer. */
  readonly upgrade: boolean;
  /** A hook is asked, not the application itself: `change`, `ask` and `result` are legal. */
  readonly hook: boolean;
  listener: ExchangeListener | undefined;
  readonly #carrier: Carrier;
  /** Changes to the request that the host is to hear of before anything else. */
  #changes: readonly Entry[] | undefined;
  /** Number of `ask`s without a reply. */
  #asking = 0;
  // The request's body.
  #body: BodyCredit;
  #pullsAll = false;
  // The response, staged until the next flush.
  #status = 0;
  #reason = "";
  #headers: readonly string[] = [];
  #staged: (Uint8Array | string)[] = [];
  #encodings: (BufferEncoding | undefined)[] = [];
  #stagedBytes = 0;
  #file: FileSource | undefined;
  #callback: WriteCallback | undefined;
  #flushPlanned = false;
  #headSent = false;
  /** The 101 is staged: what the tunnel writes in the same turn leaves with it. */
  #switching = false;
  #pullsBehindSwitch = false;
  #sentBytes = 0;
  #declaredBytes: number | undefined;
  #unsendable = false;
  #ended = false;
  #broken = false;
  #wantsDrain = false;

  constructor(carrier: Carrier, request: RequestHead, flags: number) {
    this.#carrier = carrier;
    this.upgrade = (flags & Flag.UPGRADE) !== 0;
    this.request = request;
    this.number = request.exchange;
    this.hook = request.phase !== Phase.HANDLER || request.facts[Fact.EXPORT] !== undefined;
    this.#body = new BodyCredit(request.bodyLength, flags !== 0);
  }

  /** Whether the request's body has come whole. */
  get bodyEnded(): boolean {
    return this.#body.ended;
  }

  /** Whether `respond` was called. */
  get responded(): boolean {
    return this.#status !== 0;
  }

  /** Whether nothing more can be sent: ended or broken off. */
  get over(): boolean {
    return this.#ended || this.#broken;
  }

  get ended(): boolean {
    return this.#ended;
  }

  /** Whether `openTunnel` was called. */
  get tunnel(): boolean {
    return this.#status === 101;
  }

  /** Bytes of the response that wait here or in the socket. */
  get unsentBytes(): number {
    return this.#stagedBytes + this.#carrier.unsentBytes;
  }

  /** Whether the socket has as much as it wants. */
  get saturated(): boolean {
    return this.#carrier.saturated;
  }

  /** Asks the host for body; call it again whenever chunks were used up. */
  pull(): void {
    if (this.#body.ended || this.over) return;
    // The host takes no PULL for a tunnel before its 101.
    if (this.#switching) this.#pullsBehindSwitch = true;
    else if (this.#encodePull()) this.#carrier.send(batch.take(), undefined);
  }

  /**
   * Asks the host for body when all that came was used up: a filter's credit is FILTER_CREDIT_BYTES whenever it waits, and what it wrote before goes
   * first, so that the host knows by the credit what has been filtered.
   */
  pullAll(): void {
    if (this.#body.ended || this.over) return;
    this.#pullsAll = true;
    this.#planFlush();
  }

  /** Sends an interim response (1xx) at once. @param headers names and values in turn */
  inform(status: number, reason: string, headers: readonly string[]): void {
    if (this.over || this.responded) return;
    batch.response(status, reason, headers);
    this.#carrier.send(batch.take(), undefined);
  }

  /**
   * Stages the response's head.
   *
   * @param headers names and values in turn, none of the connection
   * @param bodyLength what Content-Length says of a body that will be written; undefined when nothing does
   */
  respond(
    status: number,
    reason: string,
    headers: readonly string[],
    bodyLength?: number | undefined,
  ): void {
    if (this.over || this.responded) return;
    this.#declaredBytes = bodyLength;
    this.#status = status;
    this.#reason = reason;
    this.#headers = headers;
    this.#planFlush();
  }

  /**
   * Answers 101: from now on `write`, `end`, `pull` and the listener's chunks are the tunnel's.
   * @param headers names and values in turn; those of the connection are the tunnel's own
   */
  openTunnel(reason: string, headers: readonly string[]): void {
    if (this.over || this.responded || !this.upgrade) return;
    this.#status = 101;
    this.#headSent = true;
    this.#switching = true;
    this.#reason = reason;
    this.#headers = headers;
    this.#body.goOn();
    this.#planFlush();
  }

  /** Stages a chunk of the response's body. Returns false when the caller should wait for `drained`. */
  write(chunk: Uint8Array | string, encoding?: BufferEncoding, callback?: WriteCallback): boolean {
    if (this.over) {
      if (callback !== undefined) process.nextTick(callback, new Error("the exchange is over"));
      return false;
    }
    if (this.#file !== undefined) this.flush();
    if (chunk.length > 0 && !this.#unsendable) {
      this.#staged.push(chunk);
      this.#encodings.push(encoding);
      this.#stagedBytes += chunk.length;
    }
    if (callback !== undefined) this.#addCallback(callback);
    if (this.#stagedBytes >= STAGE_BYTES) this.flush();
    else this.#planFlush();
    if (!this.#carrier.saturated) return true;
    this.#wantsDrain = true;
    return false;
  }

  /**
   * Stages a file as a piece of the response's body, at most as long as Content-Length leaves room for. Its descriptor is closed when it was sent, or
   * is not sent at all.
   * @param hasBody false: a response without a body (HEAD, 204, 304) that would have had this one
   */
  sendFile(source: FileSource, hasBody: boolean): void {
    if (this.#file !== undefined || this.#staged.length > 0) this.flush();
    const left = (this.#declaredBytes ?? Number.POSITIVE_INFINITY) - this.#sentBytes;
    const length = Math.min(source.length, left);
    if (this.over || !hasBody || this.#unsendable || length <= 0) {
      closeSource(source);
      return;
    }
    this.#file = { ...source, length };
    this.#planFlush();
  }

  /** Ends the response and sends all that is staged. @param trailers names and values in turn */
  end(trailers?: readonly string[]): void {
    if (this.over) return;
    if (!this.responded) this.#status = 200;
    if (this.#file !== undefined && trailers !== undefined && trailers.length > 0) this.flush();
    this.#encode();
    const declared = this.#declaredBytes;
    if (declared !== undefined && declared !== this.#sentBytes) {
      this.#refuseLength();
      return;
    }
    if (trailers === undefined || trailers.length === 0) batch.markEnd(this.#sentBytes);
    else this.#encodeTrailers(trailers);
    this.#ended = true;
    this.#carrier.finish(this);
    this.#sendBatch();
    this.#carrier.settle();
  }

  /** A hook only: changes to the request, sent before the next question or the response. */
  change(entries: readonly Entry[]): void {
    this.#changes = this.#changes === undefined ? entries : [...this.#changes, ...entries];
  }

  /** A hook only: asks the host; the listener gets the replies in order. @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_TOO_LONG} */
  ask(ask: Ask): void {
    if (this.over || this.responded) return;
    this.#encodeOrDrop(() => {
      this.#encodeChanges();
      batch.ask(ask);
    });
    this.#asking += 1;
    this.#carrier.asked();
    this.#carrier.send(batch.take(), undefined);
  }

  /**
   * A hook only: ends the exchange with what the hook returned, and its changes.
   * @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_TOO_LONG}: then nothing was sent
   */
  result(result: Result): void {
    if (this.over || this.responded) return;
    this.#encodeOrDrop(() => {
      this.#encodeChanges();
      batch.result(result);
    });
    this.#ended = true;
    this.#carrier.finish(this);
    this.#sendBatch();
    this.#carrier.settle();
  }

  /** Takes back a head and body that were staged and not sent. Returns whether another answer can be given now. */
  retract(): boolean {
    if (this.over || this.#headSent) return false;
    this.#status = 0;
    this.#dropBody();
    return true;
  }

  /** Sends what is staged. */
  flush(): void {
    this.#flushPlanned = false;
    if (this.over) return;
    this.#encode();
    if (this.#declaredBytes !== undefined && this.#sentBytes > this.#declaredBytes) {
      this.#refuseLength();
      return;
    }
    if (this.#pullsAll) this.#encodePullAll();
    this.#sendBatch();
  }

  /** Breaks the exchange off; the client sees that its answer is not whole. */
  abort(error: WireError, text: string): void {
    if (this.over) return;
    this.flush();
    this.#broken = true;
    this.#carrier.breakOff(error, text);
  }

  /** A line for the error log of the virtual host that is served. */
  log(level: LogLevel, text: string): void {
    if (this.over || !this.#carrier.open) return;
    batch.log(level, text);
    this.#carrier.send(batch.take(), undefined);
  }

  /** Channel only: DATA has come. Returns the error of a body that must not be, or 0. */
  receive(chunk: Uint8Array): WireError | 0 {
    const error = this.#body.receive(chunk.length);
    if (error !== 0) return error;
    if (this.#body.receivedBytes > LARGE_BYTES) countLargeBody(chunk.length);
    if (this.listener !== undefined) currentExchange.run(this, deliverChunk, this.listener, chunk);
    return 0;
  }

  /** Channel only: REPLY has come. @param ended no body follows */
  receiveReply(reply: Reply, ended: boolean): WireError | 0 {
    if (this.#asking === 0) return WireError.OUT_OF_ORDER;
    this.#asking -= 1;
    if (!ended) this.#body = new BodyCredit(undefined, false);
    const { listener } = this;
    if (listener !== undefined) currentExchange.run(this, deliverReply, listener, reply, ended);
    return 0;
  }

  /** Channel only: the host has ended its direction. @param length the body's, of END; -1 by flag */
  receiveEnd(length: number, trailers: readonly string[]): WireError | 0 {
    const error = this.#body.end(length);
    if (error !== 0) return error;
    if (this.listener !== undefined) currentExchange.run(this, deliverEnd, this.listener, trailers);
    return 0;
  }

  /** Worker only: asks a tunnel to end in the way of the protocol that it carries. An ordinary exchange ends by itself. */
  leave(): void {
    if (this.over || this.listener === undefined) return;
    currentExchange.run(this, deliverLeave, this.listener);
  }

  /** Channel only: the socket has room again. */
  drained(): void {
    if (!this.#wantsDrain || this.over) return;
    this.#wantsDrain = false;
    if (this.listener !== undefined) currentExchange.run(this, deliverDrained, this.listener);
  }

  /** Channel only: the exchange was broken off from outside. */
  broken(error: WireError, text: string): void {
    if (this.over) return;
    this.#broken = true;
    this.#dropBody();
    if (this.#callback !== undefined) process.nextTick(this.#callback, new Error(text));
    const { listener } = this;
    if (listener !== undefined) currentExchange.run(this, deliverAborted, listener, error, text);
  }

  /** The body has another length than the head says: what is too long is not sent, and the client sees that what is short is not whole. */
  #refuseLength(): void {
    const declared = this.#declaredBytes ?? 0;
    if (this.#sentBytes > declared) batch.take();
    else this.#sendBatch();
    this.#broken = true;
    const text = `its Content-Length is ${declared}, its body has ${this.#sentBytes} bytes`;
    this.#carrier.breakOff(WireError.APPLICATION, text);
  }

  #planFlush(): void {
    if (this.#flushPlanned) return;
    this.#flushPlanned = true;
    if (staged.push(this) === 1) setImmediate(flushStaged);
  }

  /** Encodes frames into the batch, none of them when one cannot be. */
  #encodeOrDrop(encode: () => void): void {
    try {
      encode();
    } catch (error) {
      batch.take();
      throw error;
    }
  }

  #encodeChanges(): void {
    const changes = this.#changes;
    this.#changes = undefined;
    if (changes !== undefined) batch.fields(changes);
  }

  /** Returns false when the host may send enough as it is. */
  #encodePull(): boolean {
    const more = this.#body.grant();
    if (more === 0) return false;
    batch.pull(more);
    return true;
  }

  #encode(): void {
    if (this.#switching) this.#encodeSwitch();
    if (!this.#headSent && this.#status !== 0) this.#encodeHead();
    if (this.#staged.length > 0) this.#encodeChunks();
    if (this.#file === undefined) return;
    batch.file(this.#file);
    this.#sentBytes += this.#file.length;
  }

  #encodePullAll(): void {
    this.#pullsAll = false;
    const more = this.#body.grantFilter();
    if (more > 0) batch.pull(more);
  }

  #encodeSwitch(): void {
    this.#switching = false;
    batch.response(101, this.#reason, this.#headers);
    this.#carrier.switched();
    this.#headers = [];
    if (this.#pullsBehindSwitch) this.#encodePull();
  }

  #encodeChunks(): void {
    const chunks = this.#staged;
    for (let index = 0; index < chunks.length; index++) {
      this.#sentBytes += batch.data(chunks[index] as Uint8Array | string, this.#encodings[index]);
    }
    if (this.#sentBytes > LARGE_BYTES) countLargeBody(this.#stagedBytes);
    this.#staged = [];
    this.#encodings = [];
    this.#stagedBytes = 0;
  }

  /** A head that no frame can hold (256 KiB and more of headers, as a rule) is the application's error and answered as one. */
  #encodeHead(): void {
    this.#headSent = true;
    try {
      this.#encodeChanges();
      batch.response(this.#status, this.#reason, this.#headers);
    } catch (error) {
      batch.log(LogLevel.ERROR, `the response's head cannot be sent: ${(error as Error).message}`);
      batch.response(500, "", []);
      this.#unsendable = true;
      this.#declaredBytes = undefined;
      this.#dropBody();
    }
    this.#headers = [];
  }

  #dropBody(): void {
    this.#staged = [];
    this.#encodings = [];
    this.#stagedBytes = 0;
    if (this.#file !== undefined) closeSource(this.#file);
    this.#file = undefined;
  }

  #encodeTrailers(trailers: readonly string[]): void {
    try {
      batch.end(this.#sentBytes, trailers);
    } catch (error) {
      batch.log(LogLevel.ERROR, `the trailers cannot be sent: ${(error as Error).message}`);
      batch.end(this.#sentBytes, []);
    }
  }

  #sendBatch(): void {
    const parts = batch.take();
    const callback = this.#callback;
    this.#callback = undefined;
    const file = this.#file;
    this.#file = undefined;
    if (file !== undefined) {
      // A write has no callback while a file is staged.
      this.#carrier.sendFile(parts, file);
    } else if (parts.length > 0) this.#carrier.send(parts, callback);
    else if (callback !== undefined) process.nextTick(callback);
  }

  #addCallback(callback: WriteCallback): void {
    const before = this.#callback;
    this.#callback =
      before === undefined
        ? callback
        : (error) => {
            before(error);
            callback(error);
          };
  }
}
