// SPDX-License-Identifier: Apache-2.0
// A (request, response) listener for tests. The last part of the path says what it does.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Socket } from "node:net";

type Route = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void;

/** What became of the requests of `observe`, by key. */
const observed = new Map<string, string[]>();
const waiting = new Map<string, (() => void)[]>();

function note(key: string, event: string): void {
  observed.set(key, [...(observed.get(key) ?? []), event]);
  const wakes = waiting.get(key) ?? [];
  waiting.delete(key);
  for (const wake of wakes) wake();
}

function count(query: URLSearchParams, name: string, otherwise: number): number {
  return Number(query.get(name) ?? otherwise);
}

/** Writes n bytes as fast as the other end takes them. */
function sendBytes(response: ServerResponse, total: number): void {
  const chunk = Buffer.alloc(65536, "x");
  let left = total;
  const send = (): void => {
    while (left > 0) {
      const size = Math.min(left, chunk.length);
      left -= size;
      if (!response.write(chunk.subarray(0, size))) {
        response.once("drain", send);
        return;
      }
    }
    response.end();
  };
  send();
}

/** Numbers of sockets, requests that came on each, and the numbers of those that were closed. */
const numbers = new WeakMap<Socket, number>();
const requestsOf = new WeakMap<Socket, number>();
const closed: number[] = [];
let sockets = 0;

const routes: Readonly<Record<string, Route>> = {
  /** What the worker and the request look like from inside. */
  facts(request, response) {
    const facts = {
      method: request.method,
      url: request.url,
      httpVersion: request.httpVersion,
      headers: request.headers,
      rawHeaders: request.rawHeaders,
      remoteAddress: request.socket.remoteAddress,
      remotePort: request.socket.remotePort,
      localAddress: request.socket.localAddress,
      localPort: request.socket.localPort,
      encrypted: "encrypted" in request.socket && request.socket.encrypted,
      pid: process.pid,
      uid: process.getuid?.(),
      euid: process.geteuid?.(),
      gid: process.getgid?.(),
      groups: process.getgroups?.(),
      umask: process.umask(),
      cwd: process.cwd(),
      argv: process.argv,
      env: process.env,
    };
    response.setHeader("Content-Type", "application/json");
    response.end(JSON.stringify(facts));
  },

  /** Which socket it is. */
  socket({ socket }, response) {
    let number = numbers.get(socket);
    if (number === undefined) {
      number = ++sockets;
      const own = number;
      numbers.set(socket, number);
      socket.once("close", () => closed.push(own));
    }
    const requests = (requestsOf.get(socket) ?? 0) + 1;
    requestsOf.set(socket, requests);
    response.end(JSON.stringify({ socket: number, requests, closed }));
  },

  destroy({ socket }) {
    socket.destroy();
  },

  /** Sends the body back while it comes. */
  echo(request, response) {
    request.pipe(response);
  },

  /** Counts the body's bytes. */
  sink(request, response) {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on("end", () => {
      response.end(
        JSON.stringify({ bytes, trailers: request.trailers, rss: process.memoryUsage.rss() }),
      );
    });
  },

  bytes(_request, response, query) {
    const total = count(query, "n", 1000);
    if (query.get("length") !== "no") response.setHeader("Content-Length", String(total));
    sendBytes(response, total);
  },

  /** Server-sent events, one a time. */
  sse(_request, response, query) {
    const total = count(query, "n", 3);
    response.writeHead(200, { "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
    let sent = 0;
    const timer = setInterval(
      () => {
        sent += 1;
        response.write(`data: ${sent}\n\n`);
        if (sent < total) return;
        clearInterval(timer);
        response.end();
      },
      count(query, "ms", 5),
    );
    response.on("close", () => clearInterval(timer));
  },

  /** Keeps the event loop from turning, and answers then. */
  spin(_request, response, query) {
    const end = performance.now() + count(query, "ms", 1000);
    while (performance.now() < end);
    response.end("spun\n");
  },

  /** Never answers; notes what it sees of its client's going. */
  observe(request, response, query) {
    const key = query.get("key") ?? "";
    note(key, "begun");
    if (query.get("head") === "yes") response.write("begun\n");
    request.on("aborted", () => note(key, "aborted"));
    request.on("close", () => note(key, "request close"));
    response.on("close", () => {
      process.stderr.write(`observed close of ${key}\n`);
      note(key, "close");
    });
  },

  /** Answers once a request of `observe` was closed: what it saw, in order. */
  observed(_request, response, query) {
    const key = query.get("key") ?? "";
    const last = query.get("until") ?? "close";
    const answer = (): void => {
      const events = observed.get(key) ?? [];
      if (events.includes(last)) response.end(JSON.stringify(events));
      else waiting.set(key, [...(waiting.get(key) ?? []), answer]);
    };
    answer();
  },

  /** Answers at once and reads no body. */
  early(_request, response) {
    response.statusCode = 413;
    response.end("too much\n");
  },

  status(_request, response, query) {
    response.statusCode = count(query, "code", 200);
    response.end("a body\n");
  },

  /** Sets headers of every kind. */
  headers(_request, response) {
    response.setHeader("Set-Cookie", ["a=1", "b=2"]);
    response.setHeader("Connection", "close");
    response.setHeader("Keep-Alive", "timeout=5");
    response.setHeader("Transfer-Encoding", "chunked");
    response.setHeader("X-Text", "caf\u00e9");
    response.writeHead(201, "Made", { "X-Late": "yes" });
    response.end("made\n");
  },

  trailers(_request, response) {
    response.setHeader("Trailer", "X-Sum");
    response.write("body");
    response.addTrailers({ "X-Sum": "4" });
    response.end();
  },

  hints(_request, response) {
    response.writeContinue();
    response.writeEarlyHints({ link: "</style.css>; rel=preload; as=style" });
    response.writeProcessing();
    response.end("hinted\n");
  },

  /** The order of events of a request and its response. */
  events(request, response) {
    const seen: string[] = [];
    request.on("end", () => seen.push("request end"));
    request.on("close", () => seen.push("request close"));
    response.on("prefinish", () => seen.push("prefinish"));
    response.on("finish", () => seen.push(`finish ${response.writableFinished}`));
    response.on("close", () => {
      seen.push("close");
      process.stdout.write(`events: ${seen.join(", ")}\n`);
    });
    request.resume();
    response.end("events\n", () => seen.push("callback"));
  },
};

export default function listener(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://localhost");
  const route = routes[url.pathname.split("/").at(-1) ?? ""];
  if (route !== undefined) {
    route(request, response, url.searchParams);
    return;
  }
  response.statusCode = 404;
  response.end("no such test\n");
}
