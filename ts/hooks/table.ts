// SPDX-License-Identifier: Apache-2.0
// Tables of a request as hooks see and change them: headers, notes, environment, options. Names are compared without regard to case, as httpd does.
import { EntryOperation } from "../wire/protocol.ts";
import { bytesOf } from "./text.ts";

/** A table that can only be read. */
export interface ReadonlyTable extends Iterable<readonly [name: string, value: string]> {
  /** Number of values. */
  readonly size: number;
  /** The first value of a name, whatever its case; undefined when there is none (httpd's apr_table_get). */
  get(name: string): string | undefined;
  /** All values of a name, in order. */
  getAll(name: string): string[];
  has(name: string): boolean;
  /** Names and values, in order. */
  entries(): IterableIterator<readonly [name: string, value: string]>;
}

/** A table of a request. Changes reach the host when the hook has returned. */
export interface Table extends ReadonlyTable {
  /**
   * Replaces all values of a name (httpd's apr_table_set).
   * @throws {TypeError} for a name or value that the table cannot hold @throws {TENON_ERR_HOOK_OVER} once the hook has returned
   */
  set(name: string, value: string): void;
  /** Adds a value beside others of the name (httpd's apr_table_add). @throws {TypeError} {TENON_ERR_HOOK_OVER} */
  append(name: string, value: string): void;
  /** Removes all values of a name (httpd's apr_table_unset). @throws {TypeError} {TENON_ERR_HOOK_OVER} */
  delete(name: string): void;
}

/** Tells the host of a change. Name and value are bytes. */
export type ChangeSink = (
  operation: EntryOperation,
  name: string,
  value: string | undefined,
) => void;

/** What may be a name and a value. */
export interface TableRules {
  readonly name: RegExp;
  readonly value: RegExp;
  /** As the host has it. */
  bytes(text: string): string;
}

/** RFC 9110, 5.6.2 and 5.5; one byte a character, as in node:http. */
export const headerRules: TableRules = {
  name: /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/,
  value: /^[^\r\n\0\u0100-\uffff]*$/,
  bytes: (text) => text,
};

/** Notes and environment: anything but NUL, as UTF-8. */
export const textRules: TableRules = {
  name: /^[^\0]+$/,
  value: /^[^\0]*$/,
  bytes: bytesOf,
};

/** A table over a flat list of names and values. */
export class PairTable implements Table {
  #pairs: string[];
  readonly #rules: TableRules;
  readonly #changed: ChangeSink;

  constructor(pairs: string[], rules: TableRules, changed: ChangeSink) {
    this.#pairs = pairs;
    this.#rules = rules;
    this.#changed = changed;
  }

  get size(): number {
    return this.#pairs.length / 2;
  }

  get(name: string): string | undefined {
    const index = this.#find(name.toLowerCase(), 0);
    return index < 0 ? undefined : this.#pairs[index + 1];
  }

  getAll(name: string): string[] {
    const wanted = name.toLowerCase();
    const values: string[] = [];
    for (let index = this.#find(wanted, 0); index >= 0; index = this.#find(wanted, index + 2)) {
      values.push(this.#pairs[index + 1] as string);
    }
    return values;
  }

  has(name: string): boolean {
    return this.#find(name.toLowerCase(), 0) >= 0;
  }

  *entries(): IterableIterator<readonly [name: string, value: string]> {
    const pairs = this.#pairs;
    for (let index = 0; index < pairs.length; index += 2) {
      yield [pairs[index] as string, pairs[index + 1] as string];
    }
  }

  [Symbol.iterator](): IterableIterator<readonly [name: string, value: string]> {
    return this.entries();
  }

  set(name: string, value: string): void {
    this.#tell(EntryOperation.SET, name, value);
    this.#remove(name);
    this.#pairs.push(name, value);
  }

  append(name: string, value: string): void {
    this.#tell(EntryOperation.ADD, name, value);
    this.#pairs.push(name, value);
  }

  delete(name: string): void {
    this.#tell(EntryOperation.UNSET, name, undefined);
    this.#remove(name);
  }

  #find(wanted: string, from: number): number {
    const pairs = this.#pairs;
    for (let index = from; index < pairs.length; index += 2) {
      const name = pairs[index] as string;
      if (name.length === wanted.length && name.toLowerCase() === wanted) return index;
    }
    return -1;
  }

  #remove(name: string): void {
    const wanted = name.toLowerCase();
    this.#pairs = this.#pairs.filter((_, index, all) => {
      return (all[index - (index % 2)] as string).toLowerCase() !== wanted;
    });
  }

  #tell(operation: EntryOperation, name: string, value: string | undefined): void {
    const { name: names, value: values, bytes } = this.#rules;
    if (typeof name !== "string" || !names.test(name)) {
      throw new TypeError(`${JSON.stringify(name)} cannot be a name in this table`);
    }
    if (value !== undefined && (typeof value !== "string" || !values.test(value))) {
      throw new TypeError(`the value of ${name} cannot be in this table: ${JSON.stringify(value)}`);
    }
    this.#changed(operation, bytes(name), value === undefined ? undefined : bytes(value));
  }
}
