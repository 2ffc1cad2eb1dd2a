// SPDX-License-Identifier: Apache-2.0
// Sends files in every way that node:http has. The last part of the path says how; `path` which file. Its folder is world-readable.
import { createReadStream } from "node:fs";
import { open } from "node:fs/promises";
import type { IncomingMessage, ServerResponse } from "node:http";
import { PassThrough, pipeline } from "node:stream";
import express from "express";
import { sendFile } from "../../ts/index.ts";

type Route = (
  response: ServerResponse,
  path: string,
  query: URLSearchParams,
  request: IncomingMessage,
) => unknown;

const statics = express();
statics.get("/files/express", (request, response) =>
  response.sendFile(String(request.query["path"])),
);
statics.use("/files/static", express.static(process.env["FILES_ROOT"] ?? import.meta.dirname));

function bounds(query: URLSearchParams): { start?: number; end?: number } {
  const of = (name: string): object => (query.has(name) ? { [name]: Number(query.get(name)) } : {});
  return { ...of("start"), ...of("end") };
}

/** Headers that the query asks for: `header=Name: value`, repeated. */
function setHeaders(response: ServerResponse, query: URLSearchParams): void {
  for (const line of query.getAll("header")) {
    const [name = "", value = ""] = line.split(": ");
    response.setHeader(name, value);
  }
}

const events = new Map<string, string[]>();

const routes: Readonly<Record<string, Route>> = {
  pipe(response, path, query) {
    createReadStream(path, bounds(query))
      .on("error", () => fail(response))
      .pipe(response);
  },
  pipeline(response, path, query) {
    pipeline(createReadStream(path, bounds(query)), response, (error) => {
      if (error) fail(response);
    });
  },
  async handle(response, path, query) {
    const handle = await open(path);
    handle.createReadStream(bounds(query)).pipe(response);
  },
  async position(response, path) {
    const handle = await open(path);
    await handle.read(Buffer.alloc(10), 0, 10);
    handle.createReadStream().pipe(response);
  },
  /** One handle for all responses. */
  async shared(response, path) {
    sharedHandle ??= open(path);
    (await sharedHandle).createReadStream({ start: 0, autoClose: false }).pipe(response);
  },
  between(response, path) {
    response.write("before ");
    const stream = createReadStream(path);
    stream.pipe(response, { end: false });
    stream.on("end", () => response.end(" behind"));
  },
  two(response, path) {
    const first = createReadStream(path);
    first.pipe(response, { end: false });
    first.on("end", () => createReadStream(path).pipe(response));
  },
  trailers(response, path) {
    response.setHeader("Trailer", "X-Sum");
    const stream = createReadStream(path);
    stream.pipe(response, { end: false });
    stream.on("end", () => {
      response.addTrailers({ "X-Sum": "7" });
      response.end();
    });
  },
  /** What must not be handed over: a middleware changes the body. */
  overridden(response, path) {
    const { write } = response;
    response.write = function upper(this: ServerResponse, chunk: Buffer) {
      return write.call(this, chunk.toString("latin1").toUpperCase(), "latin1");
    } as typeof write;
    createReadStream(path).pipe(response);
  },
  watched(response, path) {
    let bytes = 0;
    const stream = createReadStream(path);
    stream.on("data", (chunk) => {
      bytes += chunk.length;
    });
    stream.on("end", () => process.stderr.write(`watched ${bytes}\n`));
    stream.pipe(response);
  },
  encoded(response, path) {
    createReadStream(path, { encoding: "latin1" }).pipe(response);
  },
  through(response, path) {
    createReadStream(path).pipe(new PassThrough()).pipe(response);
  },
  /** A file system that is not the system's: descriptor 0 is not what it means by that. */
  custom(response, path) {
    const pieces = [Buffer.from("not a file of the system"), Buffer.alloc(0)];
    const fs = {
      open: (
        _path: unknown,
        _flags: unknown,
        _mode: unknown,
        done: (e: null, fd: number) => void,
      ) => done(null, 0),
      read: (
        _fd: number,
        buffer: Buffer,
        _offset: number,
        _length: number,
        _position: unknown,
        done: (error: null, bytes: number, buffer: Buffer) => void,
      ) => done(null, pieces.shift()?.copy(buffer) ?? 0, buffer),
      close: (_fd: unknown, done: () => void) => done(),
    };
    createReadStream(path, { fs } as object).pipe(response);
  },
  events(response, path, query) {
    const seen: string[] = [];
    const stream = createReadStream(path);
    for (const name of ["open", "end", "close"]) stream.on(name, () => seen.push(`file ${name}`));
    for (const name of ["prefinish", "finish"]) response.on(name, () => seen.push(name));
    response.on("close", () => {
      seen.push("close");
      seen.push(`${stream.bytesRead} bytes`);
      events.set(query.get("key") ?? "", seen);
    });
    stream.pipe(response);
  },
  /** Counts the request's bytes. */
  count(response, _path, _query, request) {
    let bytes = 0;
    request.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    request.on("end", () => response.end(String(bytes)));
  },
  seen(response, _path, query) {
    response.end(JSON.stringify(events.get(query.get("key") ?? "") ?? []));
  },
  async api(response, path, query) {
    await sendFile(response, path, bounds(query)).catch((error: NodeJS.ErrnoException) => {
      response.statusCode = 404;
      response.end(error.code);
    });
  },
  async opened(response, path) {
    const handle = await open(path);
    try {
      await sendFile(response, handle);
    } finally {
      await handle.close();
    }
  },
};
let sharedHandle: ReturnType<typeof open> | undefined;

function fail(response: ServerResponse): void {
  response.statusCode = 404;
  response.end("no file\n");
}

export default function listener(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams: query } = new URL(request.url ?? "/", "http://localhost");
  const route = routes[pathname.split("/")[2] ?? ""];
  setHeaders(response, query);
  if (query.has("status")) response.statusCode = Number(query.get("status"));
  if (route === undefined) statics(request, response);
  else route(response, query.get("path") ?? "", query, request);
}
