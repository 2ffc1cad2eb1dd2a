// SPDX-License-Identifier: Apache-2.0
// Status, reason phrase and writeHead in all its forms; answers that have no body.
import { STATUS_CODES } from "node:http";
import type { Behaviour } from "../case.ts";

/** Of these the next cases say more. */
const bodiless: ReadonlySet<number> = new Set([204, 205, 304]);

const statuses: Behaviour[] = Object.entries(STATUS_CODES)
  .map(([code, reason]) => ({ code: Number(code), reason }))
  .filter(({ code }) => code >= 200 && !bodiless.has(code))
  .map(({ code, reason = "" }) => ({
    name: `status: ${code} ${reason}`,
    serve: (_, response) => {
      response.statusCode = code;
      response.end("the application's");
    },
    ask: {},
    expect: { status: code, reason, body: "the application's" },
  }));

const odd: Behaviour[] = [
  ...[299, 419, 499, 520, 599].map(
    (code): Behaviour => ({
      name: `status: ${code}, which has no reason phrase of its own`,
      serve: (_, response) => {
        response.statusCode = code;
        response.end("odd");
      },
      ask: {},
      expect: { status: code, reason: "unknown", body: "odd" },
    }),
  ),
  {
    name: "status: 600",
    serve: (_, response, seen) => {
      seen.attempt("writeHead", () => response.writeHead(600));
      response.end();
    },
    ask: {},
    expect: { status: 600, seen: [["writeHead", "no error"]] },
  },
  {
    name: "status: statusCode is 200 and statusMessage undefined to begin with",
    serve: (_, response, seen) => {
      seen("code", response.statusCode);
      seen("message", response.statusMessage);
      response.end();
      seen("message at the end", response.statusMessage);
    },
    ask: {},
    expect: {
      seen: [
        ["code", 200],
        ["message", "(undefined)"],
        ["message at the end", "OK"],
      ],
    },
  },
  {
    name: "statusMessage: is the reason phrase",
    serve: (_, response) => {
      response.statusCode = 404;
      response.statusMessage = "Gone Fishing";
      response.end();
    },
    ask: {},
    expect: { status: 404, reason: "Gone Fishing" },
  },
  {
    name: "statusMessage: may be latin-1",
    serve: (_, response) => {
      response.statusMessage = "Tr\u00e8s bien";
      response.end();
    },
    ask: {},
    expect: { status: 200, reason: "Tr\u00e8s bien" },
  },
  {
    name: "statusMessage: one that another status has",
    serve: (_, response) => {
      response.statusCode = 200;
      response.statusMessage = "Not Found";
      response.end();
    },
    ask: {},
    expect: { status: 200, reason: "Not Found" },
  },
];

const forms: Behaviour[] = [
  {
    name: "writeHead: a status",
    serve: (_, response) => {
      response.writeHead(201).end();
    },
    ask: {},
    expect: { status: 201, reason: "Created" },
  },
  {
    name: "writeHead: a status and a reason",
    serve: (_, response) => {
      response.writeHead(201, "Made").end();
    },
    ask: {},
    expect: { status: 201, reason: "Made" },
  },
  {
    name: "writeHead: a status and an object",
    serve: (_, response) => {
      response.writeHead(200, { "X-One": "1", "X-Several": ["a", "b"] }).end();
    },
    ask: {},
    expect: { headers: { "x-one": "1", "x-several": ["a", "b"] } },
  },
  {
    name: "writeHead: a status, a reason and an object",
    serve: (_, response) => {
      response.writeHead(200, "Fine", { "X-One": "1" }).end();
    },
    ask: {},
    expect: { reason: "Fine", headers: { "x-one": "1" } },
  },
  {
    name: "writeHead: a list of names and values",
    serve: (_, response) => {
      response.writeHead(200, ["X-One", "1", "X-One", "2", "Set-Cookie", "a=1"]).end();
    },
    ask: {},
    expect: { headers: { "x-one": ["1", "2"], "set-cookie": "a=1" } },
  },
  {
    name: "writeHead: a list of pairs",
    serve: (_, response) => {
      response
        .writeHead(200, [
          ["X-One", "1"],
          ["X-Two", "2"],
        ] as never)
        .end();
    },
    ask: {},
    expect: { headers: { "x-one": "1", "x-two": "2" } },
  },
  {
    name: "writeHead: an object wins over setHeader",
    serve: (_, response) => {
      response.setHeader("X-One", "set").setHeader("X-Two", "set");
      response.writeHead(200, { "x-one": "written" }).end();
    },
    ask: {},
    expect: { headers: { "x-one": "written", "x-two": "set" } },
  },
  {
    name: "writeHead: a list wins over setHeader",
    serve: (_, response) => {
      response.setHeader("X-One", "set").setHeader("X-Two", "set");
      response.writeHead(200, ["X-One", "a", "X-One", "b"]).end();
    },
    ask: {},
    expect: { headers: { "x-one": ["a", "b"], "x-two": "set" } },
  },
  {
    name: "writeHead: undefined in place of headers",
    serve: (_, response) => {
      response.setHeader("X-One", "1");
      response.writeHead(200, undefined).end();
    },
    ask: {},
    expect: { headers: { "x-one": "1" } },
  },
  {
    name: "writeHead: a status as text",
    serve: (_, response) => {
      response.writeHead("202" as never).end();
    },
    ask: {},
    expect: { status: 202, reason: "Accepted" },
  },
  {
    name: "writeHead: gives the response and sets statusCode, statusMessage and headersSent",
    serve: (_, response, seen) => {
      seen("sent", response.headersSent);
      seen("same", response.writeHead(202, "Fine") === response);
      seen("state", [response.statusCode, response.statusMessage, response.headersSent]);
      response.end();
    },
    ask: {},
    expect: {
      seen: [
        ["sent", false],
        ["same", true],
        ["state", [202, "Fine", true]],
      ],
    },
  },
  {
    name: "writeHead: by itself it sends nothing",
    serve: async (_, response, seen) => {
      response.writeHead(200, { "X-One": "1" });
      await new Promise((resolve) => setTimeout(resolve, 20));
      response.end("body");
      seen("length", response.getHeader("content-length"));
    },
    ask: {},
    expect: { status: 200, body: "body", headers: { "x-one": "1" } },
  },
  {
    name: "writeHead: Content-Length of the application counts",
    serve: (_, response) => {
      response.writeHead(200, { "content-length": 4 });
      response.write("bo");
      response.end("dy");
    },
    ask: {},
    expect: { status: 200, body: "body", headers: { "content-length": "4" } },
  },
  {
    name: "flushHeaders: sends the head at once",
    serve: async (_, response, seen) => {
      response.setHeader("X-One", "1").flushHeaders();
      seen("sent", response.headersSent);
      await seen.signal("head");
      response.end("body");
    },
    ask: async (client) => {
      client.send({});
      await client.until("X-One: 1\r\n");
      client.signal("head");
      await client.answer();
    },
    expect: { status: 200, body: "body", seen: [["sent", true]] },
  },
];

/** Statuses without a body, and what an application may try there. */
const none: Behaviour[] = [204, 304].flatMap((code): Behaviour[] => [
  {
    name: `status: ${code} has no body`,
    serve: (_, response) => {
      response.writeHead(code, { ETag: '"a"' }).end();
    },
    ask: {},
    expect: { status: code, body: "", headers: { etag: '"a"', "content-length": null } },
  },
  {
    name: `status: ${code} drops a body that is written`,
    serve: (_, response, seen) => {
      response.statusCode = code;
      seen("write", response.write("dropped"));
      response.end("dropped too");
    },
    ask: async (client) => {
      await client.ask({});
      client.note("rest", await client.bytes(""));
    },
    expect: { status: code, body: "", notes: [["rest", ""]] },
  },
  {
    name: `status: ${code} leaves the connection as it should be`,
    serve: (request, response, seen) => {
      seen("url", request.url);
      if (request.url === "/second") response.end("second");
      else response.writeHead(code).end("dropped");
    },
    ask: async (client) => {
      await client.ask({});
      const second = await client.ask({ target: "/second" });
      client.note("second", second.body);
    },
    expect: { status: code, notes: [["second", "second"]] },
  },
]);

const moreNone: Behaviour[] = [
  {
    name: "status: 304 keeps the application's Content-Length",
    serve: (_, response) => {
      response.writeHead(304, { "Content-Length": 1234, ETag: '"a"' }).end();
    },
    ask: {},
    expect: { status: 304, headers: { "content-length": "1234" } },
  },
  {
    name: "status: 304 keeps the application's Content-Type and Cache-Control",
    serve: (_, response) => {
      response.writeHead(304, { "Content-Type": "text/x", "Cache-Control": "no-cache" }).end();
    },
    ask: {},
    expect: { status: 304, headers: { "content-type": "text/x", "cache-control": "no-cache" } },
  },
  {
    name: "status: 304 keeps fields that httpd does not know",
    serve: (_, response) => {
      response.writeHead(304, { "X-One": "1", "Set-Cookie": ["a=1", "b=2"], Vary: "Accept" }).end();
    },
    ask: {},
    expect: { headers: { "x-one": "1", "set-cookie": ["a=1", "b=2"], vary: "Accept" } },
  },
  {
    name: "status: 205 with a body",
    serve: (_, response) => {
      response.writeHead(205).end("reset");
    },
    ask: {},
    expect: { status: 205 },
  },
  {
    name: "HEAD: the answer has no body, and no Content-Length of its own",
    serve: (_, response) => {
      response.setHeader("X-One", "1").end("body");
    },
    ask: { method: "HEAD" },
    expect: { status: 200, body: "", headers: { "x-one": "1", "content-length": null } },
  },
  {
    name: "HEAD: the application's Content-Length is kept",
    serve: (_, response) => {
      response.setHeader("Content-Length", 1_000_000).end();
    },
    ask: { method: "HEAD" },
    expect: { status: 200, headers: { "content-length": "1000000" } },
  },
  {
    name: "HEAD: without a body there is no Content-Length",
    serve: (_, response) => {
      response.end();
    },
    ask: { method: "HEAD" },
    expect: { status: 200, headers: { "content-length": null } },
  },
  {
    name: "HEAD: write() gives true and drops",
    serve: (_, response, seen) => {
      seen("write", response.write("dropped"));
      response.end("dropped too");
    },
    ask: { method: "HEAD" },
    expect: { status: 200, body: "", seen: [["write", true]] },
  },
  {
    name: "HEAD: an error status keeps its head",
    serve: (_, response) => {
      response.writeHead(404, { "Content-Type": "text/x", "Content-Length": 9 }).end();
    },
    ask: { method: "HEAD" },
    expect: { status: 404, headers: { "content-type": "text/x", "content-length": "9" } },
  },
  {
    name: "HEAD: Content-Length 0 is kept",
    serve: (_, response) => {
      response.setHeader("Content-Length", 0).end();
    },
    ask: { method: "HEAD" },
    expect: { status: 200, headers: { "content-length": "0" } },
  },
  {
    name: "HEAD: the next request on the connection is served",
    serve: (request, response) => {
      response.setHeader("Content-Length", 6).end(request.method === "HEAD" ? undefined : "second");
    },
    ask: async (client) => {
      await client.ask({ method: "HEAD" });
      client.note("second", (await client.ask({})).body);
    },
    expect: { status: 200, notes: [["second", "second"]] },
  },
];

export const responseHead: readonly Behaviour[] = [
  ...statuses,
  ...odd,
  ...forms,
  ...none,
  ...moreNone,
];
