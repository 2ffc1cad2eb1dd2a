// SPDX-License-Identifier: Apache-2.0
// Reading a request's body in all ways of a stream; trailers, complete.
import { once } from "node:events";
import type { IncomingMessage } from "node:http";
import { PassThrough } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Behaviour } from "../case.ts";
import { bodyOf, watch } from "./helpers.ts";

const post = { method: "POST", body: "hello body" } as const;
const chunked = {
  method: "POST",
  headers: ["Transfer-Encoding: chunked"],
  body: "5\r\nhello\r\n5\r\n body\r\n0\r\n\r\n",
} as const;
const large = "0123456789abcdef".repeat(16_384);

/** The ways to read a body, each giving its text. */
const ways: Readonly<Record<string, (request: IncomingMessage) => Promise<string>>> = {
  "async iteration": bodyOf,
  "'data' and 'end'": async (request) => {
    let text = "";
    request.on("data", (piece: Buffer) => {
      text += piece.toString("latin1");
    });
    await once(request, "end");
    return text;
  },
  "'readable' and read()": async (request) => {
    let text = "";
    request.on("readable", () => {
      for (let piece = request.read(); piece !== null; piece = request.read()) {
        text += piece.toString("latin1");
      }
    });
    await once(request, "end");
    return text;
  },
  "setEncoding()": async (request) => {
    let text = "";
    request.setEncoding("utf8").on("data", (piece: string) => {
      text += piece;
    });
    await once(request, "end");
    return text;
  },
  "toArray()": async (request) => Buffer.concat(await request.toArray()).toString("latin1"),
  "pipe()": (request) => bodyOf(request.pipe(new PassThrough())),
  "pipeline()": async (request) => {
    const to = new PassThrough();
    const text = bodyOf(to);
    await pipeline(request, to);
    return text;
  },
  "pause() and resume()": async (request) => {
    let text = "";
    request.on("data", (piece: Buffer) => {
      text += piece.toString("latin1");
      request.pause();
      setImmediate(() => request.resume());
    });
    await once(request, "end");
    return text;
  },
  "a listener that comes late": async (request) => {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return bodyOf(request);
  },
};

function reading(what: string, ask: object, text: string): Behaviour[] {
  return Object.entries(ways).map(([way, read]) => ({
    name: `body: ${what} is read by ${way}`,
    serve: async (request, response, seen) => {
      const got = await read(request);
      seen("body", got.length > 100 ? got === text : got);
      seen("complete", request.complete);
      response.end();
    },
    ask: ask as Behaviour["ask"],
    expect: {
      status: 200,
      seen: [
        ["body", text.length > 100 ? true : text],
        ["complete", true],
      ],
    },
  }));
}

const events: Behaviour[] = [
  {
    name: "body: of a GET it is empty and ends",
    serve: async (request, response, seen) => {
      watch(request, ["data", "end", "close"], seen);
      request.resume();
      await once(request, "end");
      response.end();
    },
    ask: {},
    expect: { seen: ["end", "close"] },
  },
  {
    name: "body: complete is false before the end",
    serve: async (request, response, seen) => {
      seen("complete", request.complete);
      request.once("data", () => seen("data", request.complete));
      await once(request, "end");
      seen("end", request.complete);
      response.end();
    },
    ask: async (client) => {
      client.send({ method: "POST", headers: ["Content-Length: 6"], body: "one" });
      await client.saw("data");
      client.send("two");
      await client.answer();
    },
    expect: {
      status: 200,
      seen: [
        ["complete", false],
        ["data", false],
        ["end", true],
      ],
    },
  },
  {
    name: "body: pieces arrive as they are sent",
    serve: async (request, response, seen) => {
      for await (const piece of request) seen("piece", piece);
      response.end();
    },
    ask: async (client) => {
      client.send({ method: "POST", headers: ["Transfer-Encoding: chunked"] });
      for (const [at, piece] of ["one", "two", "six"].entries()) {
        client.send(`3\r\n${piece}\r\n`);
        await client.saw("piece", at + 1);
      }
      client.send("0\r\n\r\n");
      await client.answer();
    },
    expect: {
      status: 200,
      seen: [
        ["piece", "one"],
        ["piece", "two"],
        ["piece", "six"],
      ],
    },
  },
  {
    name: "body: setEncoding() holds a character back that is cut",
    serve: async (request, response, seen) => {
      request.setEncoding("utf8");
      for await (const piece of request) seen("piece", piece);
      response.end();
    },
    ask: async (client) => {
      client.send({ method: "POST", headers: ["Content-Length: 4"], body: "a\u00c3" });
      await client.saw("piece");
      client.send("\u00a9b");
      await client.answer();
    },
    expect: {
      seen: [
        ["piece", "a"],
        ["piece", "éb"],
      ],
    },
  },
  {
    name: "body: one that nobody reads does not keep the answer",
    serve: (_, response) => {
      response.end("unread");
    },
    ask: post,
    expect: { status: 200, body: "unread" },
  },
  {
    name: "body: one that nobody reads does not spoil the next request",
    serve: (request, response, seen) => {
      seen("url", request.url);
      response.end();
    },
    ask: async (client) => {
      await client.ask({ ...post, target: "/first" });
      await client.ask({ target: "/second" });
    },
    expect: {
      seen: [
        ["url", "/first"],
        ["url", "/second"],
      ],
    },
  },
  {
    name: "body: Content-Length 0 is an empty body",
    serve: async (request, response, seen) => {
      seen("body", await bodyOf(request));
      seen("length", request.headers["content-length"]);
      response.end();
    },
    ask: { method: "POST", headers: ["Content-Length: 0"] },
    expect: {
      seen: [
        ["body", ""],
        ["length", "0"],
      ],
    },
  },
  {
    name: "body: an empty chunked body ends",
    serve: async (request, response, seen) => {
      seen("body", await bodyOf(request));
      seen("encoding", request.headers["transfer-encoding"]);
      response.end();
    },
    ask: { method: "POST", headers: ["Transfer-Encoding: chunked"], body: "0\r\n\r\n" },
    expect: {
      seen: [
        ["body", ""],
        ["encoding", "chunked"],
      ],
    },
  },
  {
    name: "body: chunk extensions are not a part of it",
    serve: async (request, response, seen) => {
      seen("body", await bodyOf(request));
      response.end();
    },
    ask: { ...chunked, body: '5;a=b;c="d"\r\nhello\r\n0\r\n\r\n' },
    expect: { status: 200, seen: [["body", "hello"]] },
  },
  {
    name: "body: sizes of chunks may have zeros before them and letters of either case",
    serve: async (request, response, seen) => {
      seen("body", await bodyOf(request));
      response.end();
    },
    ask: { ...chunked, body: "00A\r\n0123456789\r\n0b\r\n0123456789a\r\n0\r\n\r\n" },
    expect: { status: 200, seen: [["body", "01234567890123456789a"]] },
  },
  {
    name: "body: trailers are there at the end",
    serve: async (request, response, seen) => {
      seen("before", Object.keys(request.trailers).length);
      seen("body", await bodyOf(request));
      seen("trailers", request.trailers);
      seen("raw", request.rawTrailers);
      seen("distinct", request.trailersDistinct);
      response.end();
    },
    ask: {
      ...chunked,
      headers: ["Transfer-Encoding: chunked", "Trailer: X-Sum"],
      body: "5\r\nhello\r\n0\r\nX-Sum: 42\r\n\r\n",
    },
    expect: {
      status: 200,
      seen: [
        ["before", 0],
        ["body", "hello"],
        ["trailers", { "x-sum": "42" }],
        ["raw", ["X-Sum", "42"]],
        ["distinct", { "x-sum": ["42"] }],
      ],
    },
  },
  {
    name: "body: trailers are no headers",
    serve: async (request, response, seen) => {
      await bodyOf(request);
      seen("header", request.headers["x-sum"]);
      response.end();
    },
    ask: { ...chunked, body: "0\r\nX-Sum: 42\r\n\r\n" },
    expect: { status: 200, seen: [["header", "(undefined)"]] },
  },
  {
    name: "body: the order is data, end, close",
    serve: async (request, response, seen) => {
      watch(request, ["data", "end", "close", "aborted", "error"], seen);
      await once(request, "close");
      seen("destroyed", request.destroyed);
      seen("readableEnded", request.readableEnded);
      response.end();
    },
    ask: post,
    expect: {
      seen: ["data", "end", "close", ["destroyed", true], ["readableEnded", true]],
    },
  },
  {
    name: "body: 256 KiB are echoed",
    serve: (request, response) => {
      request.pipe(response);
    },
    ask: { method: "POST", body: large },
    expect: (observation) => {
      if (observation.answers[0]?.body.startsWith(`${large.length} bytes`) !== true) {
        throw new Error("another body");
      }
    },
  },
  {
    name: "body: request.destroy() without an answer breaks the connection",
    serve: (request, response, seen) => {
      watch(request, ["aborted", "error", "close"], seen, "request ");
      watch(response, ["finish", "error", "close"], seen, "response ");
      request.destroy();
      seen("destroyed", request.destroyed);
    },
    ask: post,
    expect: {
      status: 0,
      seen: ["request aborted", ["destroyed", true], "request close", "response close"],
    },
  },
  {
    name: "body: request.destroy(error) tells the error",
    serve: (request, response, seen) => {
      watch(request, ["error", "close"], seen, "request ");
      watch(response, ["finish", "error", "close"], seen, "response ");
      request.destroy(Object.assign(new Error("mine"), { code: "MINE" }));
    },
    ask: post,
    expect: { status: 0, seen: [["request error", "MINE"], "request close", "response close"] },
  },
];

export const requestBody: readonly Behaviour[] = [
  ...reading("one of known length", post, "hello body"),
  ...reading("a chunked one", chunked, "hello body"),
  ...reading("one of 256 KiB", { method: "POST", body: large }, large),
  ...events,
];
