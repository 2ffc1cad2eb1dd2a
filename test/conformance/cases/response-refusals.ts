// SPDX-License-Identifier: Apache-2.0
// What node:http does not let into the head of an answer: injection, names and values that are none, changes that come too late.
import type { Behaviour, Serve } from "../case.ts";

/** Actions that node:http refuses, with the code of its error. */
const refusals: Readonly<Record<string, [Serve, string]>> = {
  "setHeader: a line feed in a value": [
    (_, r, seen) => seen.attempt("tried", () => r.setHeader("X-Bad", "a\nInjected: 1")),
    "ERR_INVALID_CHAR",
  ],
  "setHeader: a carriage return in a value": [
    (_, r, seen) => seen.attempt("tried", () => r.setHeader("X-Bad", "a\r\nInjected: 1")),
    "ERR_INVALID_CHAR",
  ],
  "setHeader: a NUL in a value": [
    (_, r, seen) => seen.attempt("tried", () => r.setHeader("X-Bad", "a\0b")),
    "ERR_INVALID_CHAR",
  ],
  "setHeader: a character beyond latin-1": [
    (_, r, seen) => seen.attempt("tried", () => r.setHeader("X-Bad", "zażółć")),
    "ERR_INVALID_CHAR",
  ],
  "setHeader: a value that is undefined": [
    (_, r, seen) => seen.attempt("tried", () => r.setHeader("X-Bad", undefined as never)),
    "ERR_HTTP_INVALID_HEADER_VALUE",
  ],
  "setHeader: a line feed in one value of several": [
    (_, r, seen) => seen.attempt("tried", () => r.setHeader("X-Bad", ["a", "b\nc"])),
    "ERR_INVALID_CHAR",
  ],
  "setHeader: a blank in a name": [
    (_, r, seen) => seen.attempt("tried", () => r.setHeader("X Bad", "1")),
    "ERR_INVALID_HTTP_TOKEN",
  ],
  "setHeader: a colon in a name": [
    (_, r, seen) => seen.attempt("tried", () => r.setHeader("X-Bad:", "1")),
    "ERR_INVALID_HTTP_TOKEN",
  ],
  "setHeader: a line feed in a name": [
    (_, r, seen) => seen.attempt("tried", () => r.setHeader("X-Bad\nInjected", "1")),
    "ERR_INVALID_HTTP_TOKEN",
  ],
  "setHeader: an empty name": [
    (_, r, seen) => seen.attempt("tried", () => r.setHeader("", "1")),
    "ERR_INVALID_HTTP_TOKEN",
  ],
  "setHeader: behind the head": [
    (_, r, seen) => {
      r.flushHeaders();
      seen.attempt("tried", () => r.setHeader("X-Late", "1"));
    },
    "ERR_HTTP_HEADERS_SENT",
  ],
  "appendHeader: behind the head": [
    (_, r, seen) => {
      r.flushHeaders();
      seen.attempt("tried", () => r.appendHeader("X-Late", "1"));
    },
    "ERR_HTTP_HEADERS_SENT",
  ],
  "removeHeader: behind the head": [
    (_, r, seen) => {
      r.flushHeaders();
      seen.attempt("tried", () => r.removeHeader("X-Late"));
    },
    "ERR_HTTP_HEADERS_SENT",
  ],
  "writeHead: behind the head": [
    (_, r, seen) => {
      r.flushHeaders();
      seen.attempt("tried", () => r.writeHead(500));
    },
    "ERR_HTTP_HEADERS_SENT",
  ],
  "writeHead: a line feed in a value": [
    (_, r, seen) => seen.attempt("tried", () => r.writeHead(200, { "X-Bad": "a\nInjected: 1" })),
    "ERR_INVALID_CHAR",
  ],
  "writeHead: a line feed in a value of a list": [
    (_, r, seen) => seen.attempt("tried", () => r.writeHead(200, ["X-Bad", "a\nInjected: 1"])),
    "ERR_INVALID_CHAR",
  ],
  "writeHead: a blank in a name": [
    (_, r, seen) => seen.attempt("tried", () => r.writeHead(200, { "X Bad": "1" })),
    "ERR_INVALID_HTTP_TOKEN",
  ],
  "writeHead: a line feed in the reason": [
    (_, r, seen) => {
      seen.attempt("tried", () => r.writeHead(200, "OK\nInjected: 1"));
      r.statusMessage = "OK";
    },
    "ERR_INVALID_CHAR",
  ],
  "writeHead: a list of odd length": [
    (_, r, seen) => seen.attempt("tried", () => r.writeHead(200, ["X-One"])),
    "ERR_INVALID_ARG_VALUE",
  ],
  "writeHead: a status below 100": [
    (_, r, seen) => seen.attempt("tried", () => r.writeHead(99)),
    "ERR_HTTP_INVALID_STATUS_CODE",
  ],
  "writeHead: a status above 999": [
    (_, r, seen) => seen.attempt("tried", () => r.writeHead(1000)),
    "ERR_HTTP_INVALID_STATUS_CODE",
  ],
  "writeHead: a status that is no number": [
    (_, r, seen) => seen.attempt("tried", () => r.writeHead("teapot" as never)),
    "ERR_HTTP_INVALID_STATUS_CODE",
  ],
  "statusMessage: a line feed": [
    (_, r, seen) => {
      r.statusMessage = "OK\r\nInjected: 1";
      seen.attempt("tried", () => r.flushHeaders());
      r.statusMessage = "OK";
    },
    "ERR_INVALID_CHAR",
  ],
  "addTrailers: a line feed in a value": [
    (_, r, seen) => {
      r.setHeader("Trailer", "X-Bad");
      seen.attempt("tried", () => r.addTrailers({ "X-Bad": "a\nInjected: 1" }));
    },
    "ERR_INVALID_CHAR",
  ],
  "addTrailers: a blank in a name": [
    (_, r, seen) => {
      r.setHeader("Trailer", "X-Bad");
      seen.attempt("tried", () => r.addTrailers({ "X Bad": "1" }));
    },
    "ERR_INVALID_HTTP_TOKEN",
  ],
};

export const responseRefusals: readonly Behaviour[] = Object.entries(refusals).map(
  ([what, [serve, code]]) => ({
    name: `${what} is refused with ${code}`,
    serve: async (request, response, seen) => {
      await serve(request, response, seen);
      response.end("still here");
    },
    ask: {},
    expect: {
      body: "still here",
      headers: { injected: null, "x-bad": null, "x-late": null },
      seen: [["tried", code]],
    },
  }),
);
