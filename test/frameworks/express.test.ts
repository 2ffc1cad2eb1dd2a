// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type Case, describeApplication, range, type Story } from "./cases.ts";

const html = "text/html; charset=utf-8";

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
  cases: [...requests, ...routing, ...settings, ...bodies, ...errors],
  stories,
});
