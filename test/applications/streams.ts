// SPDX-License-Identifier: Apache-2.0
// A server for streams: slow, endless and broken ones, and a book of what became of them.
import { EventEmitter, once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

type Route = (
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
) => unknown;

/** Events of requests, by key. */
const book = new Map<string, string[]>();
const noted = new EventEmitter().setMaxListeners(0);

function follow(key: string, request: IncomingMessage, response: ServerResponse): void {
  const events: string[] = [];
  book.set(key, events);
  const note = (event: string): void => {
    events.push(event);
    noted.emit("note");
  };
  note("begun");
  request.on("aborted", () => note("request aborted"));
  request.on("error", ({ message }) => note(`request error ${message}`));
  request.on("end", () => note("request end"));
  request.on("close", () => note(`request close ${request.destroyed}`));
  response.on("error", ({ message }) => note(`response error ${message}`));
  response.on("finish", () => note("response finish"));
  response.on("close", () => note(`response close ${response.writableFinished}`));
  request.socket.on("close", () => note("socket close"));
}

const routes: Readonly<Record<string, Route>> = {
  echo: (request, response) => request.pipe(response),

  /** Never answers; with `head` it begins to. */
  wait(request, response, query) {
    if (query.has("body")) request.resume();
    if (query.has("head")) response.write("begun");
  },

  /** Begins an answer, then destroys what `what` says, with an error or not. */
  destroy(request, response, query) {
    const error = query.has("error") ? new Error("on purpose") : undefined;
    const act = (): void => {
      if (query.get("what") === "request") request.destroy(error);
      else if (query.get("what") === "socket") request.socket.destroy(error);
      else response.destroy(error);
    };
    if (!query.has("head")) act();
    else response.write("begun", () => setImmediate(act));
  },

  /** Writes for ever, as fast as the client takes it. Tells how far it came when it is over. */
  async flood(_request, response) {
    const piece = Buffer.alloc(65536, "f");
    response.on("close", () => noted.emit("note"));
    while (!response.destroyed) {
      flooded += piece.length;
      if (!response.write(piece)) await Promise.race([once(response, "drain"), closed(response)]);
    }
  },

  flooded: (_request, response) => response.end(String(flooded)),

  /** Tells what became of a request once `until` has happened. */
  async book(_request, response, query) {
    const events = (): string[] => book.get(query.get("of") ?? "") ?? [];
    while (!events().includes(query.get("until") ?? "")) await once(noted, "note");
    response.end(JSON.stringify(events()));
  },
};

let flooded = 0;

async function closed(response: ServerResponse): Promise<void> {
  if (!response.closed) await once(response, "close");
}

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", "http://streams");
  const key = url.searchParams.get("key");
  if (key !== null) follow(key, request, response);
  routes[url.pathname.split("/").at(-1) ?? ""]?.(request, response, url.searchParams);
});

/** Without a host the application serves by itself, and tells its parent where. */
server.listen(0, "127.0.0.1", () => {
  const address = server.address();
  if (process.send !== undefined && typeof address === "object") process.send(address?.port);
});
