// SPDX-License-Identifier: Apache-2.0
// Entries as a host sends them.
import type { Entry } from "../../ts/wire/entries.ts";
import { EntryOperation, EntryTable } from "../../ts/wire/protocol.ts";

/** An entry of a host. */
export function entry(table: keyof typeof EntryTable, name: string, value: string): Entry {
  return { operation: EntryOperation.ADD, table: EntryTable[table], name, value };
}

/** Bytes of UTF-8, one a character. */
export function utf8(text: string): string {
  return Buffer.from(text).toString("latin1");
}
