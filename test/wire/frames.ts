// SPDX-License-Identifier: Apache-2.0
// The codec in TypeScript behind one door, for the tests: bytes to frames as the vectors tell them, and back.
import { latin1Text } from "../../ts/wire/bytes.ts";
import type { Entry } from "../../ts/wire/entries.ts";
import { encodeFrameHeader } from "../../ts/wire/frame.ts";
import {
  decodeAsk,
  decodeFields,
  decodeReply,
  decodeResult,
  encodeAsk,
  encodeFields,
  encodeReply,
  encodeResult,
} from "../../ts/wire/hook-message.ts";
import {
  decodeEnd,
  decodeRequest,
  decodeResponse,
  encodeEnd,
  encodeRequest,
  encodeResponse,
} from "../../ts/wire/message.ts";
import {
  EntryOperation,
  EntryTable,
  errorNames,
  Fact,
  Flag,
  FrameType,
  factNames,
} from "../../ts/wire/protocol.ts";
import { FrameReader } from "../../ts/wire/reader.ts";
import {
  decodeAbort,
  decodeClose,
  decodeFile,
  decodeHello,
  decodeLog,
  decodePull,
  encodeAbort,
  encodeClose,
  encodeFile,
  encodeHello,
  encodeLog,
  encodePull,
} from "../../ts/wire/signal.ts";
import { wireErrorNumber } from "../../ts/wire/wire-error.ts";
import type { Frame } from "./vectors.ts";

type Pair = readonly [string, string];

function pairs(flat: readonly string[]): Pair[] {
  return Array.from({ length: flat.length / 2 }, (_, index) => {
    return [flat[2 * index] ?? "", flat[2 * index + 1] ?? ""] as const;
  });
}

type Told = readonly [string, string, string, string?];

function nameOf(table: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(table).find((name) => table[name] === value) ?? "";
}

function tell(entries: readonly Entry[]): Told[] {
  return entries.map(({ operation, table, name, value }) => {
    const names = [nameOf(EntryOperation, operation), nameOf(EntryTable, table)] as const;
    return value === undefined ? [...names, name] : [...names, name, value];
  });
}

function untell(entries: readonly Told[]): Entry[] {
  return entries.map(([operation, table, name, value]) => ({
    operation: EntryOperation[operation as keyof typeof EntryOperation],
    table: EntryTable[table as keyof typeof EntryTable],
    name,
    value,
  }));
}

function request(reader: FrameReader, end: boolean): Frame {
  const head = decodeRequest(reader.buffer, reader.start, reader.end);
  const facts: Record<string, string> = {};
  head.facts.forEach((value, code) => {
    if (value !== undefined) facts[factNames[code] ?? ""] = value;
  });
  return {
    type: "REQUEST",
    end,
    phase: head.phase,
    exchange: head.exchange,
    bodyLength: head.bodyLength ?? null,
    facts,
    headers: pairs(head.rawHeaders),
    ...(head.entries.length === 0 ? {} : { entries: tell(head.entries) }),
  };
}

function result(reader: FrameReader): Frame {
  const { entries, ...told } = decodeResult(reader.buffer, reader.start, reader.end);
  return { type: "RESULT", ...told, entries: tell(entries) };
}

function response(reader: FrameReader, end: boolean): Frame {
  const head = decodeResponse(reader.buffer, reader.start, reader.end);
  const { status, reason } = head;
  return { type: "RESPONSE", end, status, reason, headers: pairs(head.rawHeaders) };
}

function decode(reader: FrameReader): Frame {
  const { buffer, start, end: behind } = reader;
  const end = (reader.flags & Flag.END) !== 0;
  switch (reader.type) {
    case FrameType.HELLO: {
      const hello = decodeHello(buffer, start, behind);
      return { type: "HELLO", ...hello, phases: String(hello.phases) };
    }
    case FrameType.REQUEST:
      return request(reader, end);
    case FrameType.RESPONSE:
      return response(reader, end);
    case FrameType.FIELDS:
      return { type: "FIELDS", entries: tell(decodeFields(buffer, start, behind)) };
    case FrameType.ASK: {
      const { kind, text, rawHeaders } = decodeAsk(buffer, start, behind);
      return { type: "ASK", kind, asked: text, headers: pairs(rawHeaders) };
    }
    case FrameType.REPLY: {
      const { status, text, rawHeaders } = decodeReply(buffer, start, behind);
      return { type: "REPLY", end, status, asked: text, headers: pairs(rawHeaders) };
    }
    case FrameType.RESULT:
      return result(reader);
    case FrameType.DATA:
      return { type: "DATA", end, body: latin1Text(buffer, start, behind) };
    case FrameType.END: {
      const { bodyLength, rawTrailers } = decodeEnd(buffer, start, behind);
      return { type: "END", bodyLength, trailers: pairs(rawTrailers) };
    }
    case FrameType.PULL:
      return { type: "PULL", bytes: decodePull(buffer, start, behind) };
    case FrameType.FILE:
      return { type: "FILE", end, ...decodeFile(buffer, start, behind) };
    case FrameType.ABORT:
      return { type: "ABORT", ...decodeAbort(buffer, start, behind) };
    case FrameType.LOG:
      return { type: "LOG", ...decodeLog(buffer, start, behind) };
    case FrameType.CLOSE:
      decodeClose(buffer, start, behind);
      return { type: "CLOSE" };
  }
}

/** What bytes mean: frames, then the error or the unfinished rest, if any. */
export interface Decoded {
  readonly frames: Frame[];
  readonly error?: string;
  readonly partial?: true;
}

/** Adds a frame; pieces of a body become one. */
function add(frames: Frame[], frame: Frame): void {
  const last = frames.at(-1);
  if (frame.type === "DATA" && last?.type === "DATA" && !last.end)
    frames[frames.length - 1] = { ...frame, body: last.body + frame.body };
  else frames.push(frame);
}

/** Feeds the chunks to a reader. Each is overwritten once the reader has said that it is done with it. */
export function decodeChunks(chunks: readonly Uint8Array[]): Decoded {
  const frames: Frame[] = [];
  const reader = new FrameReader();
  try {
    for (const chunk of chunks) {
      const copy = Buffer.from(chunk);
      reader.push(copy);
      while (reader.next()) add(frames, decode(reader));
      copy.fill(0xee);
    }
  } catch (error) {
    const number = wireErrorNumber(error);
    if (number === undefined) throw error;
    return { frames, error: errorNames[number] ?? "" };
  }
  return reader.empty ? { frames } : { frames, partial: true };
}

/** Encodes a frame at an offset; returns the offset behind it. */
export function encodeFrame(buffer: Buffer, at: number, frame: Frame): number {
  switch (frame.type) {
    case "HELLO":
      return encodeHello(buffer, at, { ...frame, phases: BigInt(frame.phases) });
    case "REQUEST": {
      const facts: (string | undefined)[] = factNames.map(() => undefined);
      for (const [name, value] of Object.entries(frame.facts))
        facts[Fact[name as keyof typeof Fact]] = value;
      const { phase, exchange } = frame;
      const bodyLength = frame.bodyLength ?? undefined;
      const rawHeaders = frame.headers.flat();
      const entries = untell(frame.entries ?? []);
      const head = { phase, exchange, bodyLength, facts, rawHeaders, entries };
      return encodeRequest(buffer, at, head, frame.end);
    }
    case "FIELDS":
      return encodeFields(buffer, at, untell(frame.entries));
    case "ASK": {
      const { kind, asked, headers } = frame;
      return encodeAsk(buffer, at, { kind, text: asked, rawHeaders: headers.flat() });
    }
    case "REPLY": {
      const { status, asked, headers, end } = frame;
      return encodeReply(buffer, at, { status, text: asked, rawHeaders: headers.flat() }, end);
    }
    case "RESULT":
      return encodeResult(buffer, at, { ...frame, entries: untell(frame.entries) });
    case "RESPONSE": {
      const headers = frame.headers.flat();
      return encodeResponse(buffer, at, frame.status, frame.reason, headers, frame.end);
    }
    case "DATA": {
      const flags = frame.end ? Flag.END : 0;
      // The codec leaves the bytes of a body to the caller; the space check is the caller's, too.
      if (buffer.length - at < 8 + frame.body.length) return encodeClose(Buffer.alloc(0), 0);
      const body = encodeFrameHeader(buffer, at, FrameType.DATA, flags, frame.body.length);
      return body + buffer.write(frame.body, body, "latin1");
    }
    case "END":
      return encodeEnd(buffer, at, frame.bodyLength, frame.trailers.flat());
    case "PULL":
      return encodePull(buffer, at, frame.bytes);
    case "FILE": {
      const flags = frame.end ? Flag.END : 0;
      return encodeFile(buffer, at, flags, frame);
    }
    case "ABORT":
      return encodeAbort(buffer, at, frame.error, frame.text);
    case "LOG":
      return encodeLog(buffer, at, frame.level, frame.text);
    case "CLOSE":
      return encodeClose(buffer, at);
  }
}

/** Encodes frames one after the other into a buffer of `size` bytes. */
export function encodeFrames(frames: readonly Frame[], size: number): Buffer {
  const buffer = Buffer.alloc(size);
  let at = 0;
  for (const frame of frames) at = encodeFrame(buffer, at, frame);
  return buffer.subarray(0, at);
}
