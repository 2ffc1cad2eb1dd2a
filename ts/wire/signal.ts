// SPDX-License-Identifier: Apache-2.0
// The small payloads around an exchange: HELLO, PULL, FILE, ABORT, LOG and CLOSE. Twin of native/wire/message.c.
// Encoding writes a whole frame at an offset and returns the offset behind it; decoding takes the payload's place in a buffer.
import { getU8, getU16, getU32, getU64, putU8, putU16, putU32, putU64 } from "./bytes.ts";
import { checkSpace } from "./fields.ts";
import { encodeFrameHeader } from "./frame.ts";
import { errorNames, FrameType, LogLevel, WireError, WireNumber } from "./protocol.ts";
import { wireFail } from "./wire-error.ts";

const headerBytes = WireNumber.FRAME_HEADER_BYTES;
const levels: ReadonlySet<number> = new Set(Object.values(LogLevel));

/** The sizes of the frames that have one. */
export const FrameBytes: Readonly<Record<"HELLO" | "PULL" | "FILE" | "CLOSE", number>> = {
  HELLO: headerBytes + WireNumber.HELLO_BYTES,
  PULL: headerBytes + 8,
  FILE: headerBytes + 16,
  CLOSE: headerBytes,
};

/** What a worker says first on a channel. */
export interface Hello {
  readonly version: number;
  /** The oldest version that the worker speaks. */
  readonly oldestVersion: number;
  readonly slot: number;
  /** Index of the channel's claim word in the slot, below CLAIMS_PER_SLOT. */
  readonly claimIndex: number;
  readonly pid: number;
  readonly incarnation: number;
  readonly generation: number;
  /** The claim word before the first exchange. */
  readonly claim: number;
  /** Bit n: the worker implements phase n. */
  readonly phases: bigint;
}

/** Where a piece of a body is in the file whose descriptor comes along. */
export interface FilePiece {
  /** Bytes before it in the file. */
  readonly offset: number;
  /** Bytes, at least 1. */
  readonly length: number;
}

/** Why an exchange was broken off. */
export interface Abort {
  /** One of WireError, or a number that this version does not know. */
  readonly error: number;
  readonly text: string;
}

/** A line for the error log. */
export interface LogLine {
  readonly level: LogLevel;
  readonly text: string;
}

function badPayload(what: string): Error {
  return wireFail(WireError.BAD_PAYLOAD, what);
}

/** Encodes HELLO. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_NO_SPACE} */
export function encodeHello(buffer: Buffer, at: number, hello: Hello): number {
  if (hello.claimIndex >= WireNumber.CLAIMS_PER_SLOT)
    throw badPayload(`HELLO: claim index ${hello.claimIndex}`);
  checkSpace(buffer, at, FrameBytes.HELLO);
  let next = encodeFrameHeader(buffer, at, FrameType.HELLO, 0, WireNumber.HELLO_BYTES);
  next = putU16(buffer, next, hello.version);
  next = putU16(buffer, next, hello.oldestVersion);
  next = putU16(buffer, next, hello.slot);
  next = putU16(buffer, next, hello.claimIndex);
  next = putU32(buffer, next, hello.pid);
  next = putU32(buffer, next, hello.incarnation);
  next = putU32(buffer, next, hello.generation);
  next = putU32(buffer, next, hello.claim);
  return buffer.writeBigUInt64BE(hello.phases, next);
}

/** Decodes the payload of HELLO. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_BAD_VERSION} */
export function decodeHello(buffer: Buffer, start: number, end: number): Hello {
  if (end - start < 4) throw badPayload("HELLO is too short");
  const version = getU16(buffer, start);
  const oldestVersion = getU16(buffer, start + 2);
  // The versions come first and are judged first: the rest may look different in another one.
  if (version < WireNumber.VERSION || oldestVersion > WireNumber.VERSION)
    throw wireFail(WireError.BAD_VERSION, `versions ${oldestVersion} to ${version}`);
  if (end - start !== WireNumber.HELLO_BYTES) throw badPayload(`HELLO of ${end - start} bytes`);
  const claimIndex = getU16(buffer, start + 6);
  if (claimIndex >= WireNumber.CLAIMS_PER_SLOT)
    throw badPayload(`HELLO: claim index ${claimIndex}`);
  return {
    version,
    oldestVersion,
    slot: getU16(buffer, start + 4),
    claimIndex,
    pid: getU32(buffer, start + 8),
    incarnation: getU32(buffer, start + 12),
    generation: getU32(buffer, start + 16),
    claim: getU32(buffer, start + 20),
    phases: buffer.readBigUInt64BE(start + 24),
  };
}

/** Encodes PULL. @param bytes credit, 1 to Number.MAX_SAFE_INTEGER @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_NO_SPACE} */
export function encodePull(buffer: Buffer, at: number, bytes: number): number {
  if (!(bytes >= 1 && bytes <= Number.MAX_SAFE_INTEGER)) throw badPayload(`PULL of ${bytes} bytes`);
  checkSpace(buffer, at, FrameBytes.PULL);
  return putU64(buffer, encodeFrameHeader(buffer, at, FrameType.PULL, 0, 8), bytes);
}

/** Decodes the payload of PULL: bytes, at least 1. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} */
export function decodePull(buffer: Buffer, start: number, end: number): number {
  if (end - start !== 8) throw badPayload(`PULL: payload of ${end - start} bytes`);
  const bytes = getU64(buffer, start);
  if (bytes < 1) throw badPayload("PULL of no bytes");
  return bytes;
}

function filePieceAllowed({ offset, length }: FilePiece): boolean {
  return offset >= 0 && length >= 1 && offset + length <= Number.MAX_SAFE_INTEGER;
}

/** Encodes FILE. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_NO_SPACE} */
export function encodeFile(buffer: Buffer, at: number, flags: number, piece: FilePiece): number {
  if (!filePieceAllowed(piece)) throw badPayload(`FILE: ${piece.length} bytes at ${piece.offset}`);
  checkSpace(buffer, at, FrameBytes.FILE);
  const next = encodeFrameHeader(buffer, at, FrameType.FILE, flags, 16);
  return putU64(buffer, putU64(buffer, next, piece.offset), piece.length);
}

/** Decodes the payload of FILE. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} */
export function decodeFile(buffer: Buffer, start: number, end: number): FilePiece {
  if (end - start !== 16) throw badPayload(`FILE: payload of ${end - start} bytes`);
  const piece = { offset: getU64(buffer, start), length: getU64(buffer, start + 8) };
  if (!filePieceAllowed(piece)) throw badPayload(`FILE: ${piece.length} bytes at ${piece.offset}`);
  return piece;
}

/** Encodes a frame of `fixed` bytes, which the caller fills in, and a text. */
function encodeText(
  buffer: Buffer,
  at: number,
  type: FrameType,
  fixed: number,
  text: string,
): number {
  const length = fixed + Buffer.byteLength(text);
  if (length > WireNumber.MAX_MESSAGE_BYTES) throw wireFail(WireError.TOO_LONG, `${length} bytes`);
  checkSpace(buffer, at, headerBytes + length);
  const payload = encodeFrameHeader(buffer, at, type, 0, length);
  buffer.write(text, payload + fixed);
  return payload + length;
}

/** The bytes that an ABORT or LOG frame with this text takes at most. */
export function textFrameSize(text: string): number {
  return headerBytes + 2 + Buffer.byteLength(text);
}

/** Encodes ABORT; the text travels as UTF-8. @throws {TENON_ERR_WIRE_TOO_LONG} {TENON_ERR_WIRE_NO_SPACE} */
export function encodeAbort(buffer: Buffer, at: number, error: number, text: string): number {
  const end = encodeText(buffer, at, FrameType.ABORT, 2, text);
  putU16(buffer, at + headerBytes, error);
  return end;
}

/** Decodes the payload of ABORT. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} */
export function decodeAbort(buffer: Buffer, start: number, end: number): Abort {
  if (end - start < 2) throw badPayload("ABORT is too short");
  return { error: getU16(buffer, start), text: buffer.toString("utf8", start + 2, end) };
}

/** The name of the error that ABORT carries, for messages. */
export function abortErrorName(error: number): string {
  return errorNames[error] ?? `error ${error}`;
}

/** Encodes LOG; the text travels as UTF-8. @throws {TENON_ERR_WIRE_TOO_LONG} {TENON_ERR_WIRE_NO_SPACE} */
export function encodeLog(buffer: Buffer, at: number, level: LogLevel, text: string): number {
  const end = encodeText(buffer, at, FrameType.LOG, 1, text);
  putU8(buffer, at + headerBytes, level);
  return end;
}

/** Decodes the payload of LOG. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} */
export function decodeLog(buffer: Buffer, start: number, end: number): LogLine {
  if (end - start < 1) throw badPayload("LOG is too short");
  const level = getU8(buffer, start);
  if (!levels.has(level)) throw badPayload(`LOG: level ${level}`);
  return { level: level as LogLevel, text: buffer.toString("utf8", start + 1, end) };
}

/** Encodes CLOSE. @throws {TENON_ERR_WIRE_NO_SPACE} */
export function encodeClose(buffer: Buffer, at: number): number {
  checkSpace(buffer, at, FrameBytes.CLOSE);
  return encodeFrameHeader(buffer, at, FrameType.CLOSE, 0, 0);
}

/** Checks the payload of CLOSE, which is empty. @throws {TENON_ERR_WIRE_BAD_PAYLOAD} */
export function decodeClose(_buffer: Buffer, start: number, end: number): void {
  if (start !== end) throw badPayload("CLOSE has a payload");
}
