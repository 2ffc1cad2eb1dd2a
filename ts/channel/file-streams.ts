// SPDX-License-Identifier: Apache-2.0
// What an fs.ReadStream reads. Used by ts/worker/file-streams.ts and ts/adapter/file-bodies.ts.
import type { ReadStream } from "node:fs";
import { type FileSource, HANDOVER_BYTES, openSource, positionOf } from "./file-source.ts";

/** The module node:fs, as fs.ReadStream itself has it. */
export const fs: typeof import("node:fs") = process.getBuiltinModule("node:fs");

/** Set on a stream that is to be handed over however small its file is (ts/files.ts). */
export const handOverAlways: unique symbol = Symbol.for("tenon.handOverAlways");

interface InnerStream {
  readonly fd: number | null;
  readonly start: number | undefined;
  readonly end: number | undefined;
  readonly autoClose: boolean;
  readonly _read: unknown;
  readonly [handOverAlways]?: boolean;
}

const originalRead = (fs.ReadStream.prototype as unknown as InnerStream)._read;

function named(stream: object, description: string): unknown {
  for (const symbol of Object.getOwnPropertySymbols(stream)) {
    if (symbol.description === description) return (stream as Record<symbol, unknown>)[symbol];
  }
  return undefined;
}

/** Whether a stream reads by node's own code, from a descriptor of the system. An `fs` given in its options may be anything. */
function readsFiles(stream: ReadStream & InnerStream): boolean {
  if (named(stream, "kFs") === fs) return true;
  const handle = named(stream, "kHandle") as { fd?: unknown } | undefined;
  return handle !== undefined && handle.constructor.name === "FileHandle";
}

/** Whether nothing of a file stream was read, and nothing but the file's bytes will come out. */
export function isUnread(stream: ReadStream): boolean {
  const inner = stream as ReadStream & InnerStream;
  return (
    inner._read === originalRead &&
    stream.bytesRead === 0 &&
    stream.readableLength === 0 &&
    stream.readableEncoding === null &&
    !stream.destroyed &&
    readsFiles(inner)
  );
}

/** Where an opened stream that nothing was read of begins. Undefined where reading would move an offset that the application still needs. */
function startOf(stream: InnerStream): number | undefined {
  if (stream.start !== undefined) return stream.start;
  return stream.autoClose ? positionOf(stream.fd as number) : undefined;
}

/**
 * Opens what a stream would read, for the host. Undefined when the stream must be read: it is no regular file, the file is small, or
 * cannot be opened once more.
 * @param start where the stream began, when it may have read ahead
 */
export function fileOfStream(stream: ReadStream, start?: number): FileSource | undefined {
  const inner = stream as ReadStream & InnerStream;
  if (typeof inner.fd !== "number") return undefined;
  const least = inner[handOverAlways] === true ? 1 : HANDOVER_BYTES;
  try {
    const offset = start ?? startOf(inner);
    if (offset === undefined) return undefined;
    return openSource(inner.fd, offset, inner.end ?? Number.POSITIVE_INFINITY, least);
  } catch {
    // Whatever is wrong with the file is the stream's to tell: it is read as ever.
    return undefined;
  }
}
