// SPDX-License-Identifier: Apache-2.0
// The files of log records that wait for a worker (apache/records/spool_format.h), as far as httpd's end leaves them to the supervisor. Called by
// runtime-directory.ts.
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  rmdirSync,
  unlinkSync,
} from "node:fs";
import { endianness } from "node:os";
import { join } from "node:path";

/** Names that httpd's children give: time and pid. Others were set aside for whoever wants to know. */
const NAME = /^[0-9a-f]{16}-(\d+)$/;
const HEADER_BYTES = 64;
const MAGIC = 0x544e53504f4f4c31n;

/** What the header of a file tells: places in it, bytes. */
export interface SpoolHeader {
  /** End of the last whole record. */
  readonly written: number;
  /** Up to here all records are acknowledged. */
  readonly taken: number;
  /** End of the last record that is to outlive httpd. */
  readonly worth: number;
}

/** Reads the header of a file. @returns undefined when it has none. @throws errors of the system */
export function readSpoolHeader(path: string): SpoolHeader | undefined {
  const bytes = Buffer.alloc(HEADER_BYTES);
  const descriptor = openSync(path, "r");
  try {
    readSync(descriptor, bytes, 0, HEADER_BYTES, 0);
  } finally {
    closeSync(descriptor);
  }
  const word = (offset: number): bigint =>
    endianness() === "LE" ? bytes.readBigUInt64LE(offset) : bytes.readBigUInt64BE(offset);
  if (word(0) !== MAGIC) return undefined;
  const written = Number(word(8));
  return { written, taken: Number(word(16)), worth: Math.min(Number(word(24)), written) };
}

function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/** Whether a file holds nothing that is to outlive httpd, and nobody writes it. */
function isWorthless(folder: string, name: string): boolean {
  const [, pid] = NAME.exec(name) ?? [];
  if (pid === undefined || lives(Number(pid))) return false;
  const header = readSpoolHeader(join(folder, name));
  // Without a header it is one to be looked at, or one whose writer died before it began: the next httpd tells.
  return header !== undefined && header.taken >= header.worth;
}

/** Removes a directory, unless something is in it: that is not for us to remove. */
export function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["ENOTEMPTY", "ENOTDIR", "ENOENT"].includes(code)) throw error;
  }
}

/** Removes all files of children that ended with nothing left to deliver, as one that was killed could not, and the folders that are empty then. @param root folder of all pools' */
export function removeWorthless(root: string): void {
  if (!existsSync(root)) return;
  for (const pool of readdirSync(root, { withFileTypes: true })) {
    const folder = join(root, pool.name);
    if (!pool.isDirectory()) continue;
    for (const name of readdirSync(folder)) {
      if (isWorthless(folder, name)) unlinkSync(join(folder, name));
    }
    removeEmpty(folder);
  }
  removeEmpty(root);
}
