// SPDX-License-Identifier: Apache-2.0
// Both directions at once and over time: server-sent events, long polling, answers that begin before the request ends.
import { once } from "node:events";
import type { Behaviour } from "../case.ts";

const events = { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" } as const;

export const streaming: readonly Behaviour[] = [
  {
    name: "events: each is sent at once",
    serve: async (_, response, seen) => {
      response.writeHead(200, events);
      for (const number of [1, 2, 3]) {
        response.write(`data: ${number}\n\n`);
        await seen.signal(`got ${number}`);
      }
      response.end();
    },
    ask: async (client) => {
      client.send({ headers: ["Accept: text/event-stream"] });
      for (const number of [1, 2, 3]) {
        client.note("event", await client.until(`data: ${number}\n\n`));
        client.signal(`got ${number}`);
      }
      await client.answer();
    },
    expect: {
      body: "data: 1\n\ndata: 2\n\ndata: 3\n\n",
      headers: { "content-type": "text/event-stream" },
      notes: [
        ["event", true],
        ["event", true],
        ["event", true],
      ],
    },
  },
  {
    name: "events: the head is there before the first",
    serve: async (_, response, seen) => {
      response.writeHead(200, events).flushHeaders();
      await seen.signal("head");
      response.end("data: 1\n\n");
    },
    ask: async (client) => {
      client.send({});
      client.note("head", await client.until("text/event-stream"));
      client.signal("head");
      await client.answer();
    },
    expect: { body: "data: 1\n\n", notes: [["head", true]] },
  },
  {
    name: "events: one of a single byte is sent at once",
    serve: async (_, response, seen) => {
      response.writeHead(200, events);
      response.write(":");
      await seen.signal("byte");
      response.end("\n\n");
    },
    ask: async (client) => {
      client.send({});
      client.note("byte", await client.until("\r\n\r\n1\r\n:"));
      client.signal("byte");
      await client.answer();
    },
    expect: { body: ":\n\n", notes: [["byte", true]] },
  },
  {
    name: "events: a client that leaves is told to the application",
    serve: async (request, response, seen) => {
      response.writeHead(200, events).write("data: 1\n\n");
      request.on("close", () => seen("request close"));
      await once(response, "close");
      seen("response close");
    },
    ask: async (client) => {
      client.send({});
      await client.until("data: 1");
      client.destroy();
    },
    expect: ({ seen }) => {
      if (!JSON.stringify(seen).includes("response close")) throw new Error(JSON.stringify(seen));
    },
  },
  {
    name: "long polling: an answer that is long in coming",
    serve: async (_, response, seen) => {
      seen("waiting");
      await seen.signal("news");
      response.end("news");
    },
    ask: async (client) => {
      client.send({});
      await client.saw("waiting");
      await new Promise((resolve) => setTimeout(resolve, 100));
      client.signal("news");
      await client.answer();
    },
    expect: { status: 200, body: "news" },
  },
  {
    name: "long polling: others are served meanwhile",
    serve: async (request, response, seen) => {
      if (request.url === "/other") {
        response.end("other");
        return;
      }
      seen("waiting");
      await seen.signal("news");
      response.end("news");
    },
    ask: async (client) => {
      client.send({});
      await client.saw("waiting");
      client.anotherConnection();
      await client.ask({ target: "/other" });
      client.signal("news");
    },
    expect: { status: 200, body: "other" },
  },
  {
    name: "both ways: an echo piece by piece",
    serve: (request, response) => {
      request.pipe(response);
    },
    ask: async (client) => {
      client.send({ method: "POST", headers: ["Transfer-Encoding: chunked"] });
      for (const piece of ["one", "two", "six"]) {
        client.send(`3\r\n${piece}\r\n`);
        client.note("echo", await client.until(piece));
      }
      client.send("0\r\n\r\n");
      await client.answer();
    },
    expect: {
      body: "onetwosix",
      whole: true,
      notes: [
        ["echo", true],
        ["echo", true],
        ["echo", true],
      ],
    },
  },
  {
    name: "both ways: an answer that is whole before the request is",
    serve: async (request, response, seen) => {
      request.once("data", () => response.end("early"));
      await once(request, "end");
      seen("all read");
    },
    ask: async (client) => {
      client.send({ method: "POST", headers: ["Content-Length: 6"], body: "one" });
      await client.answer();
      client.send("two");
    },
    expect: { status: 200, body: "early", seen: ["all read"] },
  },
  {
    name: "both ways: the head before the request is whole",
    serve: async (request, response, seen) => {
      response.writeHead(200).write("head ");
      const pieces = await request.toArray();
      seen("body", Buffer.concat(pieces));
      response.end("tail");
    },
    ask: async (client) => {
      client.send({ method: "POST", headers: ["Content-Length: 6"], body: "one" });
      client.note("head", await client.until("head "));
      client.send("two");
      await client.answer();
    },
    expect: { body: "head tail", seen: [["body", "onetwo"]], notes: [["head", true]] },
  },
  {
    name: "both ways: 1 MiB each at the same time",
    serve: (request, response) => {
      request.pipe(response);
    },
    ask: { method: "POST", body: "0123456789abcdef".repeat(65_536) },
    expect: ({ answers }) => {
      if (answers[0]?.bodyBytes !== 1_048_576 || !answers[0].whole) throw new Error("cut");
    },
  },
];
