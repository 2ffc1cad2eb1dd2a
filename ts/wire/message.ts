// SPDX-License-Identifier: Apache-2.0
// The payloads of an exchange: REQUEST, RESPONSE and END. Twin of native/wire/message.c; signal.ts has the small ones.
// Encoding writes a whole frame at an offset and returns the offset behind it; decoding takes the payload's place in a buffer.
import {
  getU8,
  getU16,
  getU32,
  getU64,
  latin1Text,
  putLatin1,
  putU8,
  putU16,
  putU32,
  putU64,
} from "./bytes.ts";
import { type Entry, entriesSize, readEntries, writeEntries } from "./entries.ts";
import {
  checkSpace,
  type Facts,
  factsSize,
  fieldSource,
  headersSize,
  readFacts,
  readHeaders,
  valueAllowed,
  writeFacts,
  writeHeaders,
} from "./fields.ts";
import { encodeFrameHeader } from "./frame.ts";
import { Flag, FrameType, factNames, WireError, WireNumber } from "./protocol.ts";
import { wireFail } from "./wire-error.ts";

const headerBytes = WireNumber.FRAME_HEADER_BYTES;
const requestFixedBytes = WireNumber.REQUEST_FIXED_BYTES;
const responseFixedBytes = 6;
const endFixedBytes = 10;
/** How a length of 64 bits says that it is not known. */
const unknownWord = 0xffffffff;
const noFacts: readonly (string | undefined)[] = factNames.map(() => undefined);

/** The head of a request. */
export interface RequestHead {
  /** Bit number, see Phase. */
  readonly phase: number;
  /** Counts the exchanges of the channel from 1. */
  readonly exchange: number;
  /** Bytes; undefined when only END tells. */
  readonly bodyLength: number | undefined;
  readonly facts: Facts;
  /** Name, value, name, value, … as they came. */
  readonly rawHeaders: string[];
  /** What else a hook is to see. */
  readonly entries: readonly Entry[];
}

/** The head of a response. */
export interface ResponseHead {
  /** 100 to 599; below 200 it is interim. */
  readonly status: number;
  readonly reason: string;
  readonly rawHeaders: string[];
}

/** The end of one direction of an exchange. */
export interface BodyEnd {
  /** Bytes of body that were sent in this direction. */
  readonly bodyLength: number;
  readonly rawTrailers: string[];
}

function badPayload(type: string): Error {
  return wireFail(WireError.BAD_PAYLOAD, type);
}

/** Writes the frame header before a payload that ends at `end`. @throws {TENON_ERR_WIRE_TOO_LONG} */
export function finish(
  buffer: Buffer,
  at: number,
  type: FrameType,
  flags: number,
  end: number,
): number {
  const length = end - at - headerBytes;
  if (length > WireNumber.MAX_MESSAGE_BYTES) throw wireFail(WireError.TOO_LONG, `${length} bytes`);
  encodeFrameHeader(buffer, at, type, flags, length);
  return end;
}

/** The number of headers in a flat list. @throws {TENON_ERR_WIRE_TOO_LONG} */
export function headerCount(headers: readonly string[]): number {
  const count = headers.length / 2;
  if (count > WireNumber.MAX_HEADERS) throw wireFail(WireError.TOO_LONG, `${count} headers`);
  return count;
}

function decodeLength(buffer: Buffer, at: number, type: string): number {
  const length = getU64(buffer, at);
  if (length > Number.MAX_SAFE_INTEGER) throw badPayload(`${type}: ${length} bytes of body`);
  return length;
}

/** The most bytes that a REQUEST frame takes. */
export function requestSize(head: RequestHead): number {
  const { facts, rawHeaders, entries } = head;
  const fields = factsSize(facts) + headersSize(rawHeaders) + entriesSize(entries);
  return headerBytes + requestFixedBytes + fields;
}

/**
 * Encodes REQUEST. @param ended no body follows
 * @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_TOO_LONG} {TENON_ERR_WIRE_NO_SPACE}
 */
export function encodeRequest(
  buffer: Buffer,
  at: number,
  head: RequestHead,
  ended: boolean,
): number {
  checkSpace(buffer, at, headerBytes + requestFixedBytes);
  const fixed = at + headerBytes;
  const facts = head.facts.reduce((count, fact) => (fact === undefined ? count : count + 1), 0);
  putU8(buffer, fixed, head.phase);
  putU8(buffer, fixed + 1, facts);
  putU16(buffer, fixed + 2, headerCount(head.rawHeaders));
  putU32(buffer, fixed + 4, head.exchange);
  if (head.bodyLength === undefined) {
    putU32(buffer, fixed + 8, unknownWord);
    putU32(buffer, fixed + 12, unknownWord);
  } else {
    putU64(buffer, fixed + 8, head.bodyLength);
  }
  let next = writeFacts(buffer, fixed + requestFixedBytes, head.facts);
  next = writeHeaders(buffer, next, head.rawHeaders);
  next = writeEntries(buffer, next, head.entries);
  return finish(buffer, at, FrameType.REQUEST, ended ? Flag.END : 0, next);
}

/** Decodes the payload of REQUEST. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_BAD_FIELD} */
export function decodeRequest(buffer: Buffer, start: number, end: number): RequestHead {
  if (end - start < requestFixedBytes) throw badPayload("REQUEST is too short");
  const headers = getU16(buffer, start + 2);
  if (headers > WireNumber.MAX_HEADERS) throw badPayload(`REQUEST: ${headers} headers`);
  const unknown =
    getU32(buffer, start + 8) === unknownWord && getU32(buffer, start + 12) === unknownWord;
  const bodyLength = unknown ? undefined : decodeLength(buffer, start + 8, "REQUEST");
  const source = fieldSource(buffer, start, end);
  const facts = noFacts.slice();
  const rawHeaders: string[] = [];
  const next = readFacts(source, start + requestFixedBytes, getU8(buffer, start + 1), facts);
  const entries = readEntries(source, readHeaders(source, next, headers, rawHeaders));
  const exchange = getU32(buffer, start + 4);
  return { phase: getU8(buffer, start), exchange, bodyLength, facts, rawHeaders, entries };
}

/** The most bytes that a RESPONSE frame takes. */
export function responseSize(reason: string, headers: readonly string[]): number {
  return headerBytes + responseFixedBytes + reason.length + headersSize(headers);
}

/**
 * Encodes RESPONSE. @param headers name, value, name, value, … @param ended the response has no body and no trailers
 * @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_TOO_LONG} {TENON_ERR_WIRE_NO_SPACE}
 */
export function encodeResponse(
  buffer: Buffer,
  at: number,
  status: number,
  reason: string,
  headers: readonly string[],
  ended: boolean,
): number {
  if (!(status >= 100 && status <= 599)) throw badPayload(`RESPONSE: status ${status}`);
  if (!valueAllowed(reason) || reason.length > 0xffff)
    throw wireFail(WireError.BAD_FIELD, "reason");
  checkSpace(buffer, at, headerBytes + responseFixedBytes + reason.length);
  let next = putU16(buffer, at + headerBytes, status);
  next = putU16(buffer, next, headerCount(headers));
  next = putLatin1(buffer, putU16(buffer, next, reason.length), reason);
  next = writeHeaders(buffer, next, headers);
  return finish(buffer, at, FrameType.RESPONSE, ended ? Flag.END : 0, next);
}

/** Decodes the payload of RESPONSE. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_BAD_FIELD} */
export function decodeResponse(buffer: Buffer, start: number, end: number): ResponseHead {
  if (end - start < responseFixedBytes) throw badPayload("RESPONSE is too short");
  const status = getU16(buffer, start);
  const headers = getU16(buffer, start + 2);
  const reasonAt = start + responseFixedBytes;
  const fieldsAt = reasonAt + getU16(buffer, start + 4);
  if (status < 100 || status > 599) throw badPayload(`RESPONSE: status ${status}`);
  if (headers > WireNumber.MAX_HEADERS) throw badPayload(`RESPONSE: ${headers} headers`);
  if (fieldsAt > end) throw badPayload("RESPONSE: the reason is longer than the frame");
  const reason = latin1Text(buffer, reasonAt, fieldsAt);
  if (!valueAllowed(reason)) throw wireFail(WireError.BAD_FIELD, "reason");
  const rawHeaders: string[] = [];
  if (readHeaders(fieldSource(buffer, start, end), fieldsAt, headers, rawHeaders) !== end)
    throw badPayload("RESPONSE has bytes left over");
  return { status, reason, rawHeaders };
}

/** The most bytes that an END frame takes. */
export function endSize(trailers: readonly string[]): number {
  return headerBytes + endFixedBytes + headersSize(trailers);
}

/**
 * Encodes END. @param bodyLength bytes of body sent in this direction
 * @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_TOO_LONG} {TENON_ERR_WIRE_NO_SPACE}
 */
export function encodeEnd(
  buffer: Buffer,
  at: number,
  bodyLength: number,
  trailers: readonly string[],
): number {
  checkSpace(buffer, at, headerBytes + endFixedBytes);
  let next = putU64(buffer, at + headerBytes, bodyLength);
  next = putU16(buffer, next, headerCount(trailers));
  return finish(buffer, at, FrameType.END, 0, writeHeaders(buffer, next, trailers));
}

/** Decodes the payload of END. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_BAD_FIELD} */
export function decodeEnd(buffer: Buffer, start: number, end: number): BodyEnd {
  if (end - start < endFixedBytes) throw badPayload("END is too short");
  const trailers = getU16(buffer, start + 8);
  if (trailers > WireNumber.MAX_HEADERS) throw badPayload(`END: ${trailers} trailers`);
  const rawTrailers: string[] = [];
  const source = fieldSource(buffer, start, end);
  if (readHeaders(source, start + endFixedBytes, trailers, rawTrailers) !== end)
    throw badPayload("END has bytes left over");
  return { bodyLength: decodeLength(buffer, start, "END"), rawTrailers };
}
