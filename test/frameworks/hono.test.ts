// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { RequestListener } from "node:http";
import { getRequestListener } from "@hono/node-server";
import type { Hono } from "hono";
import { type Case, describeApplication, type Story } from "./cases.ts";

const text = /^text\/plain; ?charset=UTF-8$/;
const multipart = (parts: string): Pick<Case, "method" | "headers" | "body"> => ({
  method: "POST",
  headers: { "Content-Type": "multipart/form-data; boundary=edge" },
  body: parts.replaceAll("\n", "\r\n"),
});

const answers: Case[] = [
  { title: "sends text", path: "/text", text: "hello", expect: { "content-type": text } },
  {
    title: "sends JSON",
    path: "/json",
    json: { a: 1, b: "ü" },
    expect: { "content-type": "application/json" },
  },
  {
    title: "sends HTML",
    path: "/html",
    text: "<p>hi</p>",
    expect: { "content-type": "text/html; charset=UTF-8" },
  },
  {
    title: "sends a body with status and fields",
    path: "/body",
    status: 201,
    text: "bytes",
    expect: { "x-own": "yes", "content-type": "text/x-own" },
  },
  { title: "sends an ArrayBuffer", path: "/buffer", text: /A$/ },
  { title: "sends nothing", path: "/empty", text: "" },
  { title: "sends 204", path: "/no-content", status: 204, text: "" },
  { title: "sends 304", path: "/not-modified", status: 304, text: "", expect: { etag: '"x"' } },
  { title: "sends 418", path: "/teapot", status: 418, text: "teapot" },
  {
    title: "sets fields",
    path: "/fields",
    expect: { "x-one": "1", "x-many": "a, b", vary: "Accept, Origin" },
  },
  {
    title: "sends a Response",
    path: "/response",
    status: 202,
    text: "plain response",
    expect: { "x-r": "1" },
  },
  {
    title: "sends FormData",
    path: "/form-data",
    text: /name="name"\r\n\r\nvalue/,
    varies: true,
    expect: { "content-type": /^multipart\/form-data; boundary=/ },
  },
  {
    title: "sends a Blob",
    path: "/blob",
    text: "blob",
    expect: { "content-type": /^text\/(x-blob|plain; charset=UTF-8)$/ },
  },
  {
    title: "redirects",
    path: "/redirect",
    status: 302,
    text: "",
    expect: { location: "/elsewhere" },
  },
  {
    title: "redirects for good",
    path: "/redirect-301",
    status: 301,
    expect: { location: "https://example.com/a?b=c" },
  },
  {
    title: "answers HEAD by GET",
    path: "/text",
    method: "HEAD",
    text: "",
    expect: { "content-type": text },
  },
];

const cookies: Case[] = [
  {
    title: "sets cookies",
    path: "/cookie/set",
    expect: {
      "set-cookie":
        "plain=1; Path=/, strict=2; Max-Age=60; Path=/x; HttpOnly; Secure; SameSite=Strict, __Host-key=3; Path=/; Secure, gone=; Max-Age=0; Path=/",
    },
  },
  {
    title: "reads cookies",
    path: "/cookie/get",
    headers: { Cookie: "a=1; b=x%20y" },
    json: { a: "1", b: "x y" },
  },
  {
    title: "reads cookies of two lines",
    path: "/cookie/get",
    headers: { Cookie: ["a=1", "b=2"] },
    json: { a: "1", b: "2" },
  },
  {
    title: "refuses a forged cookie",
    path: "/cookie/verify",
    headers: { Cookie: `user=eve.${"A".repeat(43)}%3D` },
    json: { user: false },
  },
];

const requests: Case[] = [
  {
    title: "describes a request",
    path: "/request?a=1&b=2&b=3",
    headers: { Host: "site.example:81", "X-Own": "x" },
    json: {
      method: "GET",
      path: "/request",
      search: "?a=1&b=2&b=3",
      host: "site.example:81",
      query: { a: ["1"], b: ["2", "3"] },
      header: "x",
    },
  },
  { title: "reads a parameter", path: "/users/%C3%BC", json: { id: "ü" } },
  { title: "reads a parameter that goes on", path: "/users/1/a/b", json: { id: "1", rest: "a/b" } },
  { title: "matches a pattern", path: "/digits/12", text: "12" },
  { title: "does not match a pattern", path: "/digits/x", status: 404, text: "no /digits/x" },
  { title: "does without an optional part", path: "/optional", json: {} },
  { title: "takes an optional part", path: "/optional/y", json: { x: "y" } },
  { title: "matches a wildcard", path: "/wild/a/b", text: "/wild/a/b" },
  ...["PUT", "DELETE", "PATCH"].map((method) => ({
    title: `routes ${method}`,
    path: "/on",
    method,
    text: method,
  })),
  { title: "routes a method of its own", path: "/on", method: "PURGE", text: "purged" },
  { title: "routes below a base path", path: "/v1/api/items", json: ["item"] },
  { title: "answers 404", path: "/nowhere", status: 404, text: "no /nowhere" },
];

const bodies: Case[] = [
  { title: "reads text", path: "/body/text", method: "POST", body: "ünï", text: "ünï" },
  {
    title: "reads JSON",
    path: "/body/json",
    method: "POST",
    body: '{"a":[1]}',
    headers: { "Content-Type": "application/json" },
    json: { a: [1] },
  },
  {
    title: "answers 500 to broken JSON",
    path: "/body/json",
    method: "POST",
    body: "{broken",
    status: 500,
    json: { failed: true },
  },
  {
    title: "reads bytes",
    path: "/body/bytes",
    method: "POST",
    body: Buffer.alloc(300_000),
    json: 300_000,
  },
  {
    title: "reads a Blob",
    path: "/body/blob",
    method: "POST",
    body: Buffer.alloc(1000),
    json: 1000,
  },
  {
    title: "reads a form",
    path: "/body/form",
    method: "POST",
    body: "a=1&b=2&b=3",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    json: { a: "1", b: ["2", "3"] },
  },
  {
    title: "reads a multipart form",
    path: "/body/form",
    ...multipart('--edge\nContent-Disposition: form-data; name="a"\n\n1\n--edge--\n'),
    json: { a: "1" },
  },
  {
    title: "reads an uploaded file",
    path: "/body/upload",
    ...multipart(
      '--edge\nContent-Disposition: form-data; name="file"; filename="a.txt"\nContent-Type: text/plain\n\nfile\n--edge--\n',
    ),
    json: { name: "a.txt", size: 4, type: "text/plain" },
  },
  {
    title: "streams a body back",
    path: "/body/stream",
    method: "POST",
    body: "x".repeat(200_000),
    text: /^x{200000}$/,
  },
  {
    title: "reads a chunked body",
    path: "/body/text",
    method: "POST",
    body: "chunked",
    headers: { "Transfer-Encoding": "chunked" },
    text: "chunked",
  },
  {
    title: "takes a body below its limit",
    path: "/body/limited",
    method: "POST",
    body: "small",
    text: "small",
  },
  {
    title: "answers 413 above its limit",
    path: "/body/limited",
    method: "POST",
    body: "more than ten",
    status: 413,
  },
  {
    title: "answers without reading",
    path: "/body/unread",
    method: "POST",
    body: "x".repeat(1000),
    text: "unread",
  },
];

const streams: Case[] = [
  { title: "streams", path: "/stream", text: "abcd" },
  {
    title: "streams text",
    path: "/stream-text",
    text: "one\ntwo",
    expect: { "content-type": /^text\/plain/, "x-content-type-options": "nosniff" },
  },
  {
    title: "sends events",
    path: "/events",
    text: "event: tick\ndata: event 1\nid: 1\n\nevent: tick\ndata: event 2\nid: 2\n\nevent: tick\ndata: event 3\nid: 3\n\n",
    expect: { "content-type": "text/event-stream", "cache-control": "no-cache" },
  },
];

const middleware: Case[] = [
  { title: "handles what is thrown", path: "/thrown", status: 500, json: { failed: true } },
  { title: "answers an HTTPException", path: "/exception", status: 401, text: "log in" },
  {
    title: "answers the response of an HTTPException",
    path: "/exception-response",
    status: 409,
    text: "own",
    expect: { "x-e": "1" },
  },
  { title: "adds an ETag", path: "/etag/a", text: "tagged", expect: { etag: /^"[0-9a-f]{40}"$/ } },
  {
    title: "allows another origin",
    path: "/cors/a",
    headers: { Origin: "http://a.example" },
    text: "crossed",
    expect: {
      "access-control-allow-origin": "http://a.example",
      "access-control-allow-credentials": "true",
    },
  },
  {
    title: "answers a preflight",
    path: "/cors/a",
    method: "OPTIONS",
    headers: {
      Origin: "http://a.example",
      "Access-Control-Request-Method": "PUT",
      "Access-Control-Request-Headers": "x-own",
    },
    status: 204,
    expect: {
      "access-control-allow-methods": "PUT",
      "access-control-max-age": "60",
      "access-control-allow-headers": "x-own",
    },
  },
  {
    title: "asks for a password",
    path: "/auth/a",
    status: 401,
    expect: { "www-authenticate": 'Basic realm="Secure Area"' },
  },
  {
    title: "takes a password",
    path: "/auth/a",
    headers: { Authorization: `Basic ${btoa("tobi:ferret")}` },
    text: "let in",
  },
  {
    title: "refuses a wrong password",
    path: "/auth/a",
    headers: { Authorization: `Basic ${btoa("tobi:cat")}` },
    status: 401,
  },
  {
    title: "says what powers it",
    path: "/powered/a",
    text: "has an id",
    varies: true,
    expect: { "x-powered-by": "Hono", "x-request-id": /^[0-9a-f-]{36}$/ },
  },
  {
    title: "calls middleware around",
    path: "/around/a",
    text: "around",
    expect: { "x-before": "1", "x-after": "2" },
  },
];

const stories: Story[] = [
  {
    title: "answers 304 to its own ETag",
    run: async (send) => {
      const { etag = "" } = (await send("/etag/a")).headers;
      const again = await send("/etag/a", { headers: { "If-None-Match": etag } });
      assert.deepEqual([again.status, again.text], [304, ""]);
    },
  },
  {
    title: "verifies a cookie that it has signed",
    run: async (send) => {
      const { headers } = await send("/cookie/sign");
      const cookie = headers["set-cookie"]?.[0]?.split(";")[0] ?? "";
      const verified = await send("/cookie/verify", { headers: { Cookie: cookie } });
      assert.deepEqual(JSON.parse(verified.text), { user: "tobi" });
    },
  },
];

const cases = [...answers, ...cookies, ...requests, ...bodies, ...streams, ...middleware];
const toListener = (app: Hono): RequestListener => getRequestListener(app.fetch) as RequestListener;
describeApplication<Hono>("Hono", { file: "hono.ts", toListener, cases, stories, alike: false });
describeApplication("Hono by @hono/node-server", { file: "hono-node-server.ts", cases, stories });
