// SPDX-License-Identifier: Apache-2.0
// method, url and httpVersion.
import { METHODS } from "node:http";
import type { Behaviour } from "../case.ts";
import { note } from "./helpers.ts";

/** Those that need more than a line: they change what follows on the connection. */
const special: ReadonlySet<string> = new Set(["CONNECT", "HEAD", "TRACE", "GET"]);

const methods: Behaviour[] = [
  ...METHODS.filter((method) => !special.has(method)).map((method) => ({
    name: `method: ${method} reaches the application`,
    serve: note((request) => ({ method: request.method })),
    ask: { method, headers: ["Content-Length: 0"] },
    expect: { status: 200, seen: [["method", method]] },
  })),
  {
    name: "method: GET reaches the application",
    serve: note((request) => ({ method: request.method })),
    ask: {},
    expect: { status: 200, seen: [["method", "GET"]] },
  },
  {
    name: "method: HEAD reaches the application",
    serve: note((request) => ({ method: request.method })),
    ask: { method: "HEAD" },
    expect: { status: 200, seen: [["method", "HEAD"]] },
  },
  {
    name: "method: TRACE reaches the application",
    serve: note((request) => ({ method: request.method })),
    ask: { method: "TRACE" },
    expect: { status: 200, seen: [["method", "TRACE"]] },
  },
  {
    name: "method: one that node:http does not know is refused",
    serve: note((request) => ({ method: request.method })),
    ask: { method: "FROBNICATE" },
    expect: { status: 400 },
  },
  {
    name: "method: lower-case letters are another method, and refused",
    serve: note((request) => ({ method: request.method })),
    ask: { method: "get" },
    expect: { status: 400 },
  },
  {
    name: "method: GET may have a body",
    serve: async (request, response, seen) => {
      seen("body", Buffer.concat(await request.toArray()));
      response.end();
    },
    ask: { method: "GET", body: "of a GET" },
    expect: { status: 200, seen: [["body", "of a GET"]] },
  },
  {
    name: "method: DELETE may have a body",
    serve: async (request, response, seen) => {
      seen("body", Buffer.concat(await request.toArray()));
      response.end();
    },
    ask: { method: "DELETE", body: "of a DELETE" },
    expect: { status: 200, seen: [["body", "of a DELETE"]] },
  },
  {
    name: "method: OPTIONS of * reaches the application",
    serve: note((request) => ({ method: request.method, url: request.url })),
    ask: { method: "OPTIONS", target: "*", headers: ["Content-Length: 0"] },
    expect: {
      status: 200,
      seen: [
        ["method", "OPTIONS"],
        ["url", "*"],
      ],
    },
  },
];

/** Targets by what is odd about them. */
const targets: Readonly<Record<string, string>> = {
  "a plain path": "/path/to",
  "a query": "/path?a=1&b=2",
  "an empty query": "/path?",
  "two question marks": "/path?a?b",
  "a query alone": "/?only",
  "an encoded blank": "/a%20b",
  "an encoded letter": "/%61bc",
  "lower-case hex": "/%c3%a9",
  "upper-case hex": "/%C3%A9",
  "an encoded percent sign": "/100%25",
  "an encoded question mark": "/what%3F",
  "an encoded number sign": "/a%23b",
  "an encoded slash": "/a%2Fb",
  "an encoded backslash": "/a%5Cb",
  "an encoded NUL": "/a%00b",
  "an encoded line feed": "/a%0Ab",
  "an encoded slash in the query": "/a?b=c%2Fd",
  "an encoded NUL in the query": "/a?b=%00",
  "a percent sign that encodes nothing": "/a%zzb",
  "a percent sign that encodes nothing, in the query": "/a?b=%zz",
  "two slashes": "/a//b",
  "two slashes at the beginning": "//a/b",
  "a slash at the end": "/a/b/",
  "a dot": "/a/./b",
  "two dots": "/a/../b",
  "encoded dots": "/a/%2e%2e/b",
  "two dots in the query": "/a?file=../b",
  "dots above the root": "/../../etc/passwd",
  "a semicolon": "/a;b=c",
  "a colon": "/a:b",
  "an at sign": "/@user",
  "a plus sign": "/a+b?c+d",
  "a tilde": "/~user",
  brackets: "/a[0]?b[c]=d",
  braces: "/a{b}",
  "a vertical bar": "/a|b",
  "a quotation mark": '/a"b',
  "an apostrophe": "/it's",
  "a less-than sign": "/a<b>",
  "a backslash": "/a\\b",
  "a caret and a grave accent": "/a^b`c",
  "a star": "/a*b",
  "a fragment": "/a#b",
  "an absolute form": "http://listener.test/a?b",
  "an absolute form with a port": "http://listener.test:8080/a",
};

const urls: Behaviour[] = Object.entries(targets).map(([what, target]) => ({
  name: `url: ${what} arrives as it was sent`,
  serve: note((request) => ({ url: request.url })),
  ask: { target },
  expect: { status: 200, seen: [["url", target]] },
}));

const versions: Behaviour[] = [
  {
    name: "httpVersion: 1.1",
    serve: note((request) => ({
      version: request.httpVersion,
      major: request.httpVersionMajor,
      minor: request.httpVersionMinor,
    })),
    ask: {},
    expect: {
      seen: [
        ["version", "1.1"],
        ["major", 1],
        ["minor", 1],
      ],
    },
  },
  {
    name: "httpVersion: 1.0",
    serve: note((request) => ({
      version: request.httpVersion,
      major: request.httpVersionMajor,
      minor: request.httpVersionMinor,
    })),
    ask: { version: "1.0" },
    expect: {
      seen: [
        ["version", "1.0"],
        ["major", 1],
        ["minor", 0],
      ],
    },
  },
  {
    name: "httpVersion: 1.0 without Host is served",
    serve: note((request) => ({ host: request.headers.host })),
    ask: { version: "1.0", host: null },
    expect: { status: 200, seen: [["host", "(undefined)"]] },
  },
  {
    name: "httpVersion: 1.1 without Host is refused",
    serve: note(() => ({ called: true })),
    ask: { host: null },
    expect: { status: 400 },
  },
  {
    name: "httpVersion: 1.0 gets a body of unknown length whole",
    serve: (_, response) => {
      response.write("one ");
      response.end("two");
    },
    ask: { version: "1.0" },
    expect: { status: 200, body: "one two", whole: true, headers: { "transfer-encoding": null } },
  },
];

export const requestLine: readonly Behaviour[] = [...methods, ...urls, ...versions];
