// SPDX-License-Identifier: Apache-2.0
// Entries: what a hook sees of a request's tables and record, and what it changes there. Twin of the entries of native/wire/fields.c.
import { getU8, getU16, getU32, putLatin1, putU8, putU16, putU32 } from "./bytes.ts";
import { checkSpace, cut, type FieldSource, factAllowed, take } from "./fields.ts";
import { EntryOperation, EntryTable, WireError } from "./protocol.ts";
import { wireFail } from "./wire-error.ts";

/** What is done to one name of one table. Name and value are bytes, one a character. */
export interface Entry {
  readonly operation: EntryOperation;
  readonly table: EntryTable;
  readonly name: string;
  /** Undefined when the operation is UNSET. */
  readonly value: string | undefined;
}

const TABLE_BITS = 0x3f;
const lastTable = Math.max(...Object.values(EntryTable));
const noEntries: readonly Entry[] = [];

/**
 * Decodes the entries from offset `at` to the end of the payload.
 * @throws {TENON_ERR_WIRE_BAD_PAYLOAD} {TENON_ERR_WIRE_BAD_FIELD}
 */
export function readEntries(source: FieldSource, at: number): readonly Entry[] {
  if (at === source.end) return noEntries;
  const { buffer } = source;
  const entries: Entry[] = [];
  let next = at;
  while (next < source.end) {
    const nameAt = take(source, next, 3);
    const first = getU8(buffer, next);
    const table = first & TABLE_BITS;
    const operation = first & ~TABLE_BITS;
    next = take(source, nameAt, getU16(buffer, next + 1));
    const name = cut(source, nameAt, next);
    let value: string | undefined;
    if (operation !== EntryOperation.UNSET) {
      const valueAt = take(source, next, 4);
      next = take(source, valueAt, getU32(buffer, next));
      value = cut(source, valueAt, next);
    }
    if (table < 1 || table > lastTable || operation > EntryOperation.UNSET)
      throw wireFail(WireError.BAD_FIELD, `entry ${first}`);
    if (name.includes("\0") || value?.includes("\0"))
      throw wireFail(WireError.BAD_FIELD, "an entry holds a NUL");
    entries.push({
      operation: operation as EntryOperation,
      table: table as EntryTable,
      name,
      value,
    });
  }
  return entries;
}

/** The bytes that entries take. */
export function entriesSize(entries: readonly Entry[]): number {
  let size = 0;
  for (const { name, value } of entries) {
    size += 3 + name.length + (value === undefined ? 0 : 4 + value.length);
  }
  return size;
}

/**
 * Encodes entries; returns the offset behind them.
 * @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_NO_SPACE}
 */
export function writeEntries(buffer: Buffer, at: number, entries: readonly Entry[]): number {
  checkSpace(buffer, at, entriesSize(entries));
  let next = at;
  for (const { operation, table, name, value } of entries) {
    if (name.length > 0xffff || !factAllowed(name))
      throw wireFail(WireError.BAD_FIELD, `name ${JSON.stringify(name.slice(0, 100))}`);
    next = putU16(buffer, putU8(buffer, next, operation | table), name.length);
    next = putLatin1(buffer, next, name);
    if (value === undefined) continue;
    if (!factAllowed(value)) throw wireFail(WireError.BAD_FIELD, `value of ${name}`);
    next = putLatin1(buffer, putU32(buffer, next, value.length), value);
  }
  return next;
}
