// SPDX-License-Identifier: Apache-2.0
// Writing and ending: return values, callbacks, encodings, lengths, trailers, back-pressure.
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import type { Behaviour } from "../case.ts";
import { nextTurn } from "./helpers.ts";

const piece = Buffer.alloc(65_536, "tenon ");

function state(response: ServerResponse): unknown[] {
  return [response.headersSent, response.writableEnded, response.writableFinished];
}

const writing: Behaviour[] = [
  {
    name: "write: several pieces are one body",
    serve: (_, response, seen) => {
      seen("write", response.write("one "));
      response.write("two ");
      response.end("six");
    },
    ask: {},
    expect: { status: 200, body: "one two six", whole: true, seen: [["write", true]] },
  },
  {
    name: "write: takes bytes",
    serve: (_, response) => {
      response.write(Buffer.from([0, 1, 254, 255]));
      response.end(new Uint8Array([65, 66]));
    },
    ask: {},
    expect: { body: "\0\x01\u00fe\u00ffAB" },
  },
  {
    name: "write: text is UTF-8",
    serve: (_, response) => {
      response.write("é");
      response.end("ü");
    },
    ask: {},
    expect: { body: Buffer.from("éü").toString("latin1") },
  },
  ...(["latin1", "base64", "hex", "utf16le"] as const).map(
    (encoding): Behaviour => ({
      name: `write: text in ${encoding}`,
      serve: (_, response) => {
        response.write("6869", encoding);
        response.end("6a6b", encoding);
      },
      ask: {},
      expect: {
        body: Buffer.concat([
          Buffer.from("6869", encoding),
          Buffer.from("6a6b", encoding),
        ]).toString("latin1"),
      },
    }),
  ),
  {
    name: "write: an empty piece sends nothing, not even an end",
    serve: (_, response) => {
      response.write("one ");
      response.write("");
      response.write(Buffer.alloc(0));
      response.end("two");
    },
    ask: {},
    expect: { body: "one two", whole: true },
  },
  {
    name: "write: calls back",
    serve: async (_, response, seen) => {
      await new Promise((resolve) => response.write("one", resolve));
      seen("written");
      await new Promise<void>((resolve) => response.end("two", () => resolve()));
      seen("ended");
    },
    ask: {},
    expect: { body: "onetwo", seen: ["written", "ended"] },
  },
  {
    name: "write: callbacks come in order",
    serve: async (_, response, seen) => {
      for (const name of ["one", "two", "six"]) response.write(name, () => seen(name));
      await new Promise<void>((resolve) => response.end(() => resolve()));
      seen("ended");
    },
    ask: {},
    expect: { body: "onetwosix", seen: ["one", "two", "six", "ended"] },
  },
  {
    name: "write: makes headersSent true",
    serve: (_, response, seen) => {
      seen("before", state(response));
      response.write("x");
      seen("written", state(response));
      response.end();
      seen("ended", state(response));
    },
    ask: {},
    expect: {
      seen: [
        ["before", [false, false, false]],
        ["written", [true, false, false]],
        ["ended", [true, true, false]],
      ],
    },
  },
  {
    name: "write: null is refused with ERR_STREAM_NULL_VALUES",
    serve: (_, response, seen) => {
      seen.attempt("write", () => response.write(null));
      response.end("still here");
    },
    ask: {},
    expect: { body: "still here", seen: [["write", "ERR_STREAM_NULL_VALUES"]] },
  },
  {
    name: "write: a number is refused with ERR_INVALID_ARG_TYPE",
    serve: (_, response, seen) => {
      seen.attempt("write", () => response.write(42));
      response.end("still here");
    },
    ask: {},
    expect: { body: "still here", seen: [["write", "ERR_INVALID_ARG_TYPE"]] },
  },
  {
    name: "write: behind the end calls back with ERR_STREAM_WRITE_AFTER_END",
    serve: async (_, response, seen) => {
      response.on("error", (error) => seen("error", error));
      response.end("all");
      const error = await new Promise((resolve) => {
        seen("write", response.write("late", resolve));
      });
      seen("callback", error);
      await nextTurn();
    },
    ask: {},
    expect: ({ answers, seen }) => {
      if (answers[0]?.body !== "all") throw new Error("another body");
      if (!JSON.stringify(seen).includes('["callback","ERR_STREAM_WRITE_AFTER_END"]')) {
        throw new Error(JSON.stringify(seen));
      }
    },
  },
  {
    name: "end: a second one is no error",
    serve: (_, response, seen) => {
      response.on("error", (error) => seen("error", error));
      response.end("all");
      seen("same", response.end() === response);
    },
    ask: {},
    expect: { body: "all", seen: [["same", true]] },
  },
  {
    name: "end: the callback of a second one gets ERR_STREAM_ALREADY_FINISHED",
    serve: async (_, response, seen) => {
      response.end("all");
      await once(response, "finish");
      seen("callback", await new Promise((resolve) => response.end(resolve)));
    },
    ask: {},
    expect: { body: "all", seen: [["callback", "ERR_STREAM_ALREADY_FINISHED"]] },
  },
  {
    name: "end: a second one with text tells ERR_STREAM_WRITE_AFTER_END",
    serve: async (_, response, seen) => {
      response.on("error", (error) => seen("error", error));
      response.end("all");
      response.end("late", (error?: Error) => seen("callback", error));
      await nextTurn();
    },
    ask: {},
    expect: { body: "all" },
  },
  {
    name: "end: gives the response and takes only a callback too",
    serve: async (_, response, seen) => {
      await new Promise<void>((resolve) => {
        seen("same", response.end(resolve) === response);
      });
    },
    ask: {},
    expect: { status: 200, body: "", seen: [["same", true]] },
  },
  {
    name: "end: of a body in one piece Content-Length is known",
    serve: (_, response) => {
      response.end("four");
    },
    ask: {},
    expect: { body: "four", headers: { "content-length": "4" } },
  },
  {
    name: "end: of an empty body Content-Length is 0",
    serve: (_, response) => {
      response.end();
    },
    ask: {},
    expect: { body: "", headers: { "content-length": "0" } },
  },
  {
    name: "removeHeader: Content-Length that was taken away is not sent",
    serve: (_, response) => {
      response.removeHeader("Content-Length");
      response.end("four");
    },
    ask: {},
    expect: { body: "four", whole: true },
  },
  {
    name: "cork and uncork: all arrives",
    serve: (_, response, seen) => {
      response.cork();
      response.write("one ");
      response.write("two ");
      seen("corked", response.writableCorked);
      process.nextTick(() => {
        response.uncork();
        seen("uncorked", response.writableCorked);
        response.end("six");
      });
    },
    ask: {},
    expect: {
      body: "one two six",
      seen: [
        ["corked", 1],
        ["uncorked", 0],
      ],
    },
  },
  {
    name: "write: a piece is sent when the turn is over",
    serve: async (_, response, seen) => {
      response.write("first ");
      await seen.signal("came");
      response.end("second");
    },
    ask: async (client) => {
      client.send({});
      client.note("first", await client.until("first "));
      client.signal("came");
      await client.answer();
    },
    expect: { body: "first second", notes: [["first", true]] },
  },
];

const lengths: Behaviour[] = [
  {
    name: "Content-Length: a body of that length",
    serve: (_, response) => {
      response.setHeader("Content-Length", 6);
      response.write("abc");
      response.end("def");
    },
    ask: {},
    expect: { body: "abcdef", headers: { "content-length": "6" } },
  },
  {
    name: "Content-Length: strictContentLength refuses too much with ERR_HTTP_CONTENT_LENGTH_MISMATCH",
    serve: (_, response, seen) => {
      response.strictContentLength = true;
      response.setHeader("Content-Length", 4);
      response.write("fo");
      seen.attempt("write", () => response.write("longer"));
      response.end("ur");
    },
    ask: {},
    expect: { body: "four", seen: [["write", "ERR_HTTP_CONTENT_LENGTH_MISMATCH"]] },
  },
  {
    name: "Content-Length: strictContentLength refuses too little with ERR_HTTP_CONTENT_LENGTH_MISMATCH",
    serve: (_, response, seen) => {
      response.strictContentLength = true;
      response.setHeader("Content-Length", 4);
      response.write("fo");
      seen.attempt("end", () => response.end());
      response.end("ur");
    },
    ask: {},
    expect: { body: "four", seen: [["end", "ERR_HTTP_CONTENT_LENGTH_MISMATCH"]] },
  },
  {
    name: "Content-Length: a body that stays short does not look whole",
    serve: async (_, response, seen) => {
      response.setHeader("Content-Length", 10).write("short");
      await seen.signal("end");
      response.end();
    },
    ask: async (client) => {
      client.send({ headers: ["Connection: close"] });
      await client.until("short");
      client.signal("end");
      await client.answer();
    },
    expect: { whole: false },
  },
  {
    name: "Content-Length: a text beside a number",
    serve: (_, response) => {
      response.setHeader("Content-Length", "4").end("four");
    },
    ask: {},
    expect: { body: "four", headers: { "content-length": "4" } },
  },
];

const streams: Behaviour[] = [
  {
    name: "pipe: a stream into the response",
    serve: (_, response) => {
      Readable.from(["one ", "two ", "six"]).pipe(response);
    },
    ask: {},
    expect: { body: "one two six", whole: true },
  },
  {
    name: "pipeline: a stream into the response",
    serve: async (_, response, seen) => {
      await pipeline(Readable.from(["one ", "two"]), response);
      seen("done", state(response));
    },
    ask: {},
    expect: { body: "one two", seen: [["done", [true, true, true]]] },
  },
  {
    name: "pipeline: a stream that fails breaks the response off",
    serve: async (_, response, seen) => {
      response.on("close", () => seen("close"));
      const source = async function* (): AsyncGenerator<string> {
        yield "begun";
        await seen.signal("fail");
        throw Object.assign(new Error("mine"), { code: "MINE" });
      };
      await pipeline(source, response).catch((error) => seen("failed", error));
    },
    ask: async (client) => {
      client.send({});
      await client.until("begun");
      client.signal("fail");
      await client.answer();
    },
    expect: { whole: false },
  },
  {
    name: "drain: write() gives false when much waits, and 'drain' comes",
    serve: async (_, response, seen) => {
      let full = 0;
      for (let left = 32; left > 0; left--) {
        if (response.write(piece)) continue;
        full += 1;
        await once(response, "drain");
      }
      response.end();
      seen("full", full > 0);
    },
    ask: async (client) => {
      await client.ask({});
    },
    expect: ({ answers, seen }) => {
      if (answers[0]?.bodyBytes !== 32 * piece.length) throw new Error("another length");
      if (JSON.stringify(seen) !== '[["full",true]]') throw new Error(JSON.stringify(seen));
    },
  },
  {
    name: "drain: a client that does not read stops the application",
    serve: async (_, response, seen) => {
      for (let count = 0; response.write(piece); count++) {
        if (count % 8 === 0) await nextTurn();
      }
      seen("full", response.writableNeedDrain);
      await once(response, "drain");
      seen("drained", response.writableNeedDrain);
      response.end();
    },
    ask: async (client) => {
      client.send({});
      client.pause();
      await client.saw("full");
      client.resume();
      await client.answer();
    },
    expect: ({ answers, seen }) => {
      if (answers[0]?.whole !== true) throw new Error("cut");
      if (JSON.stringify(seen) !== '[["full",true],["drained",false]]') {
        throw new Error(JSON.stringify(seen));
      }
    },
  },
];

function answerWithTrailers(response: ServerResponse, trailers: object): void {
  response.setHeader("Trailer", "X-Sum, X-More");
  response.write("body");
  response.addTrailers(trailers as Record<string, string>);
  response.end();
}

const trailers: Behaviour[] = [
  {
    name: "addTrailers: arrive behind a chunked body",
    serve: (_, response) => answerWithTrailers(response, { "X-Sum": "42", "X-More": "yes" }),
    ask: { headers: ["TE: trailers"] },
    expect: {
      body: "body",
      headers: { trailer: "X-Sum, X-More" },
      trailers: { "X-Sum": ["42"], "X-More": ["yes"] },
    },
  },
  {
    name: "addTrailers: arrive at a client that has not said TE",
    serve: (_, response) => answerWithTrailers(response, { "X-Sum": "42" }),
    ask: {},
    expect: { body: "body", trailers: { "X-Sum": ["42"] } },
  },
  {
    name: "addTrailers: takes a list of pairs",
    serve: (_, response) => answerWithTrailers(response, [["X-Sum", "42"]]),
    ask: { headers: ["TE: trailers"] },
    expect: { trailers: { "X-Sum": ["42"] } },
  },
  {
    name: "addTrailers: without chunks there are none",
    serve: (_, response) => {
      response.write("body");
      response.addTrailers({ "X-Sum": "42" });
      response.end();
    },
    ask: { version: "1.0" },
    expect: { status: 200, body: "body", trailers: {} },
  },
  {
    name: "addTrailers: announced without chunks is refused with ERR_HTTP_TRAILER_INVALID",
    serve: (_, response, seen) => {
      response.setHeader("Trailer", "X-Sum").setHeader("Content-Length", 4);
      seen.attempt("write", () => response.write("body"));
      response.removeHeader("Trailer");
      response.end("body");
    },
    ask: {},
    expect: { status: 200, body: "body", seen: [["write", "ERR_HTTP_TRAILER_INVALID"]] },
  },
  {
    name: "addTrailers: a body in one piece that announces some has no Content-Length",
    serve: (_, response) => {
      response.setHeader("Trailer", "X-Sum").end("body");
    },
    ask: {},
    expect: { status: 200, body: "body" },
  },
  {
    name: "addTrailers: behind a request that nobody has read",
    serve: (_, response) => {
      response.write("body");
      response.addTrailers({ "X-Sum": "42" });
      response.end();
    },
    ask: { method: "POST", body: "x".repeat(70_000) },
    expect: { body: "body", trailers: { "X-Sum": ["42"] } },
  },
  {
    name: "addTrailers: without a Trailer field",
    serve: (_, response) => {
      response.write("body");
      response.addTrailers({ "X-Sum": "42" });
      response.end();
    },
    ask: { headers: ["TE: trailers"] },
    expect: { body: "body", trailers: { "X-Sum": ["42"] } },
  },
];

export const responseBody: readonly Behaviour[] = [...writing, ...lengths, ...streams, ...trailers];
