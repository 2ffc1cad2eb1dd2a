// SPDX-License-Identifier: Apache-2.0
// Files as responses, for applications: sendFile() for node:http, fileResponse() for fetch. Both stream under any server; in a worker of
// Tenon the host gets the open file (ts/worker/file-streams.ts, ts/adapter/file-bodies.ts).
import type { ReadStream, Stats } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import type { ServerResponse } from "node:http";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { handOverAlways } from "./channel/file-streams.ts";
import { fail } from "./errors.ts";

/** Which part of a file is sent. */
export interface FileOptions {
  /** First byte; unset: 0. */
  readonly start?: number;
  /** Last byte, as for fs.createReadStream; unset: the file's last. */
  readonly end?: number;
}

/** A file by its path, or opened: then it stays open and is the caller's to close. */
export type FileInput = string | URL | FileHandle;

interface OpenFile {
  readonly stream: ReadStream;
  readonly length: number;
  readonly info: Stats;
}

async function regular(file: FileInput, handle: FileHandle): Promise<Stats> {
  const info = await handle.stat();
  if (info.isFile()) return info;
  const got = typeof file === "object" && "fd" in file ? "another kind" : String(file);
  throw fail("TENON_ERR_ARGUMENT", { what: "file", expected: "a regular file", got });
}

/** @throws what open(2) says @throws {TENON_ERR_ARGUMENT} */
async function openFile(file: FileInput, options: FileOptions): Promise<OpenFile> {
  const given = typeof file === "object" && "fd" in file;
  const handle = given ? file : await open(file);
  try {
    const info = await regular(file, handle);
    const start = options.start ?? 0;
    const end = Math.min(options.end ?? Number.POSITIVE_INFINITY, info.size - 1);
    const stream = handle.createReadStream({
      start,
      end: Math.max(end, start),
      autoClose: !given,
    }) as ReadStream;
    Object.defineProperty(stream, handOverAlways, { value: true });
    return { stream, length: Math.max(0, end + 1 - start), info };
  } catch (error) {
    if (!given) await handle.close();
    throw error;
  }
}

/** Size and time to the nanosecond name one state of a file well enough for a strong validator (RFC 9110, 8.8.3). */
function validators(info: Stats): [name: string, value: string][] {
  return [
    ["ETag", `"${info.size.toString(16)}-${Math.round(info.mtimeMs * 1000).toString(16)}"`],
    ["Last-Modified", info.mtime.toUTCString()],
  ];
}

/**
 * Sends a file as the rest of a response of node:http and ends it. Sets Content-Length, ETag and Last-Modified where they are not set. Settles when
 * the response has the file, or rejects as stream.pipeline() does.
 * @throws what open(2) says, before anything is set or sent @throws {TENON_ERR_ARGUMENT} when it is no regular file
 */
export async function sendFile(
  response: ServerResponse,
  file: FileInput,
  options: FileOptions = {},
): Promise<void> {
  const { stream, length, info } = await openFile(file, options);
  if (!response.headersSent) {
    const headers = [...validators(info), ["Content-Length", String(length)] as const];
    for (const [name, value] of headers) {
      if (!response.hasHeader(name)) response.setHeader(name, value);
    }
  }
  await pipeline(stream, response);
}

/**
 * Makes a Response whose body is a file, for fetch applications. Sets Content-Length, ETag and Last-Modified where `init` does not.
 * @throws what open(2) says @throws {TENON_ERR_ARGUMENT} when it is no regular file
 */
export async function fileResponse(
  file: FileInput,
  init: ResponseInit & FileOptions = {},
): Promise<Response> {
  const { stream, length, info } = await openFile(file, init);
  const headers = new Headers(init.headers);
  for (const [name, value] of [...validators(info), ["Content-Length", String(length)] as const]) {
    if (!headers.has(name)) headers.set(name, value);
  }
  return new Response(Readable.toWeb(stream) as unknown as ReadableStream, { ...init, headers });
}
