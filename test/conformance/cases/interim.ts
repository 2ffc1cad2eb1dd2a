// SPDX-License-Identifier: Apache-2.0
// Interim answers: 100 Continue with and without 'checkContinue', 102, 103.
import type { Behaviour } from "../case.ts";
import { bodyOf } from "./helpers.ts";

const expecting = {
  method: "POST",
  headers: ["Content-Length: 5", "Expect: 100-continue"],
} as const;

export const interim: readonly Behaviour[] = [
  {
    name: "100: comes when the body is asked for",
    serve: async (request, response, seen) => {
      seen("body", await bodyOf(request));
      seen("expect", request.headers.expect);
      response.end("done");
    },
    ask: async (client) => {
      client.send(expecting);
      client.note("continue", await client.until("HTTP/1.1 100 Continue\r\n\r\n"));
      client.send("hello");
      await client.answer();
    },
    expect: {
      status: 200,
      body: "done",
      interim: [100],
      notes: [["continue", true]],
      seen: [
        ["body", "hello"],
        ["expect", "100-continue"],
      ],
    },
  },
  {
    name: "100: a client that does not wait for it is served",
    serve: async (request, response, seen) => {
      seen("body", await bodyOf(request));
      response.end("done");
    },
    ask: async (client) => {
      await client.ask({ ...expecting, body: "hello" });
    },
    expect: ({ answers, seen }) => {
      if (answers[0]?.body !== "done") throw new Error("no answer");
      if (JSON.stringify(seen) !== '[["body","hello"]]') throw new Error(JSON.stringify(seen));
    },
  },
  {
    name: "100: an application that answers without reading",
    serve: (_, response) => {
      response.writeHead(413, { Connection: "close" }).end("too much");
    },
    ask: async (client) => {
      client.send(expecting);
      await client.answer();
    },
    expect: { status: 413, body: "too much" },
  },
  {
    name: "100: writeContinue() calls back",
    setup: "continue",
    serve: async (request, response, seen) => {
      await new Promise<void>((resolve) => response.writeContinue(resolve));
      seen("continued");
      seen("body", await bodyOf(request));
      response.end("done");
    },
    ask: async (client) => {
      client.send(expecting);
      await client.until("100 Continue\r\n\r\n");
      client.send("hello");
      await client.answer();
    },
    expect: {
      status: 200,
      interim: [100],
      seen: ["checkContinue", "continued", ["body", "hello"]],
    },
  },
  {
    name: "checkContinue: is not emitted for other requests",
    setup: "continue",
    serve: (_, response, seen) => {
      seen("served");
      response.end();
    },
    ask: { method: "POST", body: "hello" },
    expect: { status: 200, seen: ["served"] },
  },
  {
    name: "checkContinue: may refuse",
    setup: "continue",
    serve: (_, response) => {
      response.writeHead(401, { Connection: "close" }).end("no");
    },
    ask: async (client) => {
      client.send(expecting);
      await client.answer();
    },
    expect: { status: 401, body: "no", interim: [], seen: ["checkContinue"] },
  },
  {
    name: "checkContinue: takes any spelling of 100-continue",
    setup: "continue",
    serve: async (request, response, seen) => {
      response.writeContinue();
      seen("body", await bodyOf(request));
      response.end();
    },
    ask: async (client) => {
      client.send({ ...expecting, headers: ["Content-Length: 5", "Expect: 100-Continue"] });
      await client.until("100 Continue\r\n\r\n");
      client.send("hello");
      await client.answer();
    },
    expect: { status: 200, seen: ["checkContinue", ["body", "hello"]] },
  },
  {
    name: "Expect: anything else is refused with 417",
    serve: (_, response, seen) => {
      seen("served");
      response.end();
    },
    ask: { method: "POST", headers: ["Content-Length: 0", "Expect: magic"] },
    expect: { status: 417 },
  },
  {
    name: "checkExpectation: gets what is not 100-continue",
    setup: "expectation",
    serve: (request, response, seen) => {
      seen("expect", request.headers.expect);
      response.end("met");
    },
    ask: { method: "POST", headers: ["Content-Length: 0", "Expect: magic"] },
    expect: { status: 200, body: "met", seen: ["checkExpectation", ["expect", "magic"]] },
  },
  {
    name: "checkExpectation: does not get 100-continue",
    setup: "expectation",
    serve: async (request, response, seen) => {
      seen("body", await bodyOf(request));
      response.end();
    },
    ask: async (client) => {
      client.send(expecting);
      await client.until("100 Continue\r\n\r\n");
      client.send("hello");
      await client.answer();
    },
    expect: { status: 200, interim: [100], seen: [["body", "hello"]] },
  },
  {
    name: "102: writeProcessing() sends it",
    serve: async (_, response, seen) => {
      response.writeProcessing();
      await seen.signal("came");
      response.end("done");
    },
    ask: async (client) => {
      client.send({});
      client.note("102", await client.until("HTTP/1.1 102 Processing\r\n"));
      client.signal("came");
      await client.answer();
    },
    expect: { status: 200, body: "done", interim: [102], notes: [["102", true]] },
  },
  {
    name: "103: writeEarlyHints() sends links at once",
    serve: async (_, response, seen) => {
      response.writeEarlyHints({ link: "</a.css>; rel=preload; as=style" });
      await seen.signal("came");
      response.end("done");
    },
    ask: async (client) => {
      client.send({});
      client.note("103", await client.until("HTTP/1.1 103 Early Hints\r\n"));
      client.signal("came");
      await client.answer();
    },
    expect: ({ answers, notes }) => {
      const [first] = answers[0]?.interim ?? [];
      const names = Object.keys(first?.headers ?? {}).map((name) => name.toLowerCase());
      if (first?.status !== 103 || !names.includes("link")) throw new Error(JSON.stringify(first));
      if (JSON.stringify(notes) !== '[["103",true]]') throw new Error("not at once");
    },
  },
  {
    name: "103: several links and other fields",
    serve: (_, response) => {
      response.writeEarlyHints({
        link: ["</a.css>; rel=preload", "</b.js>; rel=preload"],
        "x-trace": "abc",
      });
      response.end("done");
    },
    ask: {},
    expect: { status: 200, interim: [103] },
  },
  {
    name: "103: twice",
    serve: (_, response) => {
      response.writeEarlyHints({ link: "</a>; rel=preload" });
      response.writeEarlyHints({ link: "</b>; rel=preload" });
      response.end("done");
    },
    ask: {},
    expect: { status: 200, interim: [103, 103] },
  },
  {
    name: "103: its links are none of the answer's",
    serve: (_, response) => {
      response.writeEarlyHints({ link: "</a>; rel=preload" });
      response.setHeader("X-One", "1").end("done");
    },
    ask: {},
    expect: { interim: [103], headers: { link: null, "x-one": "1" } },
  },
  {
    name: "103: the answer's own fields are none of it",
    serve: (_, response) => {
      response.setHeader("Set-Cookie", "a=1");
      response.writeEarlyHints({ link: "</a>; rel=preload" });
      response.end("done");
    },
    ask: {},
    expect: ({ answers }) => {
      if (JSON.stringify(answers[0]?.interim).includes("ookie")) throw new Error("has a cookie");
    },
  },
  {
    name: "103: calls back",
    serve: async (_, response, seen) => {
      await new Promise<void>((resolve) => {
        response.writeEarlyHints({ link: "</a>; rel=preload" }, resolve);
      });
      seen("called back");
      response.end("done");
    },
    ask: {},
    expect: { status: 200, interim: [103], seen: ["called back"] },
  },
  {
    name: "103: an invalid link is refused with ERR_INVALID_ARG_VALUE",
    serve: (_, response, seen) => {
      seen.attempt("tried", () => response.writeEarlyHints({ link: "no link\r\nInjected: 1" }));
      response.end("done");
    },
    ask: {},
    expect: { status: 200, interim: [], seen: [["tried", "ERR_INVALID_ARG_VALUE"]] },
  },
  {
    name: "103: a client of HTTP/1.0",
    serve: (_, response) => {
      response.writeEarlyHints({ link: "</a>; rel=preload" });
      response.end("done");
    },
    ask: { version: "1.0" },
    expect: { status: 200, body: "done" },
  },
];
