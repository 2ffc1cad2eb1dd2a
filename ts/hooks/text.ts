// SPDX-License-Identifier: Apache-2.0
// Texts of entries: bytes on the wire, one a character; UTF-8 to a hook.
const aboveAscii = /[\u0080-\uffff]/;

/** Bytes as the text that they are in UTF-8. */
export function textOf(bytes: string): string {
  return aboveAscii.test(bytes) ? Buffer.from(bytes, "latin1").toString() : bytes;
}

/** A text as its bytes in UTF-8. */
export function bytesOf(text: string): string {
  return aboveAscii.test(text) ? Buffer.from(text).toString("latin1") : text;
}
