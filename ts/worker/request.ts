// SPDX-License-Identifier: Apache-2.0
// RequestHead to http.IncomingMessage. node:http's own lazy code makes `headers` of `rawHeaders`; nothing is overridden.
import type { IncomingMessage } from "node:http";
import type { RequestHead } from "../wire/message.ts";
import { Fact } from "../wire/protocol.ts";

/** The fields and functions that node:http's parser uses and its types do not name. */
interface ParsedMessage {
  _addHeaderLines(lines: readonly string[], count: number): void;
  upgrade: boolean;
  joinDuplicateHeaders: boolean;
}

/** HTTP/0.9 has no version at all; its answer has neither head nor chunks. */
const oldVersions: ReadonlySet<string> = new Set(["HTTP/1.0", "HTTP/0.9"]);

/** Fills a new message as node:http's parser does. */
export function fillRequest(
  request: IncomingMessage,
  head: RequestHead,
  joinDuplicateHeaders: boolean,
): void {
  const parsed = request as unknown as ParsedMessage;
  const { facts, rawHeaders: headers } = head;
  request.method = facts[Fact.METHOD] ?? "GET";
  request.url = facts[Fact.TARGET] ?? "/";
  const minor = oldVersions.has(facts[Fact.PROTOCOL] ?? "") ? 0 : 1;
  request.httpVersionMajor = 1;
  request.httpVersionMinor = minor;
  request.httpVersion = minor === 0 ? "1.0" : "1.1";
  parsed.upgrade = false;
  parsed.joinDuplicateHeaders = joinDuplicateHeaders;
  parsed._addHeaderLines(headers, headers.length);
}

/** Names HTTP/2, which a ServerResponse would take for a protocol without chunks: to be called once that is made. */
export function showVersion(request: IncomingMessage, head: RequestHead): void {
  if (head.facts[Fact.PROTOCOL] !== "HTTP/2.0") return;
  request.httpVersionMajor = 2;
  request.httpVersionMinor = 0;
  request.httpVersion = "2.0";
}

/** The body is whole: `complete`, trailers, then the stream's end, in node:http's order. */
export function finishBody(request: IncomingMessage, trailers: readonly string[]): void {
  request.complete = true;
  if (trailers.length > 0) {
    (request as unknown as ParsedMessage)._addHeaderLines(trailers, trailers.length);
  }
  request.push(null);
}

/** The inside of an IncomingMessage (lib/_http_incoming.js) and of its stream, as far as it is used here. */
type InnerRequest = IncomingMessage & {
  readonly _consuming: boolean;
  readonly _readableState: {
    readonly flowing: boolean | null;
    readonly readableListening: boolean;
    readonly resumeScheduled: boolean;
    readonly pipes: readonly unknown[];
  };
  _dump(): void;
};

/** Whether somebody still reads the body: by 'data', 'readable', iteration or pipe, and not paused for good. */
export function isRead(request: IncomingMessage): boolean {
  if (request.complete || request.destroyed) return false;
  const { _readableState: state } = request as InnerRequest;
  if (state.readableListening || state.pipes.length > 0) return true;
  return state.flowing === true && request.listenerCount("data") > 0;
}

/** The response is whole: a body that nobody reads ends, as under node:http. One that was left half read is broken off: it must not look whole. */
export function dropBody(request: IncomingMessage): void {
  const { _consuming, _readableState: state } = request as InnerRequest;
  if (!request.complete && _consuming && state.flowing === false) {
    request.destroy();
    return;
  }
  if (!_consuming && !state.resumeScheduled) (request as InnerRequest)._dump();
  if (!request.complete) finishBody(request, []);
}
