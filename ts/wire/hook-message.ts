// SPDX-License-Identifier: Apache-2.0
// The payloads of a hook's exchange beside REQUEST: FIELDS, ASK, REPLY and RESULT. Twin of native/wire/message.c.
// Encoding writes a whole frame at an offset and returns the offset behind it; decoding takes the payload's place in a buffer.
import { getU8, getU16, getU32, latin1Text, putLatin1, putU8, putU16, putU32 } from "./bytes.ts";
import { type Entry, entriesSize, readEntries, writeEntries } from "./entries.ts";
import {
  checkSpace,
  cut,
  type FieldSource,
  factAllowed,
  fieldSource,
  headersSize,
  readHeaders,
  take,
  writeHeaders,
} from "./fields.ts";
import { finish, headerCount } from "./message.ts";
import { AskKind, Flag, FrameType, ResultFlag, WireError, WireNumber } from "./protocol.ts";
import { wireFail } from "./wire-error.ts";

const headerBytes = WireNumber.FRAME_HEADER_BYTES;
const resultFixedBytes = 10;
const askFixedBytes = 8;
const largestTtl = 0xffff_ffff;
const asks: ReadonlySet<number> = new Set(Object.values(AskKind));

/** A question about the request. */
export interface Ask {
  readonly kind: AskKind;
  /** An expression, or `METHOD uri`. */
  readonly text: string;
  /** Of a subrequest; name, value, name, value, … */
  readonly rawHeaders: readonly string[];
}

/** The answer to an ASK. */
export interface Reply {
  /** 0: there is none, and `text` says why. */
  readonly status: number;
  /** The value of a variable. */
  readonly text: string;
  readonly rawHeaders: readonly string[];
}

/** What a hook returned. */
export interface Result {
  /** As httpd numbers what the phase returns, -32768 to 32767. */
  readonly code: number;
  /** Bits of ResultFlag. */
  readonly flags: number;
  /** How long the decision may be kept, ms; 0: not at all. */
  readonly ttl: number;
  /** What the decision depends on. */
  readonly vary: readonly string[];
  /** Changes to the request. */
  readonly entries: readonly Entry[];
}

function badPayload(what: string): Error {
  return wireFail(WireError.BAD_PAYLOAD, what);
}

/** The bytes that a FIELDS frame takes. */
export function fieldsFrameSize(entries: readonly Entry[]): number {
  return headerBytes + entriesSize(entries);
}

/** Encodes FIELDS. @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_TOO_LONG} {TENON_ERR_WIRE_NO_SPACE} */
export function encodeFields(buffer: Buffer, at: number, entries: readonly Entry[]): number {
  checkSpace(buffer, at, headerBytes);
  return finish(buffer, at, FrameType.FIELDS, 0, writeEntries(buffer, at + headerBytes, entries));
}

/** Decodes the payload of FIELDS. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_BAD_FIELD} */
export function decodeFields(buffer: Buffer, start: number, end: number): readonly Entry[] {
  return readEntries(fieldSource(buffer, start, end), start);
}

/** The most bytes that an ASK or REPLY frame takes. */
export function askSize({ text, rawHeaders }: Ask | Reply): number {
  return headerBytes + askFixedBytes + text.length + headersSize(rawHeaders);
}

/** Writes what ASK and REPLY have in common behind their first two bytes. */
function writeAsked(buffer: Buffer, at: number, { text, rawHeaders }: Ask | Reply): number {
  if (!factAllowed(text)) throw wireFail(WireError.BAD_FIELD, "text");
  const next = putU16(buffer, at, headerCount(rawHeaders));
  return writeHeaders(
    buffer,
    putLatin1(buffer, putU32(buffer, next, text.length), text),
    rawHeaders,
  );
}

/** What ASK and REPLY have in common, its headers not read yet. */
interface Asked {
  readonly source: FieldSource;
  readonly text: string;
  readonly headers: number;
  readonly headersAt: number;
}

function readAsked(buffer: Buffer, start: number, end: number, type: string): Asked {
  if (end - start < askFixedBytes) throw badPayload(`${type} is too short`);
  const headers = getU16(buffer, start + 2);
  if (headers > WireNumber.MAX_HEADERS) throw badPayload(`${type}: ${headers} headers`);
  const source = fieldSource(buffer, start, end);
  const textAt = start + askFixedBytes;
  const headersAt = take(source, textAt, getU32(buffer, start + 4));
  const text = cut(source, textAt, headersAt);
  if (text.includes("\0")) throw wireFail(WireError.BAD_FIELD, `text of ${type}`);
  return { source, text, headers, headersAt };
}

function readAskedHeaders({ source, headers, headersAt }: Asked, type: string): string[] {
  const rawHeaders: string[] = [];
  if (readHeaders(source, headersAt, headers, rawHeaders) !== source.end)
    throw badPayload(`${type} has bytes left over`);
  return rawHeaders;
}

/** Encodes ASK. @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_TOO_LONG} {TENON_ERR_WIRE_NO_SPACE} */
export function encodeAsk(buffer: Buffer, at: number, ask: Ask): number {
  checkSpace(buffer, at, headerBytes + askFixedBytes + ask.text.length);
  const next = putU8(buffer, putU8(buffer, at + headerBytes, ask.kind), 0);
  return finish(buffer, at, FrameType.ASK, 0, writeAsked(buffer, next, ask));
}

/** Decodes the payload of ASK. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_BAD_FIELD} */
export function decodeAsk(buffer: Buffer, start: number, end: number): Ask {
  const asked = readAsked(buffer, start, end, "ASK");
  const kind = getU8(buffer, start);
  if (!asks.has(kind) || getU8(buffer, start + 1) !== 0) throw badPayload(`ASK: kind ${kind}`);
  const rawHeaders = readAskedHeaders(asked, "ASK");
  return { kind: kind as AskKind, text: asked.text, rawHeaders };
}

/** Encodes REPLY. @param ended no body follows @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_TOO_LONG} {TENON_ERR_WIRE_NO_SPACE} */
export function encodeReply(buffer: Buffer, at: number, reply: Reply, ended: boolean): number {
  checkSpace(buffer, at, headerBytes + askFixedBytes + reply.text.length);
  const end = writeAsked(buffer, putU16(buffer, at + headerBytes, reply.status), reply);
  return finish(buffer, at, FrameType.REPLY, ended ? Flag.END : 0, end);
}

/** Decodes the payload of REPLY. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_BAD_FIELD} */
export function decodeReply(buffer: Buffer, start: number, end: number): Reply {
  const asked = readAsked(buffer, start, end, "REPLY");
  const status = getU16(buffer, start);
  if (status !== 0 && (status < 100 || status > 599)) throw badPayload(`REPLY: status ${status}`);
  return { status, text: asked.text, rawHeaders: readAskedHeaders(asked, "REPLY") };
}

/** The bytes that a RESULT frame takes. */
export function resultSize({ vary, entries }: Result): number {
  let size = headerBytes + resultFixedBytes + entriesSize(entries);
  for (const text of vary) size += 2 + text.length;
  return size;
}

/**
 * Encodes RESULT.
 * @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_TOO_LONG} {TENON_ERR_WIRE_NO_SPACE}
 */
export function encodeResult(buffer: Buffer, at: number, result: Result): number {
  const { code, flags, ttl, vary, entries } = result;
  if (!(code >= -0x8000 && code <= 0x7fff)) throw badPayload(`RESULT: code ${code}`);
  if (!(ttl >= 0 && ttl <= largestTtl)) throw badPayload(`RESULT: ttl ${ttl}`);
  if (vary.length > 0xffff) throw wireFail(WireError.TOO_LONG, `${vary.length} varies`);
  checkSpace(buffer, at, resultSize(result));
  let next = putU16(buffer, at + headerBytes, code & 0xffff);
  next = putU8(buffer, putU8(buffer, next, flags), 0);
  next = putU16(buffer, putU32(buffer, next, ttl), vary.length);
  for (const text of vary) {
    if (text.length > 0xffff || !factAllowed(text)) throw wireFail(WireError.BAD_FIELD, "vary");
    next = putLatin1(buffer, putU16(buffer, next, text.length), text);
  }
  return finish(buffer, at, FrameType.RESULT, 0, writeEntries(buffer, next, entries));
}

/** Decodes the payload of RESULT. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_BAD_FIELD} */
export function decodeResult(buffer: Buffer, start: number, end: number): Result {
  if (end - start < resultFixedBytes) throw badPayload("RESULT is too short");
  const flags = getU8(buffer, start + 2);
  if ((flags & ~ResultFlag.STATE) !== 0 || getU8(buffer, start + 3) !== 0)
    throw badPayload(`RESULT: flags ${flags}`);
  const source = fieldSource(buffer, start, end);
  const vary: string[] = [];
  let next = start + resultFixedBytes;
  for (let left = getU16(buffer, start + 8); left > 0; left--) {
    const textAt = take(source, next, 2);
    next = take(source, textAt, getU16(buffer, next));
    const text = latin1Text(buffer, textAt, next);
    if (text.includes("\0")) throw wireFail(WireError.BAD_FIELD, "vary");
    vary.push(text);
  }
  return {
    code: (getU16(buffer, start) << 16) >> 16,
    flags,
    ttl: getU32(buffer, start + 4),
    vary,
    entries: readEntries(source, next),
  };
}
