// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type Case, describeApplication } from "./cases.ts";

const json = "application/json; charset=utf-8";
const text = "text/plain; charset=utf-8";
const facts = {
  method: "GET",
  url: "/facts",
  path: "/facts",
  query: {},
  querystring: "",
  search: "",
  protocol: "http",
  secure: false,
  ip: "127.0.0.1",
  ips: [],
  type: "",
  remote: "127.0.0.1",
  writable: true,
};

const bodies: Case[] = [
  {
    title: "sends a string",
    path: "/string",
    text: "hello",
    expect: { "content-type": text, "content-length": "5" },
  },
  {
    title: "tells HTML by its look",
    path: "/html",
    text: "<p>hi</p>",
    expect: { "content-type": "text/html; charset=utf-8" },
  },
  {
    title: "sends a Buffer",
    path: "/buffer",
    text: "bytes",
    expect: { "content-type": "application/octet-stream", "content-length": "5" },
  },
  {
    title: "sends an object",
    path: "/object",
    json: { a: 1, b: ["ü"] },
    expect: { "content-type": json, "content-length": "18" },
  },
  { title: "sends an array", path: "/array", json: [1, 2] },
  {
    title: "keeps a type",
    path: "/typed",
    text: "a { }",
    expect: { "content-type": "text/css; charset=utf-8" },
  },
  {
    title: "sends 204 for null",
    path: "/null",
    status: 204,
    text: "",
    expect: { "content-type": null },
  },
  { title: "sends an empty string", path: "/empty", text: "", expect: { "content-length": "0" } },
  {
    title: "answers 404 without a body",
    path: "/undefined",
    status: 404,
    text: "Not Found",
    expect: { "content-type": text },
  },
  { title: "answers 404 to an unknown path", path: "/unknown", status: 404, text: "Not Found" },
  {
    title: "streams",
    path: "/stream",
    text: "one two three",
    expect: { "content-type": "application/octet-stream" },
  },
  {
    title: "streams with a type",
    path: "/stream-typed",
    text: "typed",
    expect: { "content-type": text },
  },
  { title: "streams a ReadableStream", path: "/web-stream", text: "web stream" },
  { title: "sends a Blob", path: "/blob", text: "blob", expect: { "content-length": "4" } },
  {
    title: "sends a Response",
    path: "/response",
    status: 201,
    text: "from fetch",
    expect: { "x-fetch": "yes" },
  },
  { title: "streams what comes later", path: "/through", text: "first second" },
  {
    title: "answers HEAD of a string",
    path: "/string",
    method: "HEAD",
    text: "",
    expect: { "content-length": "5" },
  },
  {
    title: "answers HEAD of an object",
    path: "/object",
    method: "HEAD",
    text: "",
    expect: { "content-length": "18", "content-type": json },
  },
  {
    title: "answers HEAD of a stream",
    path: "/stream",
    method: "HEAD",
    text: "",
    expect: { "content-length": null },
  },
  { title: "sends the name of a status", path: "/status", status: 202, text: "Accepted" },
  { title: "sends a status with a body", path: "/status-body", status: 203, text: "with a body" },
  { title: "sends a message of its own", path: "/message", text: "x" },
  {
    title: "sends no body with 204",
    path: "/no-content",
    status: 204,
    text: "",
    expect: { "content-length": null },
  },
];

const fields: Case[] = [
  {
    title: "sets fields",
    path: "/fields",
    expect: {
      "x-one": "1",
      "x-two": "2",
      "x-three": "3",
      "x-many": "a, b, c",
      "x-gone": null,
      vary: "Accept, Origin",
    },
  },
  {
    title: "sends ETag and Last-Modified",
    path: "/etag",
    text: "content",
    expect: { etag: '"v1"', "last-modified": "Wed, 01 Jan 2020 00:00:00 GMT" },
  },
  {
    title: "answers 304 to its ETag",
    path: "/etag",
    headers: { "If-None-Match": '"v1"' },
    status: 304,
    text: "",
    expect: { etag: '"v1"' },
  },
  {
    title: "answers 304 to its Last-Modified",
    path: "/etag",
    headers: { "If-Modified-Since": "Wed, 01 Jan 2020 00:00:00 GMT" },
    status: 304,
  },
  {
    title: "answers 200 to another ETag",
    path: "/etag",
    headers: { "If-None-Match": '"v0"' },
    text: "content",
  },
  {
    title: "redirects",
    path: "/redirect",
    headers: { Accept: "text/plain" },
    status: 302,
    text: "Redirecting to /login.",
    expect: { location: "/login", "content-type": text },
  },
  {
    title: "redirects in HTML",
    path: "/redirect",
    headers: { Accept: "text/html" },
    status: 302,
    text: /login/,
  },
  {
    title: "redirects with a status and an encoded address",
    path: "/redirect-301",
    status: 301,
    expect: { location: "http://example.com/%C3%BC" },
  },
  {
    title: "goes back to where no referrer says",
    path: "/back",
    status: 302,
    expect: { location: "/home" },
  },
  {
    title: "sends an attachment",
    path: "/attachment",
    expect: {
      "content-disposition": 'attachment; filename="plain.txt"',
    },
  },
  {
    title: "sets cookies",
    path: "/cookie",
    text: "none",
    varies: true,
    expect: {
      "set-cookie": /^plain=1; path=\/; httponly.*long=2; path=\/x; .*samesite=strict/,
    },
  },
  {
    title: "reads a cookie",
    path: "/cookie",
    headers: { Cookie: "other=1; sent=yes" },
    text: "yes",
    varies: true,
  },
  {
    title: "sets a signed cookie",
    path: "/cookie-signed",
    text: "signed",
    expect: {
      "set-cookie": /^user=tobi; path=\/; httponly, user\.sig=[\w-]{27}; path=\/; httponly$/,
    },
  },
  {
    title: "refuses a forged cookie",
    path: "/cookie-verify",
    headers: { Cookie: "user=eve; user.sig=AAAAAAAAAAAAAAAAAAAAAAAAAAA" },
    text: "forged",
  },
  {
    title: "answers past Koa",
    path: "/raw",
    text: "raw",
    expect: { "x-raw": "yes", "content-type": "text/plain" },
  },
  { title: "flushes the head", path: "/flush", text: "sent true" },
];

const requests: Case[] = [
  { title: "describes a request", path: "/facts", json: facts },
  {
    title: "reads a query",
    path: "/facts?a=1&b=2&b=3",
    json: {
      ...facts,
      url: "/facts?a=1&b=2&b=3",
      query: { a: "1", b: ["2", "3"] },
      querystring: "a=1&b=2&b=3",
      search: "?a=1&b=2&b=3",
    },
  },
  {
    title: "knows the type of a body with its charset",
    path: "/facts",
    method: "POST",
    body: "ü",
    headers: { "Content-Type": "text/plain; charset=utf-8" },
    json: { ...facts, method: "POST", type: text },
  },
  {
    title: "believes no forwarding header",
    path: "/facts",
    headers: { "X-Forwarded-For": "10.0.0.1", "X-Forwarded-Proto": "https" },
    json: facts,
  },
  {
    title: "knows the host",
    path: "/host",
    headers: { Host: "a.b.example.com:81" },
    json: {
      host: "a.b.example.com:81",
      hostname: "a.b.example.com",
      href: "http://a.b.example.com:81/host",
      subdomains: ["b", "a"],
    },
  },
  {
    title: "negotiates",
    path: "/accepts",
    headers: { Accept: "text/html", "Accept-Encoding": "br", "Accept-Language": "en" },
    json: ["html", "br", "en"],
  },
  {
    title: "knows the type of a body",
    path: "/is",
    method: "POST",
    body: "{}",
    headers: { "Content-Type": "application/json" },
    json: ["json", false],
  },
  { title: "reads a body", path: "/body", method: "POST", body: "posted", text: "posted" },
  { title: "pipes a body back", path: "/pipe", method: "POST", body: "piped", text: "piped" },
  {
    title: "pipes 1 MiB back",
    path: "/pipe",
    method: "PUT",
    body: "x".repeat(1_048_576),
    text: /^x{1048576}$/,
  },
  {
    title: "calls middleware in order and back",
    path: "/order",
    json: ["first", "second"],
    expect: { "x-after": "true" },
  },
  { title: "rewrites a path", path: "/old", text: "rewritten" },
];

const errors: Case[] = [
  {
    title: "answers a status that is thrown",
    path: "/throw",
    status: 418,
    text: "teapot",
    expect: { "content-type": text },
  },
  {
    title: "sends the headers of an error",
    path: "/throw-403",
    status: 403,
    text: "not you",
    expect: { "x-why": "because" },
  },
  {
    title: "hides the message of a 500",
    path: "/throw-500",
    status: 500,
    text: "Internal Server Error",
  },
  {
    title: "answers 500 to an unexpected error",
    path: "/throw-plain",
    status: 500,
    text: "Internal Server Error",
  },
  {
    title: "answers 500 to ENOENT",
    path: "/throw-enoent",
    status: 500,
    text: "Internal Server Error",
  },
  { title: "shows a message that may be shown", path: "/throw-async", status: 400, text: "shown" },
  { title: "asserts", path: "/assert", status: 401, text: "log in" },
  { title: "passes an assertion that holds", path: "/assert?ok=1", status: 404 },
  { title: "lets middleware catch", path: "/caught", status: 409, json: { caught: "conflict" } },
];

describeApplication("Koa", {
  file: "koa.ts",
  cases: [...bodies, ...fields, ...requests, ...errors],
  stories: [
    {
      title: "verifies a cookie that it has signed",
      run: async (send) => {
        const { headers } = await send("/cookie-signed");
        const cookie = headers["set-cookie"]?.map((one) => one.split(";")[0]).join("; ") ?? "";
        assert.equal((await send("/cookie-verify", { headers: { Cookie: cookie } })).text, "tobi");
      },
    },
  ],
});

const forwarded = {
  "X-Forwarded-For": "10.0.0.1, 10.0.0.2",
  "X-Forwarded-Proto": "https",
  "X-Forwarded-Host": "site.example",
};
describeApplication("Koa that listens by itself", {
  file: "koa-listen.ts",
  cases: [
    {
      title: "trusts a proxy",
      path: "/",
      headers: forwarded,
      json: {
        ip: "10.0.0.1",
        ips: ["10.0.0.1", "10.0.0.2"],
        protocol: "https",
        host: "site.example",
        secure: true,
      },
    },
    {
      title: "does without a proxy",
      path: "/",
      headers: { Host: "own.example" },
      json: { ip: "127.0.0.1", ips: [], protocol: "http", host: "own.example", secure: false },
    },
  ],
});
