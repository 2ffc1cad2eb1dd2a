// SPDX-License-Identifier: Apache-2.0
// Big-endian integers and latin-1 text in a Buffer. Offsets are not checked here: who calls has checked the room.
// By hand, since Buffer's own methods check type and range of each argument.

/** What Buffer has had since Node 0.x without a document: text without a look at the encoding's name. */
interface Latin1 {
  latin1Slice(start: number, end: number): string;
  latin1Write(text: string, at: number): number;
}

/** Text of bytes `start` to `end`. */
export function latin1Text(buffer: Buffer, start: number, end: number): string {
  return (buffer as Buffer & Latin1).latin1Slice(start, end);
}

/** Writes text, one byte a character; returns the offset behind it. */
export function putLatin1(buffer: Buffer, at: number, text: string): number {
  return text === "" ? at : at + (buffer as Buffer & Latin1).latin1Write(text, at);
}

export function getU8(buffer: Buffer, at: number): number {
  return buffer[at] as number;
}

export function getU16(buffer: Buffer, at: number): number {
  return ((buffer[at] as number) << 8) | (buffer[at + 1] as number);
}

export function getU32(buffer: Buffer, at: number): number {
  return getU16(buffer, at) * 0x10000 + getU16(buffer, at + 2);
}

/** 64 bits as a number; above Number.MAX_SAFE_INTEGER it is not exact. */
export function getU64(buffer: Buffer, at: number): number {
  return getU32(buffer, at) * 0x100000000 + getU32(buffer, at + 4);
}

export function putU8(buffer: Buffer, at: number, value: number): number {
  buffer[at] = value;
  return at + 1;
}

export function putU16(buffer: Buffer, at: number, value: number): number {
  buffer[at] = value >>> 8;
  buffer[at + 1] = value;
  return at + 2;
}

export function putU32(buffer: Buffer, at: number, value: number): number {
  buffer[at] = value >>> 24;
  buffer[at + 1] = value >>> 16;
  buffer[at + 2] = value >>> 8;
  buffer[at + 3] = value;
  return at + 4;
}

/** @param value a safe integer, not negative */
export function putU64(buffer: Buffer, at: number, value: number): number {
  putU32(buffer, at, Math.floor(value / 0x100000000));
  return putU32(buffer, at + 4, value % 0x100000000);
}
