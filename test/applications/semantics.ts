// SPDX-License-Identifier: Apache-2.0
// A server that uses what is seldom used of HTTP. The last part of the path says what.
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

type Route = (
  request: IncomingMessage,
  response: ServerResponse,
  query: URLSearchParams,
) => unknown;

function sendJson(response: ServerResponse, value: unknown): void {
  response.setHeader("Content-Type", "application/json").end(JSON.stringify(value));
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = "";
  for await (const piece of request.setEncoding("latin1")) text += String(piece);
  return text;
}

/** Answers of /interim that wait until /release is asked for. */
const waiting: (() => void)[] = [];

const routes: Readonly<Record<string, Route>> = {
  headers: ({ headers, rawHeaders }, response) => sendJson(response, { headers, rawHeaders }),

  trailers: async (request, response) => {
    const body = await readAll(request);
    const { trailers, rawTrailers } = request;
    sendJson(response, { body, trailers, rawTrailers });
  },

  /** Interim answers; the final one when /release is asked for. */
  interim(_request, response, query) {
    response.writeProcessing();
    const size = Number(query.get("size") ?? 0);
    const more = size > 0 ? { "x-long": "x".repeat(size) } : {};
    response.writeEarlyHints({
      link: ["</a.css>; rel=preload; as=style", "</b.js>; rel=preload; as=script"],
      "x-hint": "yes",
      ...more,
    });
    waiting.push(() => response.setHeader("X-Final", "yes").end("final"));
  },

  release(_request, response) {
    for (const answer of waiting.splice(0)) answer();
    response.end();
  },

  /** Trailers of a response, of one chunk or several, announced or not. */
  sum(_request, response, query) {
    if (query.has("announced")) response.setHeader("Trailer", "X-Sum");
    if (query.has("length")) response.setHeader("Content-Length", "4");
    if (query.has("body")) response.write("body");
    response.addTrailers({ "X-Sum": "4", "X-Text": "caf\u00e9", "Content-Length": "99" });
    response.end();
  },

  /** A head as the query says it: names and values in turn in `head`. */
  head(_request, response, query) {
    const head = JSON.parse(query.get("head") ?? "[]") as string[];
    const status = Number(query.get("status") ?? 200);
    const reason = query.get("reason");
    if (reason === null) response.writeHead(status, head);
    else response.writeHead(status, reason, head);
    response.end(query.get("body") ?? "");
  },
};

function serve(request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? "/", "http://semantics");
  const route = routes[url.pathname.split("/").at(-1) ?? ""];
  if (route === undefined) response.writeHead(404).end();
  else route(request, response, url.searchParams);
}

const server = createServer(serve);
server.on("checkContinue", async (request, response) => {
  if (request.url?.endsWith("/refused") === true) {
    response.writeHead(403).end("refused");
    return;
  }
  if (request.url?.endsWith("/written") === true) response.writeContinue();
  response.end(`checked ${await readAll(request)}`);
});
server.on("checkExpectation", (request, response) => {
  response.end(`expected ${request.headers.expect}`);
});
server.listen(0);
