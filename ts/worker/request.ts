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
  // An application of node:http expects 1.x: what HTTP/2 adds is the host's business.
  const minor = facts[Fact.PROTOCOL] === "HTTP/1.0" ? 0 : 1;
  request.httpVersionMajor = 1;
  request.httpVersionMinor = minor;
  request.httpVersion = minor === 0 ? "1.0" : "1.1";
  parsed.upgrade = false;
  parsed.joinDuplicateHeaders = joinDuplicateHeaders;
  parsed._addHeaderLines(headers, headers.length);
}

/** The body is whole: `complete`, trailers, then the stream's end, in node:http's order. */
export function finishBody(request: IncomingMessage, trailers: readonly string[]): void {
  request.complete = true;
  if (trailers.length > 0) {
    (request as unknown as ParsedMessage)._addHeaderLines(trailers, trailers.length);
  }
  request.push(null);
}
