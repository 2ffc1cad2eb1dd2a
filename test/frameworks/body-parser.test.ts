// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { brotliCompressSync, deflateSync, gzipSync } from "node:zlib";
import { type Case, describeApplication } from "./cases.ts";

const JSON_TYPE = "application/json";
const FORM_TYPE = "application/x-www-form-urlencoded";

type Post = Pick<Case, "path" | "method" | "headers" | "body">;

function post(
  path: string,
  type: string,
  body: string | Buffer,
  more: Record<string, string> = {},
): Post {
  return { path, method: "POST", headers: { "Content-Type": type, ...more }, body };
}

function refused(status: number, type: string | null): Pick<Case, "status" | "json"> {
  return { status, json: { type } };
}

const encoded = (encoding: string): Record<string, string> => ({ "Content-Encoding": encoding });
const object = '{"user":"tobi"}';
const parsed = { json: { body: { user: "tobi" } } };

const json: Case[] = [
  { title: "parses JSON", ...post("/json", JSON_TYPE, object), ...parsed },
  {
    title: "parses JSON with a charset",
    ...post("/json", `${JSON_TYPE}; charset=utf-8`, '{"a":"ü"}'),
    json: { body: { a: "ü" } },
  },
  {
    title: "parses UTF-16",
    ...post("/json", `${JSON_TYPE}; charset=utf-16`, Buffer.from(`\ufeff${object}`, "utf16le")),
    ...parsed,
  },
  { title: "parses a list", ...post("/json", JSON_TYPE, "[1,2]"), json: { body: [1, 2] } },
  { title: "parses an empty body", ...post("/json", JSON_TYPE, ""), json: { body: {} } },
  {
    title: "parses a chunked empty body",
    ...post("/json", JSON_TYPE, "", { "Transfer-Encoding": "chunked" }),
    json: { body: {} },
  },
  {
    title: "parses a chunked body",
    ...post("/json", JSON_TYPE, object, { "Transfer-Encoding": "chunked" }),
    ...parsed,
  },
  { title: "leaves another type", ...post("/json", "text/plain", object), text: "no body" },
  {
    title: "answers 400 to broken JSON",
    ...post("/json", JSON_TYPE, '{"user'),
    ...refused(400, "entity.parse.failed"),
  },
  {
    title: "refuses a bare value strictly",
    ...post("/json", JSON_TYPE, '"text"'),
    ...refused(400, "entity.parse.failed"),
  },
  {
    title: "answers 400 to white space",
    ...post("/json", JSON_TYPE, "  "),
    ...refused(400, "entity.parse.failed"),
  },
  {
    title: "parses a bare value loosely",
    ...post("/json/loose", JSON_TYPE, '"text"'),
    json: { body: "text" },
  },
  { title: "parses null loosely", ...post("/json/loose", JSON_TYPE, "null"), json: { body: null } },
  {
    title: "answers 415 to an unknown charset",
    ...post("/json", `${JSON_TYPE}; charset=x-other`, object),
    ...refused(415, "charset.unsupported"),
  },
  {
    title: "answers 413 above the limit",
    ...post("/json/limit", JSON_TYPE, JSON.stringify({ a: "x".repeat(30) })),
    ...refused(413, "entity.too.large"),
  },
  {
    title: "answers 413 above the limit to a chunked body",
    ...post("/json/limit", JSON_TYPE, JSON.stringify({ a: "x".repeat(30) }), {
      "Transfer-Encoding": "chunked",
    }),
    ...refused(413, "entity.too.large"),
  },
  {
    title: "takes a body at the limit",
    ...post("/json/limit", JSON_TYPE, '{"a":"xxxxxxxxxxxx"}'),
    json: { body: { a: "xxxxxxxxxxxx" } },
  },
  {
    title: "answers 413 to 2 MB",
    ...post("/json", JSON_TYPE, JSON.stringify({ a: "x".repeat(2_000_000) })),
    ...refused(413, "entity.too.large"),
  },
  {
    title: "parses gzip",
    ...post("/json", JSON_TYPE, gzipSync(object), encoded("gzip")),
    ...parsed,
  },
  {
    title: "parses deflate",
    ...post("/json", JSON_TYPE, deflateSync(object), encoded("deflate")),
    ...parsed,
  },
  {
    title: "parses br",
    ...post("/json", JSON_TYPE, brotliCompressSync(object), encoded("br")),
    ...parsed,
  },
  { title: "takes identity", ...post("/json", JSON_TYPE, object, encoded("identity")), ...parsed },
  {
    title: "ignores the case of an encoding",
    ...post("/json", JSON_TYPE, gzipSync(object), encoded("GZIP")),
    ...parsed,
  },
  {
    title: "answers 415 to an unknown encoding",
    ...post("/json", JSON_TYPE, object, encoded("nulls")),
    ...refused(415, "encoding.unsupported"),
  },
  {
    title: "answers 400 to a broken gzip",
    ...post("/json", JSON_TYPE, "not gzip", encoded("gzip")),
    status: 400,
  },
  {
    title: "answers 413 to what inflates above the limit",
    ...post(
      "/json/limit",
      JSON_TYPE,
      gzipSync(JSON.stringify({ a: "x".repeat(3000) })),
      encoded("gzip"),
    ),
    ...refused(413, "entity.too.large"),
  },
  {
    title: "answers 415 where nothing is inflated",
    ...post("/json/still", JSON_TYPE, gzipSync(object), encoded("gzip")),
    ...refused(415, "encoding.unsupported"),
  },
  {
    title: "parses a type of its own",
    ...post("/json/type", "application/vnd.api+json", object),
    ...parsed,
  },
  { title: "parses any type", ...post("/json/any", "text/x", object), ...parsed },
  {
    title: "revives",
    ...post("/json/reviver", JSON_TYPE, '{"n":1}'),
    json: { body: { n: "one" } },
  },
  {
    title: "verifies",
    ...post("/json/verify", JSON_TYPE, ` ${object}`),
    ...refused(422, "entity.verify.failed"),
  },
  { title: "passes what is verified", ...post("/json/verify", JSON_TYPE, object), ...parsed },
];

const forms: Case[] = [
  {
    title: "parses a form",
    ...post("/form", FORM_TYPE, "user=tobi&a=1&a=2"),
    json: { body: { user: "tobi", a: ["1", "2"] } },
  },
  {
    title: "decodes a form",
    ...post("/form", FORM_TYPE, "a+b=%C3%BC%20x"),
    json: { body: { "a b": "ü x" } },
  },
  {
    title: "keeps brackets of a simple form",
    ...post("/form", FORM_TYPE, "a[b]=1"),
    json: { body: { "a[b]": "1" } },
  },
  {
    title: "parses brackets of an extended form",
    ...post("/form/extended", FORM_TYPE, "a[b][]=1&a[b][]=2"),
    json: { body: { a: { b: ["1", "2"] } } },
  },
  {
    title: "parses a form of gzip",
    ...post("/form", FORM_TYPE, gzipSync("user=tobi"), encoded("gzip")),
    ...parsed,
  },
  {
    title: "answers 413 to too many parameters",
    ...post("/form/few", FORM_TYPE, "a=1&b=2&c=3"),
    ...refused(413, "parameters.too.many"),
  },
  {
    title: "answers 415 to a form in an unknown charset",
    ...post("/form", `${FORM_TYPE}; charset=koi8-r`, "a=1"),
    ...refused(415, "charset.unsupported"),
  },
  {
    title: "parses a form in latin-1",
    ...post("/form", `${FORM_TYPE}; charset=iso-8859-1`, "a=%FC"),
    json: { body: { a: "ü" } },
  },
  {
    title: "answers 400 to an extended form that nests too deep",
    ...post("/form/extended", FORM_TYPE, `a${"[b]".repeat(40)}=1`),
    ...refused(400, "querystring.parse.rangeError"),
  },
  {
    title: "verifies a form",
    ...post("/form/verify", FORM_TYPE, " a=1"),
    ...refused(422, "entity.verify.failed"),
  },
];

const others: Case[] = [
  {
    title: "parses text",
    ...post("/text", "text/plain", "user is tobi"),
    json: { body: "user is tobi" },
  },
  {
    title: "parses text in its charset",
    ...post("/text", "text/plain; charset=iso-8859-1", Buffer.from("caf\u00e9", "latin1")),
    json: { body: "café" },
  },
  {
    title: "parses text in the default charset",
    ...post("/text/latin", "text/plain", Buffer.from("caf\u00e9", "latin1")),
    json: { body: "café" },
  },
  {
    title: "answers 413 to too much text",
    ...post("/text/limit", "text/plain", "x".repeat(1025)),
    ...refused(413, "entity.too.large"),
  },
  {
    title: "takes text at the limit",
    ...post("/text/limit", "text/plain", "x".repeat(1024)),
    json: { body: "x".repeat(1024) },
  },
  {
    title: "takes octets",
    ...post("/raw", "application/octet-stream", Buffer.from([0, 255, 10])),
    json: { buffer: "\u0000\u00ff\n" },
  },
  {
    title: "inflates octets",
    ...post("/raw", "application/octet-stream", gzipSync("abc"), encoded("gzip")),
    json: { buffer: "abc" },
  },
  { title: "leaves octets of another type", ...post("/raw", "image/png", "x"), text: "no body" },
  {
    title: "takes 1 MiB",
    ...post("/raw/limit", "image/png", Buffer.alloc(1_048_576)),
    json: 1_048_576,
  },
  {
    title: "answers 413 to 5 MiB",
    ...post("/raw/limit", "image/png", Buffer.alloc(5_242_880)),
    ...refused(413, "entity.too.large"),
  },
  { title: "takes the parser of the type", ...post("/all", FORM_TYPE, "user=tobi"), ...parsed },
  {
    title: "takes no parser without a type",
    path: "/all",
    method: "POST",
    body: "x",
    text: "no body",
  },
];

describeApplication("body-parser", {
  file: "body-parser.ts",
  cases: [...json, ...forms, ...others],
  stories: [
    {
      title: "parses a body that comes in pieces",
      run: async (send) => {
        const headers = { "Content-Type": JSON_TYPE };
        const body = Readable.from(['{"us', 'er":"', 'tobi"}']);
        const answer = await send("/json", { method: "POST", headers, body });
        assert.deepEqual(JSON.parse(answer.text), { body: { user: "tobi" } });
      },
    },
  ],
});
