// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type Case, describeApplication, type Story } from "./cases.ts";

const html = "text/html; charset=utf-8";
const json = "application/json; charset=utf-8";
const text = "text/plain; charset=utf-8";

const sending: Case[] = [
  {
    title: "sends a string as HTML with an ETag",
    path: "/send/string",
    text: "hello",
    expect: {
      "content-type": html,
      "content-length": "5",
      etag: /^W\/"5-/,
      "x-powered-by": "Express",
    },
  },
  {
    title: "counts bytes and not characters",
    path: "/send/html",
    text: "<p>ünï</p>",
    expect: { "content-length": "12" },
  },
  {
    title: "sends a Buffer as octets",
    path: "/send/buffer",
    expect: { "content-type": "application/octet-stream", "content-length": "4" },
  },
  {
    title: "sends a Uint8Array as octets",
    path: "/send/uint8",
    text: "AB",
    expect: { "content-type": "application/octet-stream" },
  },
  {
    title: "sends an object as JSON",
    path: "/send/object",
    json: { a: 1 },
    expect: { "content-type": json },
  },
  { title: "sends an array as JSON", path: "/send/array", json: [1, 2] },
  { title: "sends null as nothing", path: "/send/null", text: "" },
  {
    title: "sends a boolean as JSON",
    path: "/send/true",
    json: true,
    expect: { "content-type": json },
  },
  {
    title: "sends an empty string",
    path: "/send/empty",
    text: "",
    expect: { "content-length": "0" },
  },
  { title: "sends nothing at all", path: "/send/undefined", text: "" },
  {
    title: "keeps the type that was set",
    path: "/send/typed",
    text: "typed",
    expect: { "content-type": text },
  },
  {
    title: "sends no body with 204",
    path: "/send/204",
    status: 204,
    text: "",
    expect: { "content-type": null, "content-length": null },
  },
  {
    title: "sends no body with 205",
    path: "/send/205",
    status: 205,
    text: "",
    expect: { "content-length": "0" },
  },
  { title: "sends no body with 304", path: "/send/304", status: 304, text: "" },
  { title: "keeps an ETag that was set", path: "/send/etag", expect: { etag: '"mine"' } },
  {
    title: "answers 304 to a matching ETag",
    path: "/send/etag",
    headers: { "If-None-Match": '"mine"' },
    status: 304,
    text: "",
    expect: { etag: '"mine"' },
  },
  {
    title: "answers 304 to If-None-Match of any",
    path: "/send/string",
    headers: { "If-None-Match": "*" },
    status: 304,
    text: "",
  },
  {
    title: "answers 200 where Cache-Control forbids 304",
    path: "/send/etag",
    headers: { "If-None-Match": '"mine"', "Cache-Control": "no-cache" },
    text: "own etag",
  },
  {
    title: "sends 200,000 bytes whole",
    path: "/send/large",
    text: /^x{200000}$/,
    expect: { "content-length": "200000" },
  },
  {
    title: "answers a range of its own body with the whole",
    path: "/send/large",
    headers: { Range: "bytes=0-9" },
    expect: { "content-range": null, "content-length": "200000" },
  },
  {
    title: "sends a status with its name as body",
    path: "/send/status",
    status: 418,
    text: "I'm a Teapot",
    expect: { "content-type": text },
  },
  {
    title: "sends 404 with its name as body",
    path: "/send/status-404",
    status: 404,
    text: "Not Found",
  },
  {
    title: "ends with a body",
    path: "/send/end",
    status: 201,
    text: "ended",
    expect: { "content-type": null, "content-length": "5" },
  },
  { title: "writes in pieces", path: "/send/write", text: "one two three" },
  { title: "pipes a stream", path: "/send/stream", text: "abc" },
  { title: "sends a status of its own", path: "/send/reason", status: 299, text: "x" },
  {
    title: "sends JSON",
    path: "/json/object",
    json: { a: { b: [1, null, "ü"] } },
    expect: { "content-type": json },
  },
  {
    title: "sends null as JSON",
    path: "/json/null",
    text: "null",
    expect: { "content-type": json },
  },
  { title: "sends a string as JSON", path: "/json/string", text: '"text"' },
  { title: "sends a number as JSON", path: "/json/number", text: "12" },
  {
    title: "keeps a JSON type that was set",
    path: "/json/typed",
    expect: { "content-type": "application/vnd.api+json; charset=utf-8" },
  },
  { title: "sends JSON with a status", path: "/json/status", status: 422, json: { error: "no" } },
  {
    title: "sends JSON where no callback is named",
    path: "/jsonp",
    expect: { "content-type": json },
  },
  {
    title: "sends JSONP with a callback",
    path: "/jsonp?callback=something",
    text: /^\/\*\*\/ typeof something === 'function' && something\(\{"a":"<\/script>\\u2028"\}\);$/,
    expect: {
      "content-type": "text/javascript; charset=utf-8",
      "x-content-type-options": "nosniff",
    },
  },
  {
    title: "keeps only safe characters of a callback",
    path: "/jsonp?callback=foo;bar()",
    text: /foobar\(/,
  },
  {
    title: "ignores a callback that is a list",
    path: "/jsonp?callback=a&callback=b",
    expect: { "content-type": /./ },
  },
];

const fields: Case[] = [
  {
    title: "sets fields",
    path: "/fields/set",
    expect: { "x-one": "1", "x-two": "2", "x-three": "3" },
  },
  { title: "sets a field with a list", path: "/fields/array", expect: { "x-many": "a, b" } },
  {
    title: "appends to fields",
    path: "/fields/append",
    expect: { link: "</a>, </b>", "set-cookie": "a=1, b=2" },
  },
  {
    title: "reads a field that was set",
    path: "/fields/get",
    json: "application/json; charset=utf-8",
  },
  {
    title: "sets a type by extension",
    path: "/fields/type/png",
    expect: { "content-type": "image/png; charset=utf-8" },
  },
  {
    title: "adds a charset to a text type",
    path: "/fields/type/html",
    expect: { "content-type": html },
  },
  {
    title: "sets a type by name",
    path: "/fields/type/application-pdf",
    expect: { "content-type": "application/pdf; charset=utf-8" },
  },
  {
    title: "sets Link",
    path: "/fields/links",
    expect: { link: '</n>; rel="next", </l>; rel="last"' },
  },
  { title: "gathers Vary", path: "/fields/vary", expect: { vary: "Accept, Cookie, Origin" } },
  { title: "varies on all", path: "/fields/vary-all", expect: { vary: "*" } },
  { title: "encodes Location", path: "/fields/location", expect: { location: "/%C3%BC?a=b%20c" } },
  { title: "sends values as latin-1", path: "/fields/latin1", expect: { "x-latin": "caf\u00e9" } },
  {
    title: "refuses a value with a line break",
    path: "/fields/invalid",
    status: 500,
    expect: { "x-injected": null, "x-bad": null },
  },
  {
    title: "removes fields",
    path: "/fields/removed",
    expect: { "x-gone": null, "x-powered-by": null },
  },
  { title: "flushes the head", path: "/fields/sent", json: { sent: true } },
];

const cookies: Case[] = [
  { title: "sets a cookie", path: "/cookie/set", expect: { "set-cookie": "name=tobi; Path=/" } },
  {
    title: "sets a cookie with options",
    path: "/cookie/options",
    expect: {
      "set-cookie": "name=tobi; Domain=.example.com; Path=/admin; HttpOnly; Secure; SameSite=Lax",
    },
  },
  {
    title: "sets Max-Age and Expires",
    path: "/cookie/max-age",
    varies: true,
    expect: { "set-cookie": /^name=tobi; Max-Age=1; Path=\/; Expires=.+ GMT$/ },
  },
  {
    title: "sets Expires",
    path: "/cookie/expires",
    expect: { "set-cookie": "name=x; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT" },
  },
  {
    title: "sets an object as JSON",
    path: "/cookie/object",
    expect: { "set-cookie": "user=j%3A%7B%22name%22%3A%22tobi%22%7D; Path=/" },
  },
  {
    title: "encodes a value",
    path: "/cookie/encode",
    expect: { "set-cookie": "name=a%20b%3Bc; Path=/" },
  },
  {
    title: "sets several cookies and clears one",
    path: "/cookie/many",
    expect: {
      "set-cookie": "a=1; Path=/, b=2; Path=/, c=; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
    },
  },
  {
    title: "sets Priority and Partitioned",
    path: "/cookie/priority",
    expect: { "set-cookie": "a=1; Path=/; Partitioned; Priority=High" },
  },
  { title: "reads a cookie", path: "/cookies", headers: { Cookie: "a=1; b=2" }, json: "a=1; b=2" },
  {
    title: "joins the lines of Cookie by a semicolon",
    path: "/cookies",
    headers: { Cookie: ["a=1", "b=2"] },
    json: "a=1; b=2",
  },
];

const redirects: Case[] = [
  {
    title: "redirects with 302",
    path: "/redirect/plain",
    status: 302,
    text: "Found. Redirecting to /elsewhere",
    expect: { location: "/elsewhere", "content-type": text, vary: "Accept" },
  },
  {
    title: "redirects with an HTML body",
    path: "/redirect/plain",
    headers: { Accept: "text/html" },
    status: 302,
    text: /<p>Found. Redirecting to \/elsewhere<\/p>/,
  },
  {
    title: "redirects with no body to who takes neither",
    path: "/redirect/plain",
    headers: { Accept: "image/png" },
    status: 302,
    text: "",
  },
  {
    title: "redirects with 301 to another site",
    path: "/redirect/301",
    status: 301,
    expect: { location: "http://example.com/a?b=c" },
  },
  {
    title: "redirects to a relative address as it is",
    path: "/redirect/relative",
    status: 302,
    expect: { location: "../login" },
  },
  {
    title: "encodes the address of a redirect",
    path: "/redirect/encoded",
    status: 302,
    expect: { location: "/%E2%98%83%20&%20%3Cmore%3E" },
  },
  {
    title: "redirects a HEAD without a body",
    path: "/redirect/plain",
    method: "HEAD",
    status: 302,
    text: "",
  },
];

const accept = (value: string): { headers: { Accept: string } } => ({ headers: { Accept: value } });
const negotiation: Case[] = [
  {
    title: "takes the first format where none is asked for",
    path: "/format",
    text: "plain",
    expect: { vary: "Accept" },
  },
  {
    title: "takes the format that is asked for",
    path: "/format",
    ...accept("application/json"),
    json: { format: "json" },
  },
  {
    title: "takes the format of the highest quality",
    path: "/format",
    ...accept("text/plain;q=.1, text/html;q=.5"),
    text: "<b>html</b>",
  },
  {
    title: "answers 406 where no format fits",
    path: "/format",
    ...accept("image/png"),
    status: 406,
  },
  {
    title: "takes the default format",
    path: "/format/default",
    ...accept("image/png"),
    status: 406,
    text: "none of these",
  },
  {
    title: "knows what a client accepts",
    path: "/accepts",
    headers: {
      Accept: "text/html",
      "Accept-Charset": "iso-8859-1",
      "Accept-Encoding": "br, gzip;q=0.5",
      "Accept-Language": "en;q=.8, de",
    },
    json: { accepts: "html", charset: "iso-8859-1", encoding: "br", language: "de" },
  },
  {
    title: "takes anything from a client that says nothing",
    path: "/accepts",
    json: { accepts: "json", charset: "utf-8", encoding: false, language: "de" },
  },
  {
    title: "knows a JSON body",
    path: "/is",
    method: "POST",
    body: "{}",
    headers: { "Content-Type": "application/json" },
    json: ["json", false, "application/json", false],
  },
  {
    title: "knows a text body with a charset",
    path: "/is",
    method: "POST",
    body: "x",
    headers: { "Content-Type": "text/plain; charset=utf-8" },
    json: [false, "text/plain", false, false],
  },
  {
    title: "knows a form",
    path: "/is",
    method: "POST",
    body: "a=b",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    json: [false, false, "application/x-www-form-urlencoded", "urlencoded"],
  },
];

const range = (value: string): { headers: { Range: string } } => ({ headers: { Range: value } });
const sentFiles: Case[] = [
  {
    title: "sends a file",
    path: "/file/plain",
    text: "hello from a file\n",
    expect: {
      "content-type": text,
      "content-length": "18",
      "accept-ranges": "bytes",
      etag: /^W\/"12-/,
      "last-modified": / GMT$/,
      "cache-control": "public, max-age=0",
    },
  },
  {
    title: "answers HEAD of a file",
    path: "/file/plain",
    method: "HEAD",
    text: "",
    expect: { "content-length": "18" },
  },
  {
    title: "sends a range of a file",
    path: "/file/plain",
    ...range("bytes=0-4"),
    status: 206,
    text: "hello",
    expect: { "content-range": "bytes 0-4/18", "content-length": "5" },
  },
  {
    title: "sends the end of a file",
    path: "/file/plain",
    ...range("bytes=-5"),
    status: 206,
    text: "file\n",
    expect: { "content-range": "bytes 13-17/18" },
  },
  {
    title: "sends the rest of a file",
    path: "/file/plain",
    ...range("bytes=13-"),
    status: 206,
    text: "file\n",
  },
  {
    title: "refuses a range behind the end",
    path: "/file/plain",
    ...range("bytes=50-60"),
    status: 416,
    expect: { "content-range": "bytes */18" },
  },
  {
    title: "ignores a range of another unit",
    path: "/file/plain",
    ...range("items=0-1"),
    text: "hello from a file\n",
  },
  {
    title: "sends the whole where If-Range does not match",
    path: "/file/plain",
    headers: { Range: "bytes=0-4", "If-Range": '"other"' },
    text: "hello from a file\n",
  },
  {
    title: "answers 304 to If-Modified-Since",
    path: "/file/plain",
    headers: { "If-Modified-Since": "Fri, 31 Dec 2100 00:00:00 GMT" },
    status: 304,
    text: "",
  },
  {
    title: "answers 412 to If-Unmodified-Since",
    path: "/file/plain",
    headers: { "If-Unmodified-Since": "Sat, 01 Jan 2000 00:00:00 GMT" },
    status: 412,
  },
  {
    title: "answers 412 to If-Match of another",
    path: "/file/plain",
    headers: { "If-Match": '"other"' },
    status: 412,
  },
  {
    title: "sends a file with options",
    path: "/file/options",
    text: "hello from a file\n",
    expect: {
      "x-file": "yes",
      "last-modified": null,
      "cache-control": "public, max-age=5",
    },
  },
  {
    title: "sends no ranges where they are off",
    path: "/file/no-range",
    ...range("bytes=0-4"),
    text: "hello from a file\n",
    expect: { "accept-ranges": null },
  },
  { title: "hides a dot file", path: "/file/hidden", status: 404 },
  { title: "answers 404 for a missing file", path: "/file/missing", status: 404 },
  { title: "refuses a path outside of the root", path: "/file/outside", status: 403 },
  {
    title: "calls back when a file is missing",
    path: "/file/callback",
    status: 404,
    text: "callback: ENOENT",
  },
  {
    title: "sets Content-Disposition in UTF-8",
    path: "/file/attachment",
    expect: {
      "content-disposition":
        "attachment; filename=\"r?port.json\"; filename*=UTF-8''r%C3%A4port.json",
      "content-type": json,
    },
  },
  {
    title: "sets Content-Disposition alone",
    path: "/file/attachment-bare",
    expect: { "content-disposition": "attachment" },
  },
  {
    title: "offers a file as download",
    path: "/file/download",
    text: "hello from a file\n",
    expect: { "content-disposition": "attachment; filename=hello.txt", "content-type": text },
  },
  {
    title: "offers a file under another name",
    path: "/file/download-named",
    json: { file: true },
    expect: { "content-disposition": "attachment; filename=named.json" },
  },
];

const staticFiles: Case[] = [
  {
    title: "serves a file",
    path: "/files/hello.txt",
    text: "hello from a file\n",
    expect: { "content-type": text, "content-length": "18" },
  },
  {
    title: "serves JSON",
    path: "/files/data.json",
    json: { file: true },
    expect: { "content-type": json },
  },
  {
    title: "serves a file with a space in its name",
    path: "/files/with%20space.txt",
    text: "spaced\n",
  },
  {
    title: "serves the index of a folder",
    path: "/files/folder/",
    text: "<h1>folder</h1>\n",
    expect: { "content-type": html },
  },
  {
    title: "redirects to a folder",
    path: "/files/folder",
    status: 301,
    expect: { location: "/files/folder/" },
  },
  {
    title: "redirects to a folder with its query",
    path: "/files/folder?a=b",
    status: 301,
    expect: { location: "/files/folder/?a=b" },
  },
  { title: "falls through for a missing file", path: "/files/missing", status: 404 },
  { title: "falls through for a dot file", path: "/files/.hidden", status: 404 },
  {
    title: "falls through for another method",
    path: "/files/hello.txt",
    method: "POST",
    status: 404,
  },
  { title: "refuses an encoded way out", path: "/files/%2e%2e%2fexpress.ts", status: 404 },
  { title: "refuses an invalid escape", path: "/files/%E0%A4%25A", status: 404 },
  {
    title: "serves a range",
    path: "/files/hello.txt",
    ...range("bytes=6-9"),
    status: 206,
    text: "from",
    expect: { "content-range": "bytes 6-9/18" },
  },
  {
    title: "serves several ranges as the whole",
    path: "/files/hello.txt",
    ...range("bytes=0-1,4-5"),
    text: "hello from a file\n",
  },
  {
    title: "refuses a range that no file has",
    path: "/files/hello.txt",
    ...range("bytes=100-"),
    status: 416,
  },
  {
    title: "answers HEAD",
    path: "/files/hello.txt",
    method: "HEAD",
    text: "",
    expect: { "content-length": "18" },
  },
  {
    title: "answers HEAD of a range",
    path: "/files/hello.txt",
    method: "HEAD",
    ...range("bytes=0-1"),
    status: 206,
    text: "",
    expect: { "content-length": "2" },
  },
  { title: "denies a dot file", path: "/files-strict/.hidden", status: 403 },
  {
    title: "answers 404 itself without falling through",
    path: "/files-strict/missing",
    status: 404,
  },
  {
    title: "answers 405 itself without falling through",
    path: "/files-strict/hello.txt",
    method: "POST",
    status: 405,
    expect: { allow: "GET, HEAD" },
  },
  { title: "does not redirect where that is off", path: "/files-strict/folder", status: 404 },
  { title: "serves no index where that is off", path: "/files-strict/folder/", status: 404 },
  {
    title: "serves a dot file where that is allowed",
    path: "/files-open/.hidden",
    text: "hidden\n",
  },
  {
    title: "caches as told",
    path: "/files-open/hello.txt",
    expect: {
      "cache-control": "public, max-age=3600, immutable",
      etag: null,
      "last-modified": null,
    },
  },
  {
    title: "tries extensions",
    path: "/files-open/page",
    text: "<p>page</p>\n",
    expect: { "content-type": html },
  },
];

const about = {
  method: "GET",
  query: {},
  protocol: "http",
  secure: false,
  hostname: "127.0.0.1",
  ip: "127.0.0.1",
  ips: [],
  subdomains: [],
  xhr: false,
  custom: null,
  referrer: null,
  version: "1.1",
  stale: true,
};
const requests: Case[] = [
  {
    title: "describes a request",
    path: "/request/a",
    json: { ...about, url: "/request/a", path: "/request/a" },
  },
  {
    title: "reads a query",
    path: "/request?a=1&b=2&b=3&c=",
    json: {
      ...about,
      url: "/request?a=1&b=2&b=3&c=",
      path: "/request",
      query: { a: "1", b: ["2", "3"], c: "" },
    },
  },
  {
    title: "keeps escapes of the address",
    path: "/request/a%2Fb%20c?d=%26",
    json: {
      ...about,
      url: "/request/a%2Fb%20c?d=%26",
      path: "/request/a%2Fb%20c",
      query: { d: "&" },
    },
  },
  {
    title: "keeps repeated slashes of the address",
    path: "/request//a///b",
    json: { ...about, url: "/request//a///b", path: "/request//a///b" },
  },
  {
    title: "knows the host's name",
    path: "/request",
    headers: { Host: "tobi.ferrets.example.com:8080" },
    json: {
      ...about,
      url: "/request",
      path: "/request",
      hostname: "tobi.ferrets.example.com",
      subdomains: ["ferrets", "tobi"],
    },
  },
  {
    title: "knows a request of XMLHttpRequest",
    path: "/request",
    headers: {
      "X-Requested-With": "XMLHttpRequest",
      "X-Custom": "mine",
      Referer: "http://a.example/",
    },
    json: {
      ...about,
      url: "/request",
      path: "/request",
      xhr: true,
      custom: "mine",
      referrer: "http://a.example/",
    },
  },
  {
    title: "believes no forwarding header",
    path: "/request",
    headers: {
      "X-Forwarded-For": "10.0.0.1",
      "X-Forwarded-Proto": "https",
      "X-Forwarded-Host": "evil.example",
    },
    json: { ...about, url: "/request", path: "/request" },
  },
  {
    title: "knows a fresh request",
    path: "/fresh",
    headers: { "If-None-Match": '"v1"' },
    status: 304,
    text: "",
    expect: { etag: '"v1"' },
  },
  {
    title: "knows a stale request",
    path: "/fresh",
    headers: { "If-None-Match": '"v0"' },
    text: "content",
    expect: { "x-fresh": "false" },
  },
  {
    title: "reads a range",
    path: "/range",
    ...range("bytes=0-50, 60-"),
    json: [
      { start: 0, end: 50 },
      { start: 60, end: 999 },
    ],
  },
  { title: "reads a range that does not fit", path: "/range", ...range("bytes=2000-"), json: -1 },
  { title: "reads a malformed range", path: "/range", ...range("bytes"), json: -2 },
  { title: "reads no range", path: "/range", json: null },
  {
    title: "knows that a request without a body is complete",
    path: "/signal",
    json: { aborted: false, complete: false },
  },
  { title: "echoes a body", path: "/echo", method: "POST", body: "some body", text: "some body" },
  { title: "echoes an empty body", path: "/echo", method: "POST", body: "", text: "" },
  {
    title: "counts a body of 1 MiB",
    path: "/length",
    method: "POST",
    body: Buffer.alloc(1_048_576),
    json: { length: 1_048_576 },
  },
  {
    title: "counts a chunked body",
    path: "/length",
    method: "POST",
    headers: { "Transfer-Encoding": "chunked" },
    body: "chunked",
    json: { length: 7 },
  },
];

const routing: Case[] = [
  { title: "reads a parameter", path: "/users/12", json: { id: "12" } },
  { title: "decodes a parameter", path: "/users/%C3%BC%20x", json: { id: "ü x" } },
  { title: "decodes an escaped slash in a parameter", path: "/users/a%2Fb", json: { id: "a/b" } },
  {
    title: "reads a parameter of 3,000 bytes",
    path: `/users/${"x".repeat(3000)}`,
    json: { id: "x".repeat(3000) },
  },
  {
    title: "reads a parameter of 300 bytes in the middle",
    path: `/users/${"x".repeat(300)}/books/two`,
    json: { id: "x".repeat(300), book: "two" },
  },
  { title: "reads several parameters", path: "/users/1/books/two", json: { id: "1", book: "two" } },
  { title: "takes an optional part", path: "/optional/x", json: { part: "x" } },
  { title: "does without an optional part", path: "/optional", json: {} },
  { title: "reads a wildcard", path: "/wild/a/b/c", json: { path: ["a", "b", "c"] } },
  { title: "matches a regular expression", path: "/regexp/12", json: { 0: "12" } },
  {
    title: "does not match a regular expression",
    path: "/regexp/x",
    status: 404,
    text: /Cannot GET \/regexp\/x/,
  },
  { title: "routes one of several paths", path: "/two-of", text: "/two-of" },
  { title: "calls app.param", path: "/param/7", text: "found 7" },
  { title: "routes GET of a route", path: "/book", text: "get a book" },
  { title: "routes POST of a route", path: "/book", method: "POST", text: "add a book" },
  { title: "routes PUT of a route", path: "/book", method: "PUT", text: "update the book" },
  {
    title: "answers OPTIONS by the methods of a route",
    path: "/book",
    method: "OPTIONS",
    text: "GET, HEAD, POST, PUT",
    expect: { allow: "GET, HEAD, POST, PUT" },
  },
  {
    title: "answers 404 for a method that a route has not",
    path: "/book",
    method: "DELETE",
    status: 404,
    text: /Cannot DELETE \/book/,
  },
  ...["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"].map((method) => ({
    title: `routes ${method} to app.all`,
    path: "/all",
    method,
    text: method,
  })),
  ...["PATCH", "DELETE", "OPTIONS", "PROPFIND", "REPORT", "PURGE", "SEARCH", "LOCK", "MKCOL"].map(
    (method) => ({ title: `routes ${method}`, path: "/method", method, text: method }),
  ),
  {
    title: "answers HEAD by GET",
    path: "/head-only",
    method: "HEAD",
    text: "",
    expect: { "x-get": "yes", "content-length": "11" },
  },
  {
    title: "prefers HEAD's own route",
    path: "/own-head",
    method: "HEAD",
    text: "",
    expect: { "x-head": "own" },
  },
  { title: "ignores the case of a path", path: "/case", text: "insensitive" },
  { title: "ignores a slash at the end", path: "/case/", text: "insensitive" },
  { title: "goes on to the next route", path: "/next", text: "next route" },
  { title: "calls middleware in order", path: "/order", json: ["a", "b", "c"] },
  {
    title: "answers 404 in HTML",
    path: "/nowhere",
    status: 404,
    text: /<pre>Cannot GET \/nowhere<\/pre>/,
    expect: {
      "content-type": html,
      "content-security-policy": "default-src 'none'",
      "x-content-type-options": "nosniff",
    },
  },
  {
    title: "mounts an application",
    path: "/admin",
    json: { mount: "/admin", base: "/admin", url: "/", original: "/admin" },
  },
  {
    title: "keeps the query of a mounted application",
    path: "/admin?a=b",
    json: { mount: "/admin", base: "/admin", url: "/?a=b", original: "/admin?a=b" },
  },
  {
    title: "routes in a mounted application",
    path: "/admin/deep/1",
    json: { path: "/admin", base: "/admin", params: { x: "1" } },
  },
  {
    title: "merges the parameters of a router",
    path: "/shop/ten/item",
    json: { base: "/shop/ten", params: { shop: "ten" } },
  },
  { title: "answers 404 of a router", path: "/shop/ten/none", status: 404, text: "of the router" },
  { title: "matches strictly", path: "/strict/Exact/", text: "exact" },
  { title: "does not match another case strictly", path: "/strict/exact/", status: 404 },
  { title: "does not match without the slash strictly", path: "/strict/Exact", status: 404 },
];

const forwarded = {
  "X-Forwarded-For": "10.0.0.1, 10.0.0.2",
  "X-Forwarded-Proto": "https",
  "X-Forwarded-Host": "site.example",
};
const settings: Case[] = [
  { title: "sends no ETag", path: "/setting/no-etag", expect: { etag: null } },
  { title: "sends a strong ETag", path: "/setting/strong-etag", expect: { etag: /^"4-/ } },
  {
    title: "sends an ETag of its own making",
    path: "/setting/own-etag",
    expect: { etag: '"own"' },
  },
  {
    title: "says X-Powered-By nowhere",
    path: "/setting/powered",
    expect: { "x-powered-by": "Express" },
  },
  { title: "indents JSON", path: "/setting/spaces", text: '{\n  "a": 1\n}' },
  { title: "replaces in JSON", path: "/setting/replacer", json: { a: 1 } },
  { title: "escapes JSON", path: "/setting/escape", text: '{"a":"\\u003c\\u0026\\u003e"}' },
  { title: "names the callback of JSONP", path: "/setting/callback?cb=f", text: /f\(\{"a":1\}\)/ },
  {
    title: "parses an extended query",
    path: "/setting/query?a[b]=1&c[]=2",
    json: { a: { b: "1" }, c: ["2"] },
  },
  { title: "parses no query", path: "/setting/no-query?a=1", json: {} },
  {
    title: "trusts every proxy",
    path: "/setting/trust",
    headers: forwarded,
    json: {
      ip: "10.0.0.1",
      ips: ["10.0.0.1", "10.0.0.2"],
      protocol: "https",
      hostname: "site.example",
      secure: true,
    },
  },
  {
    title: "trusts one proxy",
    path: "/setting/trust-one",
    headers: forwarded,
    json: {
      ip: "10.0.0.2",
      ips: ["10.0.0.2"],
      protocol: "https",
      hostname: "site.example",
      secure: true,
    },
  },
  {
    title: "trusts loopback",
    path: "/setting/trust-loopback",
    headers: forwarded,
    json: {
      ip: "10.0.0.2",
      ips: ["10.0.0.2"],
      protocol: "https",
      hostname: "site.example",
      secure: true,
    },
  },
  {
    title: "trusts nobody",
    path: "/setting/trust-none",
    headers: forwarded,
    json: { ip: "127.0.0.1", ips: [], protocol: "http", hostname: "127.0.0.1", secure: false },
  },
];

const typed = (type: string): { method: string; headers: { "Content-Type": string } } => ({
  method: "POST",
  headers: { "Content-Type": type },
});
const bodies: Case[] = [
  {
    title: "parses JSON",
    path: "/body/json",
    ...typed("application/json"),
    body: '{"a":[1]}',
    json: { a: [1] },
  },
  {
    title: "answers 400 to broken JSON",
    path: "/body/json",
    ...typed("application/json"),
    body: "{broken",
    status: 400,
  },
  {
    title: "parses a form",
    path: "/body/form",
    ...typed("application/x-www-form-urlencoded"),
    body: "a=1&b[c]=2",
    json: { a: "1", b: { c: "2" } },
  },
  { title: "parses text", path: "/body/text", ...typed("text/plain"), body: "text", text: "text" },
  {
    title: "takes octets",
    path: "/body/raw",
    ...typed("application/octet-stream"),
    body: Buffer.alloc(1000),
    json: 1000,
  },
  {
    title: "answers 413 to too many octets",
    path: "/body/raw",
    ...typed("application/octet-stream"),
    body: Buffer.alloc(2000),
    status: 413,
  },
];

const errors: Case[] = [
  {
    title: "answers 500 to what is thrown",
    path: "/error/thrown",
    status: 500,
    text: /Internal Server Error/,
    expect: { "content-type": html },
  },
  {
    title: "answers the status of an error",
    path: "/error/next",
    status: 418,
    text: /I&#39;m a Teapot/,
  },
  { title: "answers 500 to a rejected promise", path: "/error/async", status: 500 },
  {
    title: "sends the headers of an error",
    path: "/error/headers",
    status: 429,
    expect: { "retry-after": "7" },
  },
  {
    title: "calls an error handler",
    path: "/error/handled",
    status: 503,
    json: { error: "handled" },
  },
];

const stories: Story[] = [
  {
    title: "answers 304 to its own ETag and Last-Modified of a file",
    run: async (send) => {
      const { headers } = await send("/files/hello.txt");
      const etag = await send("/files/hello.txt", {
        headers: { "If-None-Match": headers.etag ?? "" },
      });
      assert.deepEqual([etag.status, etag.text, etag.headers.etag], [304, "", headers.etag]);
      const modified = headers["last-modified"] ?? "";
      const since = await send("/files/hello.txt", { headers: { "If-Modified-Since": modified } });
      assert.equal(since.status, 304);
      const part = { Range: "bytes=0-4", "If-Range": modified };
      assert.equal((await send("/files/hello.txt", { headers: part })).status, 206);
    },
  },
  {
    title: "answers 50 requests at once, each its own",
    run: async (send) => {
      const ids = Array.from({ length: 50 }, (_, index) => String(index));
      const answers = await Promise.all(ids.map((id) => send(`/users/${id}`)));
      assert.deepEqual(
        answers.map(({ text: body }) => JSON.parse(body).id),
        ids,
      );
    },
  },
];

describeApplication("Express", {
  file: "express.ts",
  cases: [
    ...sending,
    ...fields,
    ...cookies,
    ...redirects,
    ...negotiation,
    ...sentFiles,
    ...staticFiles,
    ...requests,
    ...routing,
    ...settings,
    ...bodies,
    ...errors,
  ],
  stories,
});
