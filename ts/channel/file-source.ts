// SPDX-License-Identifier: Apache-2.0
// A file as the host gets it: an open file description of its own. Used by ts/adapter and ts/worker; exchange.ts sends it.
import { closeSync, constants, fstatSync, openSync, readFileSync } from "node:fs";
import type { FilePiece } from "../wire/signal.ts";

/**
 * The smallest file that is worth a hand-over, bytes. Measured on Node 24, CPU time of worker and httpd together over that of reading: 0.9 from 8 to
 * 32 KiB, 0.78 at 64 KiB, 0.64 at 128 KiB, 0.51 at 256 KiB. Below this size the two descriptors that a download takes in httpd are worth more.
 */
export const HANDOVER_BYTES = 65536;

/** A piece of a file, open for the host. Who has it closes the descriptor. */
export interface FileSource extends FilePiece {
  readonly descriptor: number;
}

/** Where the next read without a position would begin (proc(5), fdinfo). */
export function positionOf(fd: number): number {
  const [, position] =
    /^pos:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, "latin1")) ?? [];
  if (position === undefined) throw new Error(`no position in fdinfo of descriptor ${fd}`);
  return Number(position);
}

/**
 * Opens the file of a descriptor once more, with this process's own rights: the host moves the offset, and what it gets must not be
 * shared with other responses or with the application. Undefined when it is no regular file or the piece has less than `least` bytes.
 *
 * @param end last byte of the piece, Infinity for all there is
 * @throws what open(2) and fstat(2) say
 */
export function openSource(
  fd: number,
  offset: number,
  end: number,
  least: number,
): FileSource | undefined {
  const info = fstatSync(fd);
  const length = Math.min(info.size, end + 1) - offset;
  if (!info.isFile() || length < Math.max(least, 1)) return undefined;
  const descriptor = openSync(`/proc/self/fd/${fd}`, constants.O_RDONLY);
  return { descriptor, offset, length };
}

/** Closes a source that was not or has been sent. */
export function closeSource(source: FileSource): void {
  closeSync(source.descriptor);
}
