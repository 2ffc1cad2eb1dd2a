// SPDX-License-Identifier: Apache-2.0
// What a server's options, classes, time-outs and 'upgrade' do.
import { once } from "node:events";
import type { Server } from "node:http";
import type { Socket } from "node:net";
import type { Behaviour } from "../case.ts";
import { note, rawHeadersOf } from "./helpers.ts";

interface Named {
  readonly named?: string;
}

const upgrading = { headers: ["Connection: Upgrade", "Upgrade: echo"] } as const;
const SWITCH = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n";

const options: Behaviour[] = [
  {
    name: "server: classes of its own make the messages",
    setup: "classes",
    serve: (request, response, seen) => {
      seen("request", (request as Named).named);
      seen("response", (response as Named).named);
      response.end("ok");
    },
    ask: {},
    expect: {
      status: 200,
      body: "ok",
      seen: [
        ["request", "NamedRequest"],
        ["response", "NamedResponse"],
      ],
    },
  },
  {
    name: "server: joinDuplicateHeaders joins what is otherwise kept once",
    setup: "duplicates",
    serve: note((request) => ({ referer: request.headers.referer })),
    ask: { headers: ["Referer: one", "Referer: two"] },
    expect: { seen: [["referer", "one, two"]] },
  },
  {
    name: "server: rejectNonStandardBodyWrites refuses a body of 204 with ERR_HTTP_BODY_NOT_ALLOWED",
    setup: "writes",
    serve: (_, response, seen) => {
      response.statusCode = 204;
      seen.attempt("write", () => response.write("no"));
      response.end();
    },
    ask: {},
    expect: { status: 204, seen: [["write", "ERR_HTTP_BODY_NOT_ALLOWED"]] },
  },
  {
    name: "server: rejectNonStandardBodyWrites refuses a body of HEAD with ERR_HTTP_BODY_NOT_ALLOWED",
    setup: "writes",
    serve: (_, response, seen) => {
      seen.attempt("write", () => response.write("no"));
      response.end();
    },
    ask: { method: "HEAD" },
    expect: { status: 200, seen: [["write", "ERR_HTTP_BODY_NOT_ALLOWED"]] },
  },
  {
    name: "server: uniqueHeaders joins values into one line",
    setup: "unique",
    serve: (_, response) => {
      response.setHeader("X-One", ["a", "b"]).setHeader("X-Many", ["a", "b"]).end();
    },
    ask: {},
    expect: { headers: { "x-one": "a; b", "x-many": ["a", "b"] } },
  },
  {
    name: "server: the socket knows it",
    setup: "server",
    serve: (request, response, seen) => {
      const { server } = request.socket as Socket & { server?: Server };
      seen("listening", server?.listening);
      seen("port", typeof (server?.address() as { port?: unknown } | null)?.port);
      response.end();
    },
    ask: {},
    expect: {
      seen: [
        ["listening", true],
        ["port", "number"],
      ],
    },
  },
  {
    name: "server: setTimeout() tells of a connection where nothing happens",
    setup: "timeout",
    serve: async (_, response, seen) => {
      seen("called");
      await once(response, "close");
      seen("closed", response.writableFinished);
    },
    ask: async (client) => {
      client.send({});
      await client.answer();
    },
    expect: { status: 0, seen: ["called", "server timeout", ["closed", false]] },
  },
  {
    name: "server: setTimeout() leaves a connection alone where something happens",
    setup: "timeout",
    serve: async (_, response) => {
      // All together it takes longer than the time-out, each piece much less.
      for (let left = 8; left > 0; left--) {
        response.write(".");
        await new Promise((resolve) => setTimeout(resolve, 150));
      }
      response.end();
    },
    ask: {},
    expect: { status: 200, body: "........", whole: true },
  },
];

const upgrades: Behaviour[] = [
  {
    name: "upgrade: 101, and bytes go both ways",
    setup: "upgrade",
    upgrade: async (request, socket, seen) => {
      seen("upgrade field", request.headers.upgrade);
      seen("method", request.method);
      socket.write(SWITCH);
      for await (const piece of socket) {
        seen("piece", piece);
        socket.write(`<${piece}>`);
      }
      socket.end();
    },
    ask: async (client) => {
      await client.ask(upgrading);
      client.send("hello");
      client.note("echo", await client.bytes("<hello>"));
      client.end();
      await client.ended();
    },
    expect: ({ answers, notes, seen }) => {
      if (answers[0]?.status !== 101) throw new Error(`status ${answers[0]?.status}`);
      if (JSON.stringify(notes) !== '[["echo","<hello>"]]') throw new Error(JSON.stringify(notes));
      if (!JSON.stringify(seen).includes('["piece","hello"]'))
        throw new Error(JSON.stringify(seen));
    },
  },
  {
    name: "upgrade: bytes behind 101 in the same piece",
    setup: "upgrade",
    upgrade: (_, socket) => {
      socket.end(`${SWITCH}at once`);
    },
    ask: async (client) => {
      await client.ask(upgrading);
      client.note("bytes", await client.bytes("at once"));
      await client.ended();
    },
    expect: { status: 101, notes: [["bytes", "at once"]] },
  },
  {
    name: "upgrade: may be refused",
    setup: "upgrade",
    upgrade: (_, socket) => {
      socket.end("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    },
    ask: upgrading,
    expect: { status: 403, body: "no" },
  },
  {
    name: "upgrade: the application ends the connection",
    setup: "upgrade",
    upgrade: async (_, socket, seen) => {
      socket.write(SWITCH);
      await seen.signal("end");
      socket.end("bye");
    },
    ask: async (client) => {
      await client.ask(upgrading);
      client.signal("end");
      client.note("bytes", await client.bytes("bye"));
      await client.ended();
      client.end();
    },
    expect: { status: 101, notes: [["bytes", "bye"]] },
  },
  {
    name: "upgrade: the application destroys the connection",
    setup: "upgrade",
    upgrade: async (_, socket, seen) => {
      socket.write(SWITCH);
      await seen.signal("destroy");
      socket.destroy();
    },
    ask: async (client) => {
      await client.ask(upgrading);
      client.signal("destroy");
      await client.ended();
    },
    expect: { status: 101, seen: ["upgrade"] },
  },
  {
    name: "upgrade: a client that leaves is the socket's end",
    setup: "upgrade",
    upgrade: async (_, socket, seen) => {
      socket.write(SWITCH);
      socket.resume().on("end", () => socket.end());
      await once(socket, "close");
      seen("destroyed", socket.destroyed);
    },
    ask: async (client) => {
      await client.ask(upgrading);
      client.destroy();
      await client.saw("destroyed");
    },
    expect: { status: 101, seen: ["upgrade", ["destroyed", true]] },
  },
  {
    name: "upgrade: headers reach the application",
    setup: "upgrade",
    upgrade: (request, socket, seen) => {
      seen("raw", rawHeadersOf(request));
      seen("url", request.url);
      socket.end("HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
    },
    ask: { target: "/socket?a=b", headers: [...upgrading.headers, "X-One: 1"] },
    expect: {
      status: 204,
      seen: [
        "upgrade",
        ["raw", ["Connection", "Upgrade", "Upgrade", "echo", "X-One", "1"]],
        ["url", "/socket?a=b"],
      ],
    },
  },
  {
    name: "upgrade: an ordinary request of such a server is served",
    setup: "upgrade",
    serve: (_, response) => {
      response.end("ordinary");
    },
    ask: {},
    expect: { status: 200, body: "ordinary" },
  },
  {
    name: "upgrade: without a listener it is an ordinary request",
    setup: "server",
    serve: (request, response, seen) => {
      seen("field", request.headers.upgrade);
      seen("upgrade", Boolean((request as { upgrade?: boolean }).upgrade));
      response.end("ordinary");
    },
    ask: upgrading,
    expect: { status: 200, body: "ordinary" },
  },
  {
    name: "upgrade: Connection without Upgrade is an ordinary request",
    setup: "upgrade",
    serve: (_, response) => {
      response.end("ordinary");
    },
    ask: { headers: ["Upgrade: echo"] },
    expect: { status: 200, body: "ordinary" },
  },
];

export const server: readonly Behaviour[] = [...options, ...upgrades];
