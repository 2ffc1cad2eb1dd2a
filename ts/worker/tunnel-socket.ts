// SPDX-License-Identifier: Apache-2.0
// The socket of a server's 'upgrade' event: the application writes its answer's head as text, then both sides speak another protocol.
// Made by messages.ts for a REQUEST with the flag UPGRADE.
import { Duplex } from "node:stream";
import { connectionHeaders } from "../channel/connection-headers.ts";
import type { Exchange, ExchangeListener } from "../channel/exchange.ts";
import { WireError } from "../wire/protocol.ts";
import { factsOf, type SocketFacts } from "./socket-facts.ts";
import { closeFrame, WebSocketFrames } from "./websocket-frames.ts";

/** Longest head that an application may write, bytes. */
const HEAD_BYTES = 65536;
const HEAD_END = "\r\n\r\n";
/** How long a client has for its answer to our close frame. */
const LEAVE_MS = 5000;
/** Close code "service restart" of IANA's registry: the client may connect again. */
const SERVICE_RESTART = 1012;

type Done = (error?: Error | null) => void;

interface Head {
  readonly status: number;
  readonly reason: string;
  readonly headers: string[];
}

/** Reads the head of a response as applications write it (RFC 9112, 2.1). Undefined when it is none. */
function parseHead(text: string): Head | undefined {
  const [first = "", ...lines] = text.split("\r\n");
  const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(first);
  if (match === null) return undefined;
  const headers: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(":");
    if (colon <= 0) return undefined;
    headers.push(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  return { status: Number(match[1]), reason: match[2] ?? "", headers };
}

function fieldOf(headers: readonly string[], name: string): string | undefined {
  const at = headers.findIndex((text, index) => index % 2 === 0 && text.toLowerCase() === name);
  return at < 0 ? undefined : headers[at + 1];
}

/** Drops the fields of a connection (RFC 9110, 7.6.1) from the head of an ordinary answer. */
function withoutConnection(headers: readonly string[]): string[] {
  return headers.filter((_, index) => {
    const name = headers[index - (index % 2)] ?? "";
    return !connectionHeaders.has(name.toLowerCase());
  });
}

/**
 * The socket of one upgrade.
 *
 * 1. The application writes a head: 101 opens the tunnel, any other status answers the request. 2. What follows is the tunnel's, or the body. 3. It ends
 * with both sides, or is destroyed by either. 4. `leave` asks for its end: where the protocol is WebSocket, a close frame goes out between two of the
 * application's; the client's answer then ends the socket as if the client had closed it.
 */
export class TunnelSocket extends Duplex implements ExchangeListener {
  readonly exchange: Exchange;
  server: unknown;
  timeout = 0;
  #head = "";
  #open = false;
  #ended = false;
  #waiting: Done | undefined;
  /** Bytes of an ordinary answer's body that are still to come. */
  #missing = Number.POSITIVE_INFINITY;
  #timer: NodeJS.Timeout | undefined;
  /** What the application has sent, when the protocol is WebSocket. */
  #frames: WebSocketFrames | undefined;
  #leaving = false;
  /** Our close frame is sent: what the application still writes would come behind it. */
  #left = false;
  #leaveTimer: NodeJS.Timeout | undefined;

  constructor(exchange: Exchange) {
    super({ allowHalfOpen: true });
    this.exchange = exchange;
    Object.assign(this, factsOf(exchange));
    exchange.listener = this;
  }

  override _read(): void {
    if (this.#open) this.exchange.pull();
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: Done): void {
    this.#timer?.refresh();
    if (this.exchange.responded) this.#send(chunk, done);
    else this.#gather(chunk, done);
  }

  override _final(done: Done): void {
    if (this.exchange.responded) this.exchange.end();
    else this.exchange.abort(WireError.APPLICATION, "no answer to an upgrade");
    // The host closes the client's connection: nothing more will come.
    if (!this.#ended) this.bodyEnd();
    done();
  }

  override _destroy(error: Error | null, done: Done): void {
    clearTimeout(this.#timer);
    clearTimeout(this.#leaveTimer);
    if (!this.exchange.over) {
      this.exchange.abort(
        WireError.APPLICATION,
        error?.message ?? "the application closed the connection",
      );
    }
    done(error);
  }

  bodyChunk(chunk: Uint8Array): void {
    this.#timer?.refresh();
    if (this.push(chunk)) this.exchange.pull();
  }

  bodyEnd(): void {
    this.#ended = true;
    this.push(null);
  }

  drained(): void {
    const done = this.#waiting;
    this.#waiting = undefined;
    done?.();
  }

  aborted(error: WireError, text: string): void {
    const reset = Object.assign(new Error(text), { code: "ECONNRESET" });
    this.destroy(error === WireError.CLIENT_GONE ? undefined : reset);
  }

  leave(): void {
    this.#leaving = true;
    this.#closeBetweenFrames();
  }

  address(): object {
    const { localAddress, localFamily, localPort } = this as unknown as SocketFacts;
    return { address: localAddress, family: localFamily, port: localPort };
  }

  setTimeout(timeoutMs: number, callback?: () => void): this {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.timeout = timeoutMs;
    if (callback !== undefined) this.once("timeout", callback);
    if (timeoutMs > 0) {
      this.#timer = setTimeout(() => this.emit("timeout"), timeoutMs);
      this.#timer.unref();
    }
    return this;
  }

  destroySoon(): void {
    this.end(() => this.destroy());
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

  /** An ordinary answer is over with its last byte: the application may keep the socket, as under keep-alive, or destroy it. */
  #endWhenWhole(): void {
    if (this.#missing <= 0) this.exchange.end();
  }

  #send(chunk: Buffer, done: Done): void {
    if (this.#left) {
      done();
      return;
    }
    this.#frames?.follow(chunk);
    const taken = this.exchange.write(chunk) || this.exchange.over;
    this.#missing -= chunk.length;
    this.#endWhenWhole();
    this.#closeBetweenFrames();
    if (taken) done();
    else this.#waiting = done;
  }

  /** Sends our close frame, as soon as it is asked for, possible, and not the application's to send any more. */
  #closeBetweenFrames(): void {
    const frames = this.#frames;
    if (!this.#leaving || this.#left || frames === undefined) return;
    if (!frames.between || frames.closed || this.exchange.over) return;
    this.#left = true;
    this.exchange.write(closeFrame(SERVICE_RESTART));
    this.#leaveTimer = setTimeout(() => this.#endUnanswered(), LEAVE_MS);
    this.#leaveTimer.unref();
  }

  #endUnanswered(): void {
    if (this.exchange.over) return;
    this.exchange.end();
    if (!this.#ended) this.bodyEnd();
  }

  #gather(chunk: Buffer, done: Done): void {
    this.#head += chunk.toString("latin1");
    const end = this.#head.indexOf(HEAD_END);
    if (end < 0 && this.#head.length <= HEAD_BYTES) {
      done();
      return;
    }
    const head = end < 0 ? undefined : parseHead(this.#head.slice(0, end));
    if (head === undefined) {
      done(new Error("the answer to an upgrade does not begin with the head of a response"));
      return;
    }
    this.#answer(head);
    const rest = Buffer.from(this.#head.slice(end + HEAD_END.length), "latin1");
    this.#head = "";
    if (rest.length > 0) this.#send(rest, done);
    else done();
  }

  #answer(head: Head): void {
    if (head.status === 101) {
      this.exchange.openTunnel(head.reason, head.headers);
      this.#open = true;
      if (fieldOf(head.headers, "upgrade")?.toLowerCase() === "websocket") {
        this.#frames = new WebSocketFrames();
        this.#closeBetweenFrames();
      }
      // What asked for data before the tunnel was there is answered now.
      this.exchange.pull();
      return;
    }
    const field = fieldOf(head.headers, "content-length");
    const length = field === undefined ? undefined : Number(field);
    this.exchange.respond(head.status, head.reason, withoutConnection(head.headers), length);
    this.#missing = length ?? Number.POSITIVE_INFINITY;
    this.#endWhenWhole();
  }
}
