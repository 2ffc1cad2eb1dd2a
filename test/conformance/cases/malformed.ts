// SPDX-License-Identifier: Apache-2.0
// Requests that are wrong or could be read in two ways (RFC 9112): what is refused never reaches the application, and nothing of it becomes
// another request.
import type { Ask, Behaviour } from "../case.ts";
import { bodyOf, note, rawHeadersOf } from "./helpers.ts";

/** A request that must be refused, by what is wrong. Its bytes end there. */
const refused: Readonly<Record<string, Ask>> = {
  "two lengths that differ": {
    method: "POST",
    headers: ["Content-Length: 5", "Content-Length: 6"],
    body: "hello!",
  },
  "a length that is no number": {
    method: "POST",
    headers: ["Content-Length: five"],
    body: "hello",
  },
  "a negative length": { method: "POST", headers: ["Content-Length: -5"], body: "hello" },
  "a length with a sign": { method: "POST", headers: ["Content-Length: +5"], body: "hello" },
  "a length in hex": { method: "POST", headers: ["Content-Length: 0x5"], body: "hello" },
  "an empty length": { method: "POST", headers: ["Content-Length:"], body: "hello" },
  "a length that is too large": {
    method: "POST",
    headers: ["Content-Length: 99999999999999999999"],
    body: "hello",
  },
  "a blank before the colon": { headers: ["X-One : 1"] },
  "a blank in a name": { headers: ["X One: 1"] },
  "an empty name": { headers: [": 1"] },
  "a line without a colon": { headers: ["nothing"] },
  "a NUL in a value": { headers: ["X-One: a\0b"] },
  "a carriage return in a value": { headers: ["X-One: a\rb"] },
  "an odd character in a name": { headers: ["X(One): 1"] },
  "chunked that is not the last coding": {
    method: "POST",
    headers: ["Transfer-Encoding: chunked, gzip"],
    body: "0\r\n\r\n",
  },
};

const refusing: Behaviour[] = Object.entries(refused).map(([what, ask]) => ({
  name: `malformed: ${what} is refused`,
  serve: note(() => ({ served: true })),
  ask,
  expect: ({ answers, seen }) => {
    const status = answers[0]?.status ?? 0;
    if (status !== 0 && status < 400) throw new Error(`served with ${status}`);
    if (seen !== undefined) throw new Error("reached the application");
  },
}));

const serveBody: Behaviour["serve"] = async (request, response, seen) => {
  seen("url", request.url);
  try {
    seen("body", await bodyOf(request));
  } catch (error) {
    seen("failed", error);
  }
  response.end("read");
};

/** Bodies whose framing breaks on the way: the application has been called by then. */
const broken: Readonly<Record<string, string>> = {
  "a size that is no number": "xyz\r\nhello\r\n0\r\n\r\n",
  "a negative size": "-5\r\nhello\r\n0\r\n\r\n",
  "a size that is too large": "fffffffffffffffff\r\nhello\r\n0\r\n\r\n",
  "a chunk that is longer than its size": "3\r\nhello\r\n0\r\n\r\n",
};

const breaking: Behaviour[] = Object.entries(broken).map(([what, body]) => ({
  name: `malformed: in a chunked body, ${what} never looks whole`,
  serve: serveBody,
  ask: async (client) => {
    await client.ask({ method: "POST", headers: ["Transfer-Encoding: chunked"], body });
  },
  expect: ({ answers, seen }) => {
    if (JSON.stringify(seen ?? []).includes('"body"')) throw new Error(JSON.stringify(seen));
    if (answers[0]?.status === 200 && answers[0].whole)
      throw new Error("answered as if nothing was");
  },
}));

const others: Behaviour[] = [
  {
    name: "malformed: a body with a length and chunks is never two requests",
    serve: serveBody,
    ask: async (client) => {
      const inner = "GET /smuggled HTTP/1.1\r\nHost: listener.test\r\n\r\n";
      client.send({
        method: "POST",
        target: "/outer",
        headers: ["Content-Length: 6", "Transfer-Encoding: chunked"],
        body: `0\r\n\r\n${inner}`,
      });
      await client.answer();
      await client.ended();
      client.note("smuggled", client.answers.length);
    },
    expect: ({ seen }) => {
      if (JSON.stringify(seen ?? []).includes("smuggled")) throw new Error("was smuggled");
    },
  },
  {
    name: "malformed: of two Host lines the first counts",
    serve: note((request) => ({ host: request.headers.host })),
    ask: { headers: ["Host: other.test"] },
    expect: { status: 200, seen: [["host", "listener.test"]] },
  },
  {
    name: "malformed: a request with a transfer coding that is not known is served",
    serve: note((request) => ({ coding: request.headers["transfer-encoding"] })),
    ask: { method: "POST", headers: ["Transfer-Encoding: rot13", "Connection: close"] },
    expect: { status: 200, seen: [["coding", "rot13"]] },
  },
  {
    name: "malformed: a server's 'clientError' may answer it",
    setup: "clientError",
    serve: note(() => ({ served: true })),
    ask: { headers: ["no field"] },
    expect: { status: 422 },
  },
  {
    name: "malformed: two equal lengths",
    serve: serveBody,
    ask: { method: "POST", headers: ["Content-Length: 5", "Content-Length: 5"], body: "hello" },
    expect: ({ seen }) => {
      if (JSON.stringify(seen ?? []).includes("smuggled")) throw new Error("was smuggled");
    },
  },
  {
    name: "malformed: a folded line",
    serve: note((request) => ({ raw: rawHeadersOf(request) })),
    ask: { headers: ["X-Folded: one", " two"] },
    expect: ({ answers, seen }) => {
      const text = JSON.stringify(seen ?? []);
      if (answers[0]?.status === 200 && !text.includes('["X-Folded","one two"]'))
        throw new Error(text);
    },
  },
  {
    name: "malformed: line feeds alone in place of ends of lines",
    serve: note((request) => ({ raw: rawHeadersOf(request) })),
    ask: async (client) => {
      client.send(
        client.text({ headers: ["X-One: 1", "Connection: close"] }).replaceAll("\r\n", "\n"),
      );
      await client.answer();
    },
    expect: ({ answers, seen }) => {
      const status = answers[0]?.status ?? 0;
      if (status === 200 && !JSON.stringify(seen).includes("X-One"))
        throw new Error("another request");
    },
  },
  {
    name: "malformed: an empty line before the request line is passed over",
    serve: note((request) => ({ url: request.url })),
    ask: async (client) => {
      client.send("\r\n");
      await client.ask({ target: "/behind" });
    },
    expect: { status: 200, seen: [["url", "/behind"]] },
  },
  {
    name: "malformed: two requests in one piece are answered in order",
    serve: (request, response) => {
      setTimeout(() => response.end(request.url), request.url === "/slow" ? 30 : 0);
    },
    ask: async (client) => {
      client.send(client.text({ target: "/slow" }) + client.text({ target: "/fast" }));
      await client.answer();
      await client.answer();
    },
    expect: ({ answers }) => {
      const bodies = answers.map(({ body }) => body).join();
      if (bodies !== "/slow,/fast") throw new Error(bodies);
    },
  },
  {
    name: "malformed: a head in pieces of one byte",
    serve: note((request) => ({ url: request.url })),
    ask: async (client) => {
      const text = client.text({ target: "/slowly" });
      for (const byte of text) {
        client.send(byte);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await client.answer();
    },
    expect: { status: 200, seen: [["url", "/slowly"]] },
  },
  {
    name: "malformed: bytes behind a body are the next request",
    serve: async (request, response) => {
      response.end(`${request.url} ${await bodyOf(request)}`);
    },
    ask: async (client) => {
      const first = { method: "POST", target: "/first", headers: ["Content-Length: 3"] } as const;
      client.send(`${client.text(first)}one${client.text({ target: "/second" })}`);
      await client.answer();
      await client.answer();
    },
    expect: ({ answers }) => {
      const bodies = answers.map(({ body }) => body).join();
      if (bodies !== "/first one,/second ") throw new Error(bodies);
    },
  },
];

export const malformed: readonly Behaviour[] = [...refusing, ...breaking, ...others];
