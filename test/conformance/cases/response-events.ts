// SPDX-License-Identifier: Apache-2.0
// What a response says of itself: events and their order, destroy, time-outs, properties.
import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import type { Behaviour, Seen } from "../case.ts";
import { nextTurn, watch } from "./helpers.ts";

/** Orders of events that node:http keeps. */
function watchAll(response: ServerResponse, seen: Seen): void {
  watch(response, ["prefinish", "finish", "close", "error", "pipe"], seen);
}

export const responseEvents: readonly Behaviour[] = [
  {
    name: "events: finish, then close",
    serve: async (_, response, seen) => {
      watchAll(response, seen);
      response.end("all");
      seen("ended", [response.writableEnded, response.destroyed, response.closed]);
      await once(response, "close");
      seen("closed", [response.writableFinished, response.destroyed, response.closed]);
    },
    ask: {},
    expect: ({ seen }) => {
      const text = JSON.stringify(seen);
      if (!/finish.*"close"/.test(text)) throw new Error(text);
    },
  },
  {
    name: "events: finish of a response that was written in pieces",
    serve: async (_, response, seen) => {
      watchAll(response, seen);
      response.write("one ", () => seen("written"));
      response.end("two", () => seen("callback"));
      await once(response, "close");
    },
    ask: {},
    expect: ({ seen }) => {
      if (seen?.at(-1) !== "close") throw new Error(JSON.stringify(seen));
    },
  },
  {
    name: "events: the request ends and closes before the response closes",
    serve: async (request, response, seen) => {
      watch(request, ["end", "close", "error", "aborted"], seen, "request ");
      watch(response, ["finish", "close", "error"], seen, "response ");
      request.resume();
      await once(request, "end");
      response.end("all");
      await once(response, "close");
    },
    ask: { method: "POST", body: "read" },
    expect: ({ seen }) => {
      if (!JSON.stringify(seen).includes("request end")) throw new Error(JSON.stringify(seen));
    },
  },
  {
    name: "events: of a request that nobody reads",
    serve: async (request, response, seen) => {
      watch(request, ["end", "close", "error", "aborted"], seen, "request ");
      watch(response, ["finish", "close", "error"], seen, "response ");
      response.end("all");
      await once(response, "close");
    },
    ask: { method: "POST", body: "unread" },
    expect: { status: 200, body: "all" },
  },
  {
    name: "events: of a request that is read on behind the response's end",
    serve: async (request, response, seen) => {
      watch(request, ["data", "end", "close", "error", "aborted"], seen, "request ");
      watch(response, ["finish", "close", "error"], seen, "response ");
      await once(request, "data");
      response.end("early");
      await once(request, "close");
      seen("complete", request.complete);
    },
    ask: async (client) => {
      client.send({ method: "POST", headers: ["Content-Length: 6"], body: "one" });
      await client.answer();
      client.send("two");
    },
    expect: {
      status: 200,
      body: "early",
      seen: [
        "request data",
        "response finish",
        "response close",
        "request data",
        "request end",
        "request close",
        ["complete", true],
      ],
    },
  },
  {
    name: "events: of a request whose reader came before the response's end",
    serve: async (request, response, seen) => {
      let bytes = 0;
      request.on("data", (piece: Buffer) => {
        bytes += piece.length;
      });
      response.end("early");
      await once(request, "end");
      seen("bytes", bytes);
    },
    ask: { method: "POST", body: "x".repeat(300_000) },
    expect: { status: 200, body: "early", seen: [["bytes", 300_000]] },
  },
  {
    name: "events: of a large body that is thrown away by resume()",
    serve: async (request, response, seen) => {
      watch(request, ["end", "error", "aborted"], seen, "request ");
      request.resume();
      response.end("early");
      await once(request, "end");
    },
    ask: { method: "POST", body: "x".repeat(1_000_000) },
    expect: { status: 200, body: "early", seen: ["request end"] },
  },
  {
    name: "events: of a large body that nobody reads",
    serve: async (request, response, seen) => {
      watch(request, ["end", "error", "aborted"], seen, "request ");
      response.end("early");
      await once(request, "end");
    },
    ask: { method: "POST", body: "x".repeat(1_000_000) },
    expect: { status: 200, body: "early", seen: ["request end"] },
  },
  {
    name: "events: 'pipe' and 'unpipe' come",
    serve: async (_, response, seen) => {
      watch(response, ["pipe", "unpipe", "finish"], seen);
      Readable.from(["piped"]).pipe(response);
      await once(response, "finish");
    },
    ask: {},
    expect: { body: "piped", seen: ["pipe", "finish", "unpipe"] },
  },
  {
    name: "destroy: before the head the client gets no answer",
    serve: async (request, response, seen) => {
      watch(request, ["aborted", "close", "error"], seen, "request ");
      watch(response, ["finish", "close", "error"], seen, "response ");
      response.destroy();
      seen("destroyed", response.destroyed);
      await nextTurn();
    },
    ask: {},
    expect: { status: 0, whole: false },
  },
  {
    name: "destroy: in the middle of the body the answer is cut",
    serve: async (_, response, seen) => {
      watch(response, ["finish", "close", "error"], seen);
      response.write("begun");
      await seen.signal("go");
      response.destroy();
      seen("destroyed", response.destroyed);
    },
    ask: async (client) => {
      client.send({});
      await client.until("begun");
      client.signal("go");
      await client.answer();
    },
    expect: { status: 200, body: "begun", whole: false, seen: [["destroyed", true], "close"] },
  },
  {
    name: "destroy: with an error",
    serve: async (_, response, seen) => {
      watch(response, ["finish", "close", "error"], seen);
      response.write("begun");
      await seen.signal("go");
      response.destroy(Object.assign(new Error("mine"), { code: "MINE" }));
    },
    ask: async (client) => {
      client.send({});
      await client.until("begun");
      client.signal("go");
      await client.answer();
    },
    expect: { whole: false },
  },
  {
    name: "destroy: of the socket in the middle of the body",
    serve: async (request, response, seen) => {
      watch(request, ["aborted", "close", "error"], seen, "request ");
      watch(response, ["finish", "close", "error"], seen, "response ");
      response.write("begun");
      await seen.signal("go");
      request.socket.destroy();
    },
    ask: async (client) => {
      client.send({});
      await client.until("begun");
      client.signal("go");
      await client.answer();
    },
    expect: { body: "begun", whole: false },
  },
  {
    name: "destroy: a write behind it sends nothing",
    serve: async (_, response, seen) => {
      response.on("error", (error) => seen("error", error));
      response.write("begun");
      await seen.signal("go");
      response.destroy();
      seen.attempt("write", () => response.write("late"));
      seen.attempt("end", () => response.end("late"));
      await nextTurn();
    },
    ask: async (client) => {
      client.send({});
      await client.until("begun");
      client.signal("go");
      await client.answer();
    },
    expect: { body: "begun", whole: false },
  },
  {
    name: "destroy: of a response that has ended loses nothing",
    serve: async (_, response) => {
      response.end("all");
      await once(response, "finish");
      response.destroy();
    },
    ask: {},
    expect: { status: 200, body: "all", whole: true },
  },
  {
    name: "setTimeout: calls back when nothing happens",
    serve: async (_, response, seen) => {
      await new Promise<void>((resolve) => {
        response.setTimeout(30, () => {
          seen("timeout");
          resolve();
        });
      });
      response.end("late");
    },
    ask: {},
    expect: { status: 200, body: "late", seen: ["timeout"] },
  },
  {
    name: "setTimeout: gives the response",
    serve: (_, response, seen) => {
      seen("same", response.setTimeout(10_000) === response);
      response.end();
    },
    ask: {},
    expect: { seen: [["same", true]] },
  },
  {
    name: "setTimeout: without a listener the connection ends",
    serve: async (_, response, seen) => {
      response.setTimeout(30);
      await once(response, "close");
      seen("closed", response.writableFinished);
    },
    ask: {},
    expect: { status: 0, seen: [["closed", false]] },
  },
  {
    name: "setTimeout: of the request calls back while its body is not whole",
    serve: async (request, response, seen) => {
      await new Promise<void>((resolve) => {
        request.setTimeout(30, () => {
          seen("timeout");
          resolve();
        });
      });
      await request.resume().toArray();
      response.end("late");
    },
    ask: async (client) => {
      client.send({ method: "POST", headers: ["Content-Length: 6"], body: "one" });
      await client.saw("timeout");
      client.send("two");
      await client.answer();
    },
    expect: { status: 200, body: "late", seen: ["timeout"] },
  },
  {
    name: "properties: of a response to begin with",
    serve: (_, response, seen) => {
      seen("writable", response.writable);
      seen("ended", [response.writableEnded, response.writableFinished, response.finished]);
      seen("length", [response.writableLength, response.writableCorked]);
      seen("flags", [response.chunkedEncoding, response.shouldKeepAlive, response.sendDate]);
      seen("mode", [response.writableObjectMode, response.writableHighWaterMark > 0]);
      seen("errored", response.errored);
      response.end();
      seen("finished", [response.finished, response.writableEnded]);
    },
    ask: {},
    expect: ({ seen }) => {
      if (seen?.length !== 7) throw new Error(JSON.stringify(seen));
    },
  },
  {
    name: "properties: a response is an http.ServerResponse and a Stream",
    serve: async (request, response, seen) => {
      const { IncomingMessage, OutgoingMessage, ServerResponse } = await import("node:http");
      const { Readable: AnyReadable, Stream } = await import("node:stream");
      seen("response", [
        response instanceof ServerResponse,
        response instanceof OutgoingMessage,
        response instanceof Stream,
      ]);
      seen("request", [request instanceof IncomingMessage, request instanceof AnyReadable]);
      seen("names", [request.constructor.name, response.constructor.name]);
      response.end();
    },
    ask: {},
    expect: {
      seen: [
        ["response", [true, true, true]],
        ["request", [true, true]],
        ["names", ["IncomingMessage", "ServerResponse"]],
      ],
    },
  },
];
