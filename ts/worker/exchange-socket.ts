// SPDX-License-Identifier: Apache-2.0
// What `req.socket` and `res.socket` are: node:http's own code writes to it and frameworks ask it for addresses. It binds nothing;
// behind it are the exchanges of a client's connection, one after the other. Made by connections.ts.
import type { X509Certificate } from "node:crypto";
import { EventEmitter } from "node:events";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Exchange, ExchangeListener, WriteCallback } from "../channel/exchange.ts";
import { numberOf } from "../facts.ts";
import type { Facts } from "../wire/fields.ts";
import { Fact, WireError } from "../wire/protocol.ts";
import { dropBody, finishBody, isRead } from "./request.ts";
import { announceDrain, emitClose, parseInterim } from "./response.ts";
import { familyOf } from "./socket-facts.ts";
import { authorizationErrorOf, certificateOf, cipherOf, isAuthorized } from "./tls-facts.ts";

/** node:http sets `corked` of a socket's state when a response ends. Nothing reads it: an exchange gathers a tick's writes by itself. */
const writableState = { corked: 0, needDrain: false, errored: null };

function reset(text: string): Error {
  return Object.assign(new Error(text), { code: "ECONNRESET" });
}

function emitSocketClose(socket: ExchangeSocket, error: Error | null): void {
  socket.announceClose(error);
}

function timedOut(socket: ExchangeSocket): void {
  socket.timedOut();
}

/**
 * The socket of a client's connection.
 *
 * 1. Made with the first exchange of the connection that comes to this worker. 2. Each further one `begin`s on it, when `idle`. 3. Destroyed behind the
 * last one, after an idle time (connections.ts), or when the host breaks an exchange off or the application destroys the socket, a request or a response.
 */
export class ExchangeSocket extends EventEmitter implements ExchangeListener {
  /** The present exchange, or the one before while there is none. */
  exchange: Exchange;
  request: IncomingMessage | undefined;
  /** No other exchange will begin on this socket. */
  last = false;
  /** Told when the socket is destroyed. */
  onDestroyed: ((socket: ExchangeSocket) => void) | undefined;
  // The names below are those node:http's code uses.
  _httpMessage: ServerResponse | null = null;
  _paused = false;
  readonly _writableState: object = writableState;
  readonly parser = null;
  readonly connecting = false;
  readonly pending = false;
  readonly readyState = "open";
  readonly readableHighWaterMark = 65536;
  readonly writableHighWaterMark = 65536;
  readonly writableCorked = 1;
  readonly allowHalfOpen = true;
  server: Server | undefined;
  readable = true;
  writable = true;
  destroyed = false;
  errored: Error | null = null;
  /** Keeps node:http from saying 'finish' of what was never sent. */
  _hadError = false;
  timeout = 0;
  #timer: NodeJS.Timeout | undefined;
  /** Trailers of a response that has ended while its request is still being read: END waits for that. */
  #held: readonly string[] | undefined;

  constructor(exchange: Exchange) {
    super();
    this.exchange = exchange;
  }

  /** Whether the next exchange may begin. */
  get idle(): boolean {
    return this.request === undefined && !this.destroyed && this.exchange.over;
  }

  get #facts(): Facts {
    return this.exchange.request.facts;
  }

  get remoteAddress(): string | undefined {
    return this.#facts[Fact.CLIENT_ADDRESS];
  }

  get remotePort(): number | undefined {
    return numberOf(this.#facts[Fact.CLIENT_PORT]);
  }

  get remoteFamily(): string | undefined {
    return familyOf(this.remoteAddress);
  }

  get localAddress(): string | undefined {
    return this.#facts[Fact.LOCAL_ADDRESS];
  }

  get localPort(): number | undefined {
    return numberOf(this.#facts[Fact.LOCAL_PORT]);
  }

  get localFamily(): string | undefined {
    return familyOf(this.localAddress);
  }

  get encrypted(): boolean {
    return this.#facts[Fact.SCHEME] === "https";
  }

  get servername(): string | undefined {
    return this.#facts[Fact.TLS_SERVER_NAME];
  }

  get writableLength(): number {
    return this.exchange.unsentBytes;
  }

  get writableNeedDrain(): boolean {
    return this.exchange.saturated;
  }

  /** Closed at once, though 'close' comes a tick later: as under node:http, a request that is destroyed closes before its response. */
  get closed(): boolean {
    return this.destroyed;
  }

  get writableEnded(): boolean {
    return !this.writable;
  }

  address(): object {
    return { address: this.localAddress, family: this.localFamily, port: this.localPort };
  }

  getProtocol(): string | null {
    return this.#facts[Fact.TLS_PROTOCOL] ?? null;
  }

  getCipher(): object {
    return cipherOf(this.#facts);
  }

  get authorized(): boolean {
    return isAuthorized(this.#facts);
  }

  get authorizationError(): string | null {
    return authorizationErrorOf(this.#facts);
  }

  getPeerX509Certificate(): X509Certificate | undefined {
    return certificateOf(this.#facts);
  }

  getPeerCertificate(): object {
    return certificateOf(this.#facts)?.toLegacyObject() ?? {};
  }

  /** node:http writes interim responses before the head, and the body behind it. */
  write(
    chunk: Uint8Array | string,
    encoding?: BufferEncoding | null | WriteCallback,
    callback?: WriteCallback | null,
  ): boolean {
    if (typeof encoding === "function") return this.write(chunk, undefined, encoding);
    if (this.destroyed) return false;
    this.#timer?.refresh();
    if (this.exchange.responded) {
      return this.exchange.write(chunk, encoding ?? undefined, callback ?? undefined);
    }
    const interim = typeof chunk === "string" ? parseInterim(chunk) : undefined;
    if (interim !== undefined) {
      this.exchange.inform(interim.status, interim.reason, interim.headers);
    }
    if (typeof callback === "function") process.nextTick(callback);
    return true;
  }

  cork(): void {}

  uncork(): void {}

  end(): this {
    return this.destroySoon();
  }

  destroySoon(): this {
    return this.destroy();
  }

  /** Breaks the exchange off, unless it is over. */
  destroy(error?: Error | null): this {
    if (this.destroyed) return this;
    if (this.#held !== undefined) this.exchange.end(this.#held);
    this.exchange.abort(WireError.DESTROYED, error?.message ?? "");
    this.#close(error ?? null);
    return this;
  }

  setTimeout(timeoutMs: number, callback?: () => void): this {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.timeout = timeoutMs;
    if (callback !== undefined) this.once("timeout", callback);
    if (timeoutMs > 0 && this.writable) {
      this.#timer = setTimeout(timedOut, timeoutMs, this);
      this.#timer.unref();
    }
    return this;
  }

  setNoDelay(): this {
    return this;
  }

  setKeepAlive(): this {
    return this;
  }

  ref(): this {
    return this;
  }

  unref(): this {
    return this;
  }

  pause(): this {
    return this;
  }

  /** The application wants (more) body. */
  resume(): this {
    this.exchange.pull();
    return this;
  }

  /** Takes the connection's next exchange. */
  begin(exchange: Exchange): void {
    this.exchange = exchange;
  }

  /** The response is whole. Who still reads the request's body gets all of it first, since nothing comes behind END. @param trailers names and values in turn */
  finish(trailers: readonly string[] | undefined): void {
    if (this.request !== undefined && isRead(this.request)) this.#held = trailers ?? [];
    else this.exchange.end(trailers);
  }

  /** The response is done with, and so is the exchange unless its request is still being read. */
  release(): void {
    this._httpMessage = null;
    if (this.#held !== undefined) return;
    const { request } = this;
    this.request = undefined;
    if (request !== undefined) dropBody(request);
    if (this.last) this.#close(null);
    else if (this.#timer !== undefined) this.setTimeout(0);
  }

  bodyChunk(chunk: Uint8Array): void {
    const request = this.request as IncomingMessage & { _dumped: boolean; _consuming: boolean };
    this.#timer?.refresh();
    // Body that came unasked does not mean that anyone reads.
    if (!request._dumped && request.push(chunk) && request._consuming) this.exchange.pull();
  }

  bodyEnd(trailers: readonly string[]): void {
    finishBody(this.request as IncomingMessage, trailers);
    if (this.#held === undefined) return;
    this.exchange.end(this.#held);
    this.#held = undefined;
    this.release();
  }

  drained(): void {
    const response = this._httpMessage;
    if (response !== null) announceDrain(response);
    this.emit("drain");
  }

  aborted(error: WireError, text: string): void {
    if (this.destroyed) return;
    this.#close(error === WireError.CLIENT_GONE ? null : reset(text));
  }

  /**
   * node:http's order when a connection breaks: request, response, socket. A request that the application has destroyed waits for
   * its socket, and the response for the request.
   */
  announceClose(error: Error | null): void {
    const { request } = this;
    const response = this._httpMessage;
    const waits = request?.destroyed && !request.closed;
    if (request !== undefined && !request.destroyed) request.destroy(reset("aborted"));
    if (response !== null && !waits) emitClose(response);
    if (response !== null && waits) request.once("close", () => emitClose(response));
    if (error !== null && this.listenerCount("error") > 0) this.emit("error", error);
    this.emit("close", error !== null);
  }

  timedOut(): void {
    const { request, server } = this;
    const heard = [
      request !== undefined && !request.complete && request.emit("timeout", this),
      this._httpMessage?.emit("timeout", this) ?? false,
      server?.emit("timeout", this) ?? false,
    ];
    if (!heard.includes(true)) this.destroy();
    this.emit("timeout");
  }

  #close(error: Error | null): void {
    this.destroyed = true;
    this.readable = false;
    this.writable = false;
    this.errored = error;
    this._hadError = this._httpMessage !== null;
    this.setTimeout(0);
    this.onDestroyed?.(this);
    // As a handle of the system closes: behind what the error or the end of others still calls.
    setImmediate(emitSocketClose, this, error);
  }
}
