// SPDX-License-Identifier: Apache-2.0
// http.ServerResponse to RESPONSE, DATA and END. Frameworks replace a response's prototype, so what is ours are own properties:
// `_storeHeader`, where node:http would make the head's text, and `_finish`, which it calls when all is written.
import type { Server, ServerResponse } from "node:http";
import { connectionHeaders } from "../channel/connection-headers.ts";
import { fail } from "../errors.ts";
import { http } from "../node-http.ts";
import type { ExchangeSocket } from "./exchange-socket.ts";
import { optionsOf } from "./server-options.ts";

/** The inside of a ServerResponse (lib/_http_outgoing.js), as far as it is used here. */
interface InnerResponse {
  _header: string | null;
  _headerSent: boolean;
  _hasBody: boolean;
  _contentLength: number | null;
  _removedContLen: boolean;
  _trailer: string;
  useChunkedEncodingByDefault: boolean;
  _closed: boolean;
  _storeHeader(firstLine: string, headers: unknown): void;
  _finish(): void;
  [symbol: symbol]: unknown;
}

type OutHeaders = Record<string, [string, unknown]>;

function symbolOf(object: object, description: string): symbol {
  const found = Object.getOwnPropertySymbols(object).find(
    (symbol) => symbol.description === description,
  );
  if (found === undefined) {
    throw fail("TENON_ERR_NODE_INTERNALS", { version: process.version, what: description });
  }
  return found;
}

const { OutgoingMessage, validateHeaderName, validateHeaderValue } = http;
const sample = new OutgoingMessage();
const outHeadersKey = symbolOf(sample, "kOutHeaders");
const needDrainKey = symbolOf(sample, "kNeedDrain");
const prototypeFinish = (http.ServerResponse.prototype as unknown as InnerResponse)._finish;

const oddList = "a list of headers must have names and values in turn";

/** An error as node:http throws it. */
function refusal(error: Error, code: string): Error {
  return Object.assign(error, { code });
}

/** Gathers names and values in turn, without those of the connection, and notes what node:http wants to know. */
class HeadLines {
  readonly lines: string[] = [];
  /** What Content-Length says. */
  bodyLength: number | undefined;
  /** Trailers are to come, for which the body must not have a length. */
  announcesTrailers = false;
  readonly #server: unknown;

  constructor(server: unknown) {
    this.#server = server;
  }

  add(name: string, value: unknown, validate: boolean): void {
    if (validate) validateHeaderName(name);
    if (Array.isArray(value) && this.#isUnique(name)) {
      this.#line(name, value.join("; "), validate);
    } else if (Array.isArray(value)) {
      // node:http joins the cookies of a request; a response has none.
      for (const one of value) this.#line(name, one, validate);
    } else {
      this.#line(name, value, validate);
    }
  }

  #isUnique(name: string): boolean {
    const { uniqueHeaders } = optionsOf(this.#server as Server | undefined);
    return uniqueHeaders?.has(name.toLowerCase()) ?? false;
  }

  #line(name: string, value: unknown, validate: boolean): void {
    if (validate) validateHeaderValue(name, value as string);
    const length = name.length;
    if (length === 7 || length === 10 || length === 14 || length === 16 || length === 17) {
      const lower = name.toLowerCase();
      if (lower === "content-length") this.bodyLength = Number(value);
      else if (lower === "trailer") this.announcesTrailers = true;
      else if (connectionHeaders.has(lower)) return;
    }
    this.lines.push(name, typeof value === "string" ? value : String(value));
  }
}

function addAll(head: HeadLines, response: InnerResponse, headers: unknown): void {
  if (headers === undefined || headers === null) return;
  if (headers === response[outHeadersKey]) {
    const out = headers as OutHeaders;
    for (const key in out) {
      const entry = out[key] as [string, unknown];
      head.add(entry[0], entry[1], false);
    }
  } else if (!Array.isArray(headers)) {
    for (const [name, value] of Object.entries(headers)) head.add(name, value, true);
  } else if (Array.isArray(headers[0])) {
    for (const [name, value] of headers) head.add(name, value, true);
  } else {
    if (headers.length % 2 !== 0) throw refusal(new TypeError(oddList), "ERR_INVALID_ARG_VALUE");
    for (let index = 0; index < headers.length; index += 2) {
      head.add(headers[index], headers[index + 1], true);
    }
  }
}

/** Finds the body's length, and refuses trailers where there are no chunks, as node:http does. */
function measure(response: InnerResponse, head: HeadLines): void {
  const gathered = response._contentLength;
  if (head.bodyLength !== undefined) {
    // What strictContentLength compares with.
    response._contentLength = head.bodyLength;
  } else if (response._hasBody && !head.announcesTrailers && !response._removedContLen) {
    if (typeof gathered === "number") {
      head.bodyLength = gathered;
      head.lines.push("Content-Length", String(gathered));
    }
  }
  if (!head.announcesTrailers) return;
  const chunked = response._hasBody && response.useChunkedEncodingByDefault;
  if (!chunked || head.bodyLength !== undefined) {
    const text = "Trailers are invalid with this transfer encoding";
    throw refusal(new Error(text), "ERR_HTTP_TRAILER_INVALID");
  }
}

/** In place of OutgoingMessage's: the head goes to the exchange, and what node:http writes from now on is body. */
function storeHeader(
  this: ServerResponse & InnerResponse,
  firstLine: string,
  headers: unknown,
): void {
  const { statusCode, statusMessage } = this;
  if (statusCode < 200 || statusCode > 599) {
    const text = `Invalid status code: ${statusCode} (200 to 599 can be sent)`;
    throw refusal(new RangeError(text), "ERR_HTTP_INVALID_STATUS_CODE");
  }
  const socket = socketOf(this);
  const head = new HeadLines(socket?.server);
  addAll(head, this, headers);
  measure(this, head);
  this._header = firstLine;
  this._headerSent = true;
  // Of other statuses the host may know another phrase, or none.
  const reason = statusCode === 200 && statusMessage === "OK" ? "" : statusMessage;
  const bodyLength = this._hasBody ? head.bodyLength : undefined;
  socket?.exchange.respond(statusCode, reason, head.lines, bodyLength);
}

/** In place of ServerResponse's: the application has ended its response and all of it was written. */
function finish(this: ServerResponse & InnerResponse): void {
  prototypeFinish.call(this);
  socketOf(this)?.finish(
    this._trailer === "" ? undefined : parseLines(this._trailer.split("\r\n")),
  );
}

function socketOf(response: ServerResponse): ExchangeSocket | null {
  return response.socket as unknown as ExchangeSocket | null;
}

function emitCloseLater(response: ServerResponse): void {
  emitClose(response);
}

/** What node:http does when a response has finished: let go of the socket and of a body that nobody reads. */
function onFinish(this: ServerResponse): void {
  const socket = socketOf(this);
  if (socket === null) return;
  (this as { socket: unknown }).socket = null;
  process.nextTick(emitCloseLater, this);
  socket.release();
}

/** Ties a new response to its exchange's socket. */
export function attachResponse(response: ServerResponse, socket: ExchangeSocket): void {
  const inner = response as ServerResponse & InnerResponse;
  inner._storeHeader = storeHeader;
  inner._finish = finish;
  socket._httpMessage = response;
  (response as { socket: unknown }).socket = socket;
  response.on("finish", onFinish);
}

/** Emits 'close' once, as node:http does. */
export function emitClose(response: ServerResponse): void {
  const inner = response as ServerResponse & InnerResponse;
  if (inner._closed) return;
  (inner as { destroyed: boolean }).destroyed = true;
  inner._closed = true;
  response.emit("close");
}

/** Emits 'drain' when a write() had said to wait. */
export function announceDrain(response: ServerResponse): void {
  const inner = response as ServerResponse & InnerResponse;
  if (response.writableEnded || inner[needDrainKey] !== true) return;
  inner[needDrainKey] = false;
  response.emit("drain");
}

function parseLines(lines: readonly string[]): string[] {
  const fields: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(": ");
    if (colon > 0) fields.push(line.slice(0, colon), line.slice(colon + 2));
  }
  return fields;
}

/** Reads the text that node:http makes of an interim response; undefined for what is none. */
export function parseInterim(
  text: string,
): { status: number; reason: string; headers: string[] } | undefined {
  const match = /^HTTP\/1\.1 (1\d\d) ([^\r]*)\r\n/.exec(text);
  if (match === null) return undefined;
  const headers = parseLines(text.split("\r\n").slice(1));
  return { status: Number(match[1]), reason: match[2] ?? "", headers };
}
