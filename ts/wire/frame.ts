// SPDX-License-Identifier: Apache-2.0
// The frame header, 8 bytes before every payload: type, flags, two reserved bytes, length (32 bits). Twin of native/wire/frame.c.
import { getU8, getU16, getU32, putU8, putU16, putU32 } from "./bytes.ts";
import { Flag, FrameType, frameTypeNames, WireError, WireNumber } from "./protocol.ts";
import { wireFail } from "./wire-error.ts";

/** Writes a frame header; returns the offset behind it. */
export function encodeFrameHeader(
  buffer: Buffer,
  at: number,
  type: FrameType,
  flags: number,
  length: number,
): number {
  putU8(buffer, at, type);
  putU8(buffer, at + 1, flags);
  putU16(buffer, at + 2, 0);
  return putU32(buffer, at + 4, length);
}

/** Frames that may end their direction. */
const endable: ReadonlySet<number> = new Set([
  FrameType.RESPONSE,
  FrameType.DATA,
  FrameType.FILE,
  FrameType.REPLY,
]);

function flagsAllowed(type: number): number {
  if (type === FrameType.REQUEST) return Flag.END | Flag.UPGRADE;
  return endable.has(type) ? Flag.END : 0;
}

/** The name of a frame type, for messages. */
export function frameTypeName(type: number): string {
  return frameTypeNames[type] ?? `type ${type}`;
}

/**
 * Checks the frame header at `at` (8 bytes, all there) and returns the payload's length.
 * @throws {TENON_ERR_WIRE_UNKNOWN_FRAME} {TENON_ERR_WIRE_BAD_FLAGS} {TENON_ERR_WIRE_TOO_LONG}
 */
export function decodeFrameHeader(buffer: Buffer, at: number): number {
  const type = getU8(buffer, at);
  if (frameTypeNames[type] === undefined) throw wireFail(WireError.UNKNOWN_FRAME, `type ${type}`);
  const flags = getU8(buffer, at + 1);
  const allowed = (flags & ~flagsAllowed(type)) === 0 && flags !== (Flag.END | Flag.UPGRADE);
  if (!allowed || getU16(buffer, at + 2) !== 0)
    throw wireFail(WireError.BAD_FLAGS, `flags ${flags} of ${frameTypeName(type)}`);
  const length = getU32(buffer, at + 4);
  const longest =
    type === FrameType.DATA ? WireNumber.MAX_DATA_BYTES : WireNumber.MAX_MESSAGE_BYTES;
  if (length > longest)
    throw wireFail(WireError.TOO_LONG, `${length} bytes of ${frameTypeName(type)}, not ${longest}`);
  return length;
}
