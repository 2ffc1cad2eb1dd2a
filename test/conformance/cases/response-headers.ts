// SPDX-License-Identifier: Apache-2.0
// The fields of an answer: set, append, get, remove; several values.
import type { ServerResponse } from "node:http";
import type { Behaviour, Serve } from "../case.ts";

/** What Node's types leave out. */
type RawNames = ServerResponse & { getRawHeaderNames(): string[] };

/** Sets fields and ends. */
function set(headers: Readonly<Record<string, string | number | readonly string[]>>): Serve {
  return (_, response) => {
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
    response.end();
  };
}

const setting: Behaviour[] = [
  {
    name: "setHeader: letter case is kept",
    serve: set({ "x-LOWER": "1", "X-Upper": "2" }),
    ask: {},
    expect: (observation) => {
      const names = Object.keys(observation.answers[0]?.headers ?? {});
      if (!names.includes("x-LOWER") || !names.includes("X-Upper")) throw new Error(names.join());
    },
  },
  {
    name: "setHeader: a number becomes text",
    serve: set({ "X-Number": 42 }),
    ask: {},
    expect: { headers: { "x-number": "42" } },
  },
  {
    name: "setHeader: an array becomes several lines",
    serve: set({ "X-Several": ["one", "two", "six"] }),
    ask: {},
    expect: { headers: { "x-several": ["one", "two", "six"] } },
  },
  {
    name: "setHeader: an empty value is sent",
    serve: set({ "X-Empty": "" }),
    ask: {},
    expect: { headers: { "x-empty": "" } },
  },
  {
    name: "setHeader: the last value of a name counts, however it is spelled",
    serve: (_, response) => {
      response.setHeader("X-One", "1").setHeader("x-one", "2").end();
    },
    ask: {},
    expect: { headers: { "x-one": "2" } },
  },
  {
    name: "setHeader: gives the response",
    serve: (_, response, seen) => {
      seen("same", response.setHeader("X-One", "1") === response);
      response.end();
    },
    ask: {},
    expect: { headers: { "x-one": "1" }, seen: [["same", true]] },
  },
  {
    name: "setHeader: latin-1 is sent as it is",
    serve: set({ "X-Latin": "caf\u00e9" }),
    ask: {},
    expect: { headers: { "x-latin": "caf\u00e9" } },
  },
  {
    name: "setHeader: commas in a value stay",
    serve: set({ Vary: "Accept, Origin,  Cookie", "Cache-Control": "no-store, max-age=0" }),
    ask: {},
    expect: {
      headers: { vary: "Accept, Origin,  Cookie", "cache-control": "no-store, max-age=0" },
    },
  },
  {
    name: "setHeader: several Vary lines stay several",
    serve: set({ Vary: ["Accept", "Origin"] }),
    ask: {},
    expect: { headers: { vary: ["Accept", "Origin"] } },
  },
  {
    name: "setHeader: several Link lines stay several",
    serve: set({ Link: ["</a>; rel=preload", "</b>; rel=preload"] }),
    ask: {},
    expect: { headers: { link: ["</a>; rel=preload", "</b>; rel=preload"] } },
  },
  {
    name: "setHeader: several WWW-Authenticate lines stay several",
    serve: set({ "WWW-Authenticate": ["Basic realm=a", "Bearer"] }),
    ask: {},
    expect: { headers: { "www-authenticate": ["Basic realm=a", "Bearer"] } },
  },
  {
    name: "setHeader: Set-Cookie lines arrive one by one and in order",
    serve: set({
      "Set-Cookie": ["a=1; Path=/", "b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "a=3"],
    }),
    ask: {},
    expect: {
      headers: {
        "set-cookie": ["a=1; Path=/", "b=2; Expires=Thu, 01 Jan 2026 00:00:00 GMT", "a=3"],
      },
    },
  },
  {
    name: "setHeader: two equal Set-Cookie lines stay two",
    serve: set({ "Set-Cookie": ["a=1", "a=1"] }),
    ask: {},
    expect: { headers: { "set-cookie": ["a=1", "a=1"] } },
  },
  {
    name: "setHeaders: takes Headers",
    serve: (_, response) => {
      response.setHeaders(new Headers({ "X-One": "1", "X-Two": "2" })).end();
    },
    ask: {},
    expect: { headers: { "x-one": "1", "x-two": "2" } },
  },
  {
    name: "setHeaders: takes a Map",
    serve: (_, response) => {
      response.setHeaders(new Map([["X-One", "1"]])).end();
    },
    ask: {},
    expect: { headers: { "x-one": "1" } },
  },
  {
    name: "appendHeader: adds lines",
    serve: (_, response) => {
      response.appendHeader("X-One", "1").appendHeader("x-one", ["2", "3"]).end();
    },
    ask: {},
    expect: { headers: { "x-one": ["1", "2", "3"] } },
  },
  {
    name: "appendHeader: adds cookies",
    serve: (_, response) => {
      response.setHeader("Set-Cookie", "a=1").appendHeader("Set-Cookie", "b=2").end();
    },
    ask: {},
    expect: { headers: { "set-cookie": ["a=1", "b=2"] } },
  },
  {
    name: "removeHeader: takes it away",
    serve: (_, response) => {
      response.setHeader("X-One", "1").removeHeader("x-ONE");
      response.end();
    },
    ask: {},
    expect: { headers: { "x-one": null } },
  },
  {
    name: "getHeader: gives what was set",
    serve: (_, response, seen) => {
      response.setHeader("X-One", "1").setHeader("X-Two", ["a", "b"]).setHeader("X-Three", 3);
      seen("one", response.getHeader("x-one"));
      seen("two", response.getHeader("x-two"));
      seen("three", response.getHeader("x-three"));
      seen("none", response.getHeader("x-none"));
      response.end();
    },
    ask: {},
    expect: {
      seen: [
        ["one", "1"],
        ["two", ["a", "b"]],
        ["three", 3],
        ["none", "(undefined)"],
      ],
    },
  },
  {
    name: "getHeaders, getHeaderNames, getRawHeaderNames, hasHeader: say what was set",
    serve: (_, response, seen) => {
      response.setHeader("X-One", "1").setHeader("Set-Cookie", ["a=1"]);
      seen("headers", { ...response.getHeaders() });
      seen("names", response.getHeaderNames());
      seen("raw", (response as RawNames).getRawHeaderNames());
      seen("has", [response.hasHeader("x-one"), response.hasHeader("x-none")]);
      response.end();
    },
    ask: {},
    expect: {
      seen: [
        ["headers", { "x-one": "1", "set-cookie": ["a=1"] }],
        ["names", ["x-one", "set-cookie"]],
        ["raw", ["X-One", "Set-Cookie"]],
        ["has", [true, false]],
      ],
    },
  },
  {
    name: "getHeader: works behind the head",
    serve: (_, response, seen) => {
      response.setHeader("X-One", "1").flushHeaders();
      seen("one", response.getHeader("X-One"));
      response.end();
    },
    ask: {},
    expect: { status: 200, seen: [["one", "1"]] },
  },
];

const special: Behaviour[] = [
  {
    name: "Content-Type: stays as the application wrote it",
    serve: set({ "Content-Type": "Text/HTML; Charset=UTF-8" }),
    ask: {},
    expect: { headers: { "content-type": "Text/HTML; Charset=UTF-8" } },
  },
  {
    name: "Content-Type: there is none when the application gives none",
    serve: (_, response) => {
      response.end("bytes");
    },
    ask: {},
    expect: { status: 200, headers: { "content-type": null } },
  },
  {
    name: "Content-Type: an empty one is sent",
    serve: set({ "Content-Type": "" }),
    ask: {},
    expect: { headers: { "content-type": "" } },
  },
  {
    name: "Last-Modified, ETag, Expires, Age: stay as the application wrote them",
    serve: set({
      "Last-Modified": "Sat, 29 Oct 1994 19:43:31 GMT",
      ETag: 'W/"abc"',
      Expires: "0",
      Age: "12",
    }),
    ask: {},
    expect: {
      headers: {
        "last-modified": "Sat, 29 Oct 1994 19:43:31 GMT",
        etag: 'W/"abc"',
        expires: "0",
        age: "12",
      },
    },
  },
  {
    name: "Accept-Ranges: there is none that the application did not give",
    serve: (_, response) => {
      response.setHeader("Content-Length", 5).end("bytes");
    },
    ask: {},
    expect: { headers: { "accept-ranges": null } },
  },
  {
    name: "Range: an application that does not look at it sends 200 and all",
    serve: (_, response) => {
      response.setHeader("Content-Length", 10).end("0123456789");
    },
    ask: { headers: ["Range: bytes=2-4"] },
    expect: { status: 200, body: "0123456789" },
  },
  {
    name: "Range: an application's 206 is sent as it is",
    serve: (_, response) => {
      response.writeHead(206, { "Content-Range": "bytes 2-4/10", "Content-Length": 3 }).end("234");
    },
    ask: { headers: ["Range: bytes=2-4"] },
    expect: { status: 206, body: "234", headers: { "content-range": "bytes 2-4/10" } },
  },
  {
    name: "conditions: an application that does not look at them sends 200",
    serve: (_, response) => {
      response.setHeader("ETag", '"a"').end("whole");
    },
    ask: { headers: ['If-None-Match: "a"'] },
    expect: { status: 200, body: "whole", headers: { etag: '"a"' } },
  },
  {
    name: "conditions: If-Modified-Since of an application that does not look at it sends 200",
    serve: (_, response) => {
      response.setHeader("Last-Modified", "Sat, 29 Oct 1994 19:43:31 GMT").end("whole");
    },
    ask: { headers: ["If-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT"] },
    expect: { status: 200, body: "whole" },
  },
  {
    name: "conditions: If-Match of an application that does not look at it sends 200",
    serve: (_, response) => {
      response.setHeader("ETag", '"a"').end("whole");
    },
    ask: { headers: ['If-Match: "b"'] },
    expect: { status: 200, body: "whole" },
  },
  {
    name: "Location: stays as the application wrote it",
    serve: (_, response) => {
      response.writeHead(302, { Location: "../up?a=b#c" }).end();
    },
    ask: {},
    expect: { status: 302, headers: { location: "../up?a=b#c" } },
  },
  {
    name: "Location: one that begins with a slash is not followed inside the server",
    serve: (_, response) => {
      response.setHeader("Location", "/elsewhere").end("here");
    },
    ask: {},
    expect: { status: 200, body: "here", headers: { location: "/elsewhere" } },
  },
  {
    name: "Status: is a field as any other",
    serve: set({ Status: "404 Nothing" }),
    ask: {},
    expect: { status: 200, headers: { status: "404 Nothing" } },
  },
  {
    name: "Content-Encoding: a body is sent as it is",
    serve: (_, response) => {
      response.setHeader("Content-Encoding", "gzip").end("not gzip");
    },
    ask: { headers: ["Accept-Encoding: gzip"] },
    expect: { body: "not gzip", headers: { "content-encoding": "gzip" } },
  },
  {
    name: "150 fields of an answer arrive",
    serve: (_, response) => {
      for (let at = 0; at < 150; at++) response.setHeader(`X-Many-${at}`, at);
      response.end();
    },
    ask: {},
    expect: { status: 200, headers: { "x-many-0": "0", "x-many-149": "149" } },
  },
  {
    name: "a field of 20000 bytes of an answer arrives",
    serve: set({ "X-Long": "v".repeat(20_000) }),
    ask: {},
    expect: { status: 200, headers: { "x-long": "v".repeat(20_000) } },
  },
  {
    name: "sendDate: is true to begin with",
    serve: (_, response, seen) => {
      seen("sendDate", response.sendDate);
      response.end();
    },
    ask: {},
    expect: { seen: [["sendDate", true]] },
  },
];

export const responseHeaders: readonly Behaviour[] = [...setting, ...special];
