// SPDX-License-Identifier: Apache-2.0
// headers, rawHeaders, headersDistinct: names, values, duplicates, limits.
import type { Behaviour } from "../case.ts";
import { note, rawHeadersOf } from "./helpers.ts";

const raw = note((request) => ({ raw: rawHeadersOf(request) }));

/** Fields of which node:http keeps the first (lib/_http_incoming.js). */
const keptOnce = [
  "Age",
  "Authorization",
  "Content-Type",
  "ETag",
  "Expires",
  "From",
  "If-Modified-Since",
  "If-Unmodified-Since",
  "Last-Modified",
  "Location",
  "Max-Forwards",
  "Proxy-Authorization",
  "Referer",
  "Retry-After",
  "Server",
  "User-Agent",
];

const joined = ["Accept", "X-List", "Via", "Cache-Control", "Accept-Encoding", "X-Forwarded-For"];

const duplicates: Behaviour[] = [
  ...keptOnce.map((name) => ({
    name: `request headers: of two ${name} lines the first counts`,
    serve: note((request) => ({
      value: request.headers[name.toLowerCase()],
      raw: rawHeadersOf(request),
    })),
    ask: { headers: [`${name}: one`, `${name}: two`] },
    expect: {
      status: 200,
      seen: [
        ["value", "one"],
        ["raw", [name, "one", name, "two"]],
      ],
    },
  })),
  ...joined.map((name) => ({
    name: `request headers: two ${name} lines are joined`,
    serve: note((request) => ({
      value: request.headers[name.toLowerCase()],
      distinct: request.headersDistinct[name.toLowerCase()],
    })),
    ask: { headers: [`${name}: one`, `X-Between: 1`, `${name}: two`] },
    expect: {
      seen: [
        ["value", "one, two"],
        ["distinct", ["one", "two"]],
      ],
    },
  })),
  {
    name: "request headers: two Cookie lines are joined by semicolons",
    serve: note((request) => ({
      value: request.headers.cookie,
      distinct: request.headersDistinct["cookie"],
    })),
    ask: { headers: ["Cookie: a=1", "Cookie: b=2; c=3"] },
    expect: {
      seen: [
        ["value", "a=1; b=2; c=3"],
        ["distinct", ["a=1", "b=2; c=3"]],
      ],
    },
  },
  {
    name: "request headers: a Cookie with a comma in its value stays as it is",
    serve: note((request) => ({ value: request.headers.cookie })),
    ask: { headers: ["Cookie: a=1,2", "Cookie: b=3"] },
    expect: { seen: [["value", "a=1,2; b=3"]] },
  },
  {
    name: "request headers: Set-Cookie lines are an array",
    serve: note((request) => ({ value: request.headers["set-cookie"] })),
    ask: { headers: ["Set-Cookie: a=1", "Set-Cookie: b=2"] },
    expect: { seen: [["value", ["a=1", "b=2"]]] },
  },
];

const spelling: Behaviour[] = [
  {
    name: "rawHeaders keeps letter case and order",
    serve: raw,
    ask: { headers: ["x-B: 1", "X-a: 2", "ACCEPT: 3", "x-c: 4"] },
    expect: { seen: [["raw", ["x-B", "1", "X-a", "2", "ACCEPT", "3", "x-c", "4"]]] },
  },
  {
    name: "headers has lower-case names",
    serve: note((request) => ({
      names: Object.keys(request.headers).filter((name) => name.startsWith("x-u")),
    })),
    ask: { headers: ["X-Upper: 1", "x-unter: 2"] },
    expect: { seen: [["names", ["x-upper", "x-unter"]]] },
  },
  {
    name: "headers has no value of Object.prototype",
    serve: note((request) => ({
      own: Object.keys(request.headers).includes("constructor"),
      constructor: typeof request.headers["constructor"],
    })),
    ask: { headers: ["__proto__: evil"] },
    expect: {
      seen: [
        ["own", false],
        ["constructor", "function"],
      ],
    },
  },
  {
    name: "a header's value loses blanks around it",
    serve: raw,
    ask: { headers: ["X-Blank:   padded \t "] },
    expect: { seen: [["raw", ["X-Blank", "padded"]]] },
  },
  {
    name: "a header without a value is an empty string",
    serve: note((request) => ({ value: request.headers["x-empty"] })),
    ask: { headers: ["X-Empty:"] },
    expect: { seen: [["value", ""]] },
  },
  {
    name: "a header's value keeps inner blanks and tabs",
    serve: raw,
    ask: { headers: ["X-Inner: a  b\tc"] },
    expect: { seen: [["raw", ["X-Inner", "a  b\tc"]]] },
  },
  {
    name: "a header's value is latin-1",
    serve: note((request) => ({ value: request.headers["x-latin"] })),
    ask: { headers: ["X-Latin: caf\u00e9 \u00ff"] },
    expect: { seen: [["value", "caf\u00e9 \u00ff"]] },
  },
  {
    name: "UTF-8 in a header's value arrives as its bytes",
    serve: note((request) => ({
      text: Buffer.from(String(request.headers["x-utf8"]), "latin1").toString("utf8"),
    })),
    ask: { headers: [`X-UTF8: ${Buffer.from("zażółć", "utf8").toString("latin1")}`] },
    expect: { seen: [["text", "zażółć"]] },
  },
  {
    name: "a header's name may have all characters of a token",
    serve: raw,
    ask: { headers: ["X-!#$%&'*+-.^_`|~9: odd"] },
    expect: { seen: [["raw", ["X-!#$%&'*+-.^_`|~9", "odd"]]] },
  },
  {
    name: "Host arrives as it was sent",
    serve: note((request) => ({ host: request.headers.host })),
    ask: { host: "WWW.Example.COM:8080" },
    expect: { seen: [["host", "WWW.Example.COM:8080"]] },
  },
  {
    name: "Range and conditions reach the application",
    serve: note((request) => ({
      range: request.headers.range,
      match: request.headers["if-none-match"],
      since: request.headers["if-modified-since"],
    })),
    ask: {
      headers: [
        "Range: bytes=0-3",
        'If-None-Match: "a"',
        "If-Modified-Since: Sat, 29 Oct 1994 19:43:31 GMT",
      ],
    },
    expect: {
      status: 200,
      seen: [
        ["range", "bytes=0-3"],
        ["match", '"a"'],
        ["since", "Sat, 29 Oct 1994 19:43:31 GMT"],
      ],
    },
  },
  {
    name: "Authorization reaches the application",
    serve: note((request) => ({ value: request.headers.authorization })),
    ask: { headers: ["Authorization: Basic dTpw"] },
    expect: { seen: [["value", "Basic dTpw"]] },
  },
  {
    name: "headers of the connection reach the application",
    serve: raw,
    ask: { headers: ["Connection: keep-alive, X-Hop", "Keep-Alive: timeout=3", "X-Hop: 1"] },
    expect: {
      seen: [["raw", ["Connection", "keep-alive, X-Hop", "Keep-Alive", "timeout=3", "X-Hop", "1"]]],
    },
  },
  {
    name: "TE reaches the application",
    serve: raw,
    ask: { headers: ["TE: trailers"] },
    expect: { seen: [["raw", ["TE", "trailers"]]] },
  },
  {
    name: "a Proxy header reaches the application",
    serve: raw,
    ask: { headers: ["Proxy: http://evil.test"] },
    expect: { seen: [["raw", ["Proxy", "http://evil.test"]]] },
  },
];

function many(count: number, prefix = "X-Many-"): string[] {
  return Array.from({ length: count }, (_, at) => `${prefix}${at}: ${at}`);
}

const limits: Behaviour[] = [
  {
    name: "90 header lines arrive in order",
    serve: note((request) => ({ raw: rawHeadersOf(request).join() })),
    ask: { headers: many(90) },
    expect: { seen: [["raw", many(90).join().replaceAll(": ", ",")]] },
  },
  {
    name: "150 header lines arrive",
    serve: note((request) => ({ count: rawHeadersOf(request).length / 2 })),
    ask: { headers: many(150) },
    expect: { seen: [["count", 150]] },
  },
  {
    name: "90 lines of one name are joined",
    serve: note((request) => ({ count: request.headers["x-one"]?.length })),
    ask: { headers: Array.from({ length: 90 }, () => "X-One: v") },
    expect: { seen: [["count", 90 + 89 * 2]] },
  },
  {
    name: "a value of 8000 bytes arrives",
    serve: note((request) => ({ length: request.headers["x-long"]?.length })),
    ask: { headers: [`X-Long: ${"v".repeat(8000)}`] },
    expect: { seen: [["length", 8000]] },
  },
  {
    name: "a value of 12000 bytes arrives",
    serve: note((request) => ({ length: request.headers["x-long"]?.length })),
    ask: { headers: [`X-Long: ${"v".repeat(12_000)}`] },
    expect: { seen: [["length", 12_000]] },
  },
  {
    name: "a head of 32 KiB is refused with 431",
    serve: note(() => ({ called: true })),
    ask: { headers: many(8, `X-${"n".repeat(4096)}-`) },
    expect: { status: 431 },
  },
  {
    name: "a query of 7000 bytes arrives",
    serve: note((request) => ({ length: request.url?.length })),
    ask: { target: `/?${"t".repeat(6998)}` },
    expect: { seen: [["length", 7000]] },
  },
  {
    name: "a query of 10000 bytes arrives",
    serve: note((request) => ({ length: request.url?.length })),
    ask: { target: `/?${"t".repeat(9998)}` },
    expect: { seen: [["length", 10_000]] },
  },
  {
    name: "a path whose segments are longer than names of files may be arrives",
    serve: note((request) => ({ length: request.url?.length })),
    ask: { target: `/${"t".repeat(299)}` },
    expect: { seen: [["length", 300]] },
  },
  {
    name: "a path that is longer than those of files may be arrives",
    serve: note((request) => ({ length: request.url?.length })),
    ask: { target: `/${"t".repeat(149)}`.repeat(40) },
    expect: { seen: [["length", 6000]] },
  },
];

export const requestHeaders: readonly Behaviour[] = [...duplicates, ...spelling, ...limits];
