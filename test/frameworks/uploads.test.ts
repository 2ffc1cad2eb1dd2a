// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:net";
import { Readable } from "node:stream";
import { type Case, describeApplication, type Story } from "./cases.ts";

interface Part {
  readonly name: string;
  readonly value: string | Buffer;
  readonly filename?: string;
  readonly type?: string;
}

const BOUNDARY = "----edge";
const END = `--${BOUNDARY}--\r\n`;
const HEADERS = { "Content-Type": `multipart/form-data; boundary=${BOUNDARY}` };

function partHead({ name, filename, type }: Part): string {
  const file = filename === undefined ? "" : `; filename="${filename}"`;
  const kind = type === undefined ? "" : `Content-Type: ${type}\r\n`;
  return `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n${kind}\r\n`;
}

function formOf(parts: readonly Part[], end: string = END): Buffer {
  const pieces = parts.flatMap((part) => [
    Buffer.from(partHead(part)),
    Buffer.from(part.value),
    Buffer.from("\r\n"),
  ]);
  return Buffer.concat([...pieces, Buffer.from(end)]);
}

function post(
  path: string,
  parts: readonly Part[],
  end?: string,
): Pick<Case, "path" | "method" | "headers" | "body"> {
  return { path, method: "POST", headers: HEADERS, body: formOf(parts, end) };
}

function hashOf(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 8);
}

const field = (name: string, value: string): Part => ({ name, value });
const file = (
  name: string,
  value: string | Buffer = "text",
  filename = "a.txt",
  type = "text/plain",
): Part => ({ name, value, filename, type });
const described = (fieldname: string, text: string | null = "text", size = 4): object => ({
  fieldname,
  originalname: "a.txt",
  mimetype: "text/plain",
  size,
  text,
});
const refused = (code: string, name: string | null = null): Pick<Case, "status" | "text"> => ({
  status: 400,
  text: new RegExp(`"code":"${code}","field":${name === null ? "null" : `"${name}"`}`),
});

const large = Buffer.alloc(3_000_000, "large");

const multer: Case[] = [
  {
    title: "multer takes one file and fields",
    ...post("/single", [field("a", "1"), file("file"), field("b", "ü")]),
    json: { body: { a: "1", b: "ü" }, files: [described("file")] },
  },
  {
    title: "multer takes a file of 3 MB",
    ...post("/single", [file("file", large)]),
    json: { body: {}, files: [described("file", null, large.length)] },
  },
  {
    title: "multer takes an empty file",
    ...post("/single", [file("file", "")]),
    json: { body: {}, files: [described("file", "", 0)] },
  },
  {
    title: "multer takes a form without a file",
    ...post("/single", [field("a", "1")]),
    json: { body: { a: "1" }, files: [] },
  },
  {
    title: "multer refuses a file of another field",
    ...post("/single", [file("other")]),
    ...refused("LIMIT_UNEXPECTED_FILE", "other"),
  },
  {
    title: "multer takes several files",
    ...post("/array", [file("file"), file("file", "more")]),
    json: { body: {}, files: [described("file"), described("file", "more")] },
  },
  {
    title: "multer refuses too many files of a field",
    ...post("/array", [file("file"), file("file"), file("file")]),
    ...refused("LIMIT_UNEXPECTED_FILE", "file"),
  },
  {
    title: "multer takes files of several fields",
    ...post("/fields", [file("avatar"), file("gallery"), file("gallery")]),
    json: { body: {}, files: [described("avatar"), described("gallery"), described("gallery")] },
  },
  {
    title: "multer takes fields alone",
    ...post("/none", [field("a", "1"), field("a", "2")]),
    json: { body: { a: ["1", "2"] }, files: [] },
  },
  {
    title: "multer refuses a file where there may be none",
    ...post("/none", [file("file")]),
    ...refused("LIMIT_UNEXPECTED_FILE", "file"),
  },
  {
    title: "multer nests fields",
    ...post("/none", [field("a[b]", "1"), field("c[]", "2")]),
    json: { body: { a: { b: "1" }, c: ["2"] }, files: [] },
  },
  {
    title: "multer takes any file",
    ...post("/any", [file("x"), file("y")]),
    json: { body: {}, files: [described("x"), described("y")] },
  },
  {
    title: "multer takes nothing of another type",
    path: "/any",
    method: "POST",
    body: "a=1",
    headers: { "Content-Type": "text/plain" },
    json: { body: {}, files: [] },
  },
  {
    title: "multer limits the size of a file",
    ...post("/limited", [file("file", "x".repeat(101))]),
    ...refused("LIMIT_FILE_SIZE", "file"),
  },
  {
    title: "multer takes a file at its limit",
    ...post("/limited", [file("file", "x".repeat(99))]),
    json: { body: {}, files: [described("file", "x".repeat(99), 99)] },
  },
  {
    title: "multer limits files",
    ...post("/limited", [file("a"), file("b"), file("c")]),
    ...refused("LIMIT_FILE_COUNT"),
  },
  {
    title: "multer limits fields",
    ...post("/limited", [field("a", "1"), field("b", "2"), field("c", "3")]),
    ...refused("LIMIT_FIELD_COUNT"),
  },
  {
    title: "multer limits the size of a field",
    ...post("/limited", [field("a", "x".repeat(30))]),
    ...refused("LIMIT_FIELD_VALUE", "a"),
  },
  {
    title: "multer limits the name of a field",
    ...post("/limited", [field("a".repeat(20), "1")]),
    ...refused("LIMIT_FIELD_KEY"),
  },
  {
    title: "multer filters files",
    ...post("/filtered", [file("a"), file("b", "png", "b.png", "image/png")]),
    json: {
      body: {},
      files: [
        { fieldname: "b", originalname: "b.png", mimetype: "image/png", size: 3, text: "png" },
      ],
    },
  },
  {
    title: "multer writes a file to the disk",
    ...post("/disk", [file("file", large)]),
    json: { size: large.length },
  },
  {
    title: "multer answers 400 to a form that is cut off",
    ...post("/any", [file("a")], ""),
    status: 400,
    text: /Unexpected end of form/,
  },
  {
    title: "multer answers 400 to a form without a boundary",
    path: "/any",
    method: "POST",
    headers: { "Content-Type": "multipart/form-data" },
    body: formOf([]),
    status: 400,
    text: /Boundary not found/,
  },
];

const parsing: Case[] = [
  {
    title: "busboy reads fields",
    ...post("/busboy", [field("a", "1"), field("b", "")]),
    json: [
      ["a", "1"],
      ["b", ""],
    ],
  },
  {
    title: "busboy reads a file",
    ...post("/busboy", [file("f", "text")]),
    json: [["f", "a.txt", "text/plain", 4, hashOf(Buffer.from("text"))]],
  },
  {
    title: "busboy reads binary",
    ...post("/busboy", [
      file("f", Buffer.from([0, 13, 10, 45, 45, 255]), "b.bin", "application/octet-stream"),
    ]),
    json: [
      ["f", "b.bin", "application/octet-stream", 6, hashOf(Buffer.from([0, 13, 10, 45, 45, 255]))],
    ],
  },
  {
    title: "busboy reads a file of 3 MB",
    ...post("/busboy", [file("f", large)]),
    json: [["f", "a.txt", "text/plain", large.length, hashOf(large)]],
  },
  {
    title: "busboy says that there are too many files",
    ...post("/busboy", [file("a"), file("b"), file("c"), file("d")]),
    text: /filesLimit/,
  },
  {
    title: "busboy says that there are too many fields",
    ...post(
      "/busboy",
      ["a", "b", "c", "d"].map((name) => field(name, "1")),
    ),
    text: /fieldsLimit/,
  },
  {
    title: "busboy reads a form that is not multipart",
    path: "/busboy",
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: "a=1&b=%C3%BC",
    json: [
      ["a", "1"],
      ["b", "ü"],
    ],
  },
  {
    title: "busboy fails on a form that is cut off",
    ...post("/busboy", [field("a", "1")], ""),
    status: 400,
    json: { error: "Unexpected end of form" },
  },
  {
    title: "busboy passes over what is before the first boundary",
    path: "/busboy",
    method: "POST",
    headers: HEADERS,
    body: Buffer.concat([
      Buffer.from("preamble\r\n"),
      formOf([field("a", "1")]),
      Buffer.from("epilogue"),
    ]),
    json: [["a", "1"]],
  },
  { title: "busboy reads a form with no parts", ...post("/busboy", []), json: [] },
];

/** A form with one file of `pieces` pieces, made while it is sent. */
function streamed(piece: Buffer, pieces: number): Readable {
  function* parts(): Generator<Buffer> {
    yield Buffer.from(partHead(file("f")));
    for (let index = 0; index < pieces; index++) yield piece;
    yield Buffer.from(`\r\n${END}`);
  }
  return Readable.from(parts());
}

const stories: Story[] = [
  {
    title: "busboy reads 64 MiB as they come",
    run: async (send) => {
      const piece = Buffer.alloc(65_536, "p");
      const answer = await send("/busboy", {
        method: "POST",
        headers: HEADERS,
        body: streamed(piece, 1024),
      });
      const hash = createHash("sha256");
      for (let index = 0; index < 1024; index++) hash.update(piece);
      assert.deepEqual(JSON.parse(answer.text), [
        ["f", "a.txt", "text/plain", 67_108_864, hash.digest("hex").slice(0, 8)],
      ]);
    },
  },
  {
    title: "multer survives a client that leaves in the middle of a file",
    run: async (send, url) => {
      const head = `POST /single HTTP/1.1\r\nHost: a\r\nContent-Type: ${HEADERS["Content-Type"]}\r\nContent-Length: 1000000\r\n\r\n`;
      const socket = connect(Number(new URL(url).port), "127.0.0.1");
      socket.end(`${head}${partHead(file("file"))}begun`);
      await once(socket.resume(), "close");
      const { method = "POST", headers = {}, body = "" } = post("/single", [file("file")]);
      assert.equal((await send("/single", { method, headers, body })).status, 200);
    },
  },
  {
    title: "multer takes ten uploads at once, each its own",
    run: async (send) => {
      const names = Array.from({ length: 10 }, (_, index) => `n${index}`);
      const answers = await Promise.all(
        names.map((name) =>
          send("/any", { method: "POST", headers: HEADERS, body: formOf([file(name, large)]) }),
        ),
      );
      assert.deepEqual(
        answers.map(({ text }) => JSON.parse(text).files[0].fieldname),
        names,
      );
    },
  },
];

describeApplication("multer and busboy", {
  file: "uploads.ts",
  cases: [...multer, ...parsing],
  stories,
});
