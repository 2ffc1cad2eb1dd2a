// SPDX-License-Identifier: Apache-2.0
import { type Case, describeApplication } from "./cases.ts";

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

describeApplication("Express: responses", {
  file: "express.ts",
  cases: [...sending, ...fields, ...cookies, ...redirects, ...negotiation],
});
