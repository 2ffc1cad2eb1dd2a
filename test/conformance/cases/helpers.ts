// SPDX-License-Identifier: Apache-2.0
// What many cases do.
import type { IncomingMessage } from "node:http";
import { CASE_HEADER, type Seen, type Serve } from "../case.ts";

/** Notes values of a request and answers with nothing. */
export function note(values: (request: IncomingMessage) => Record<string, unknown>): Serve {
  return (request, response, seen) => {
    for (const [name, value] of Object.entries(values(request))) seen(name, value);
    response.end();
  };
}

/** rawHeaders without what the client adds to every request of a case: Host and the case's own field. */
export function rawHeadersOf(request: IncomingMessage): string[] {
  const kept: string[] = [];
  for (let at = 0; at < request.rawHeaders.length; at += 2) {
    const name = request.rawHeaders[at] ?? "";
    if (name.toLowerCase() === "host" || name === CASE_HEADER) continue;
    kept.push(name, request.rawHeaders[at + 1] ?? "");
  }
  return kept;
}

/** Notes these events of an emitter as they come. @param prefix before each name */
export function watch(
  emitter: NodeJS.EventEmitter,
  events: readonly string[],
  seen: Seen,
  prefix = "",
): void {
  for (const event of events) {
    emitter.on(event, (value?: unknown) => {
      if (event === "error") seen(`${prefix}error`, value);
      else seen(`${prefix}${event}`);
    });
  }
}

/** Reads a body whole, latin-1. */
export async function bodyOf(request: AsyncIterable<Uint8Array>): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of request) pieces.push(piece);
  return Buffer.concat(pieces).toString("latin1");
}

/** Waits for the next turn of the event loop. */
export function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
