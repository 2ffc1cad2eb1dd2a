// SPDX-License-Identifier: Apache-2.0
// Which body of a Response is a file: web streams over an fs.ReadStream or a FileHandle are remembered with what they read, and
// are what Node makes of them. Used by fetch.ts.
import type { ReadStream } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
import { Readable } from "node:stream";
import { type FileSource, HANDOVER_BYTES, openSource, positionOf } from "../channel/file-source.ts";
import { fileOfStream, fs, isUnread } from "../channel/file-streams.ts";

type Opener = () => FileSource | undefined | Promise<FileSource | undefined>;
type ToWeb = (stream: Readable, options?: object) => ReadableStream;
type WebStreamOf = (this: FileHandle, options?: object) => ReadableStream;

const openers = new WeakMap<object, Opener>();

/** Settles when a stream has a descriptor, or never will. */
function opened(stream: ReadStream): Promise<void> {
  return new Promise((resolve) => {
    for (const event of ["open", "error", "close"]) stream.once(event, () => resolve());
  });
}

/** How to open what a stream reads, as long as nothing was read; undefined when that cannot be told later. */
function streamOpener(stream: Readable): Opener | undefined {
  if (!(stream instanceof fs.ReadStream) || !isUnread(stream)) return undefined;
  const { fd, start } = stream as ReadStream & { fd: number | null; start: number | undefined };
  // One that opens by path begins at 0; one that has a descriptor already, where that stands now.
  const offset = start ?? (typeof fd === "number" ? positionOf(fd) : 0);
  return async () => {
    if ((stream as ReadStream & { fd: number | null }).fd === null) await opened(stream);
    return fileOfStream(stream, offset);
  };
}

function handleOpener(handle: FileHandle): Opener {
  return () => {
    try {
      return openSource(handle.fd, positionOf(handle.fd), Number.POSITIVE_INFINITY, HANDOVER_BYTES);
    } catch {
      // Whatever is wrong with the file is the stream's to tell.
      return undefined;
    }
  };
}

/** Has Readable.toWeb() and FileHandle's readableWebStream() remember what their streams read. */
export async function rememberFileBodies(): Promise<void> {
  const readable = Readable as unknown as { toWeb: ToWeb };
  const { toWeb } = readable;
  readable.toWeb = function rememberingToWeb(stream, options) {
    const opener = streamOpener(stream);
    const web = toWeb.call(this, stream, options);
    if (opener !== undefined) openers.set(web, opener);
    return web;
  };
  // The class has no public name.
  const handle = await open("/dev/null");
  const prototype = Object.getPrototypeOf(handle) as { readableWebStream: WebStreamOf };
  await handle.close();
  const { readableWebStream } = prototype;
  prototype.readableWebStream = function rememberingWebStream(options) {
    const web = readableWebStream.call(this, options);
    openers.set(web, handleOpener(this));
    return web;
  };
}

/** Opens the file that is all of a body; undefined when the body is to be read. */
export async function fileOfBody(body: ReadableStream): Promise<FileSource | undefined> {
  const opener = openers.get(body);
  if (opener === undefined || body.locked || Readable.isDisturbed(body as unknown as Readable)) {
    return undefined;
  }
  return opener();
}

/** Whether a body may be a file. */
export function mayBeFile(body: ReadableStream): boolean {
  return openers.has(body);
}
