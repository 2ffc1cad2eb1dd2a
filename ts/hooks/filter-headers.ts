// SPDX-License-Identifier: Apache-2.0
// The headers of a filtered response: which stay true of another body, and how they are spelled.
import type { Entry } from "../wire/entries.ts";
import { EntryOperation, EntryTable } from "../wire/protocol.ts";
import type { FilteredResponse, HeadersLike } from "./filter-types.ts";

/** Headers that speak of the very bytes of the body (RFC 9110, 8.6, 8.8 and 14.3; RFC 9530). */
const ofTheBytes: ReadonlySet<string> = new Set([
  "content-length",
  "accept-ranges",
  "content-md5",
  "content-range",
  "digest",
  "content-digest",
  "repr-digest",
]);
const validators: ReadonlySet<string> = new Set(["etag", "last-modified"]);

/** The headers of a response on their way through a filter. */
export class OutgoingHeaders {
  /** What the filter sees and may change. */
  readonly given: Headers = new Headers();
  /** Spelling of names by their lower case. */
  readonly #spelling = new Map<string, string>();
  readonly #before: Headers;
  /** Table of each header that came. */
  readonly tables: Map<string, EntryTable> = new Map();

  constructor(entries: readonly Entry[]) {
    for (const { table, name, value } of entries) {
      if (value === undefined) continue;
      if (table === EntryTable.RECORD && name === "content_type") this.#add("Content-Type", value);
      if (table === EntryTable.HEADERS_OUT || table === EntryTable.ERR_HEADERS_OUT) {
        this.#add(name, value);
        this.tables.set(name.toLowerCase(), table);
      }
    }
    this.#before = new Headers(this.given);
  }

  #add(name: string, value: string): void {
    this.given.append(name, value);
    this.#spelling.set(name.toLowerCase(), name);
  }

  /** Whether a header is as it came. */
  #untouched(headers: Headers, name: string): boolean {
    return headers.get(name) === this.#before.get(name);
  }

  /** Values of a header that came. */
  before(name: string): string | null {
    return this.#before.get(name);
  }

  /** Names that came. */
  namesBefore(): Iterable<string> {
    return this.#before.keys();
  }

  spelled(name: string): string {
    return this.#spelling.get(name) ?? name;
  }

  /**
   * The headers of the answer, names and values in turn.
   * @param changed whether the body is another one @param length of the body in bytes, when that is known
   */
  filtered(answer: FilteredResponse, changed: boolean, length: number | undefined): string[] {
    const headers = answer.headers === undefined ? this.given : new Headers(answer.headers);
    const fields: string[] = [];
    for (const [name, value] of headers) {
      if (changed && this.#untouched(headers, name)) {
        if (ofTheBytes.has(name)) continue;
        if (validators.has(name) && answer.deterministic !== true) continue;
        if (name === "etag") {
          fields.push(this.spelled(name), weak(value));
          continue;
        }
      }
      fields.push(this.spelled(name), value);
    }
    if (length !== undefined && !fields.some((field) => field.toLowerCase() === "content-length")) {
      fields.push("Content-Length", String(length));
    }
    return fields;
  }
}

function weak(etag: string): string {
  return etag.startsWith("W/") ? etag : `W/${etag}`;
}

/** The changes of a filter that leaves the body as it is. */
export function changesOf(headers: OutgoingHeaders, given: HeadersLike | undefined): Entry[] {
  const after = given === undefined ? headers.given : new Headers(given);
  const changes: Entry[] = [];
  const names = new Set([...headers.namesBefore(), ...after.keys()]);
  for (const name of names) {
    if (name !== "set-cookie" && after.get(name) === headers.before(name)) continue;
    if (name === "set-cookie" && sameCookies(headers, after)) continue;
    changes.push(...changeOf(headers, after, name));
  }
  return changes;
}

function sameCookies(headers: OutgoingHeaders, after: Headers): boolean {
  return after.get("set-cookie") === headers.before("set-cookie");
}

/** A header may stand in either table: it is set in one, and unset in the other. */
function changeOf(headers: OutgoingHeaders, after: Headers, name: string): Entry[] {
  const value = after.get(name);
  const spelled = headers.spelled(name);
  if (name === "content-type") {
    const record = { table: EntryTable.RECORD, name: "content_type" };
    return value === null
      ? [{ ...record, operation: EntryOperation.UNSET, value: undefined }]
      : [{ ...record, operation: EntryOperation.SET, value }];
  }
  const changes: Entry[] = [];
  const table = headers.tables.get(name) ?? EntryTable.HEADERS_OUT;
  for (const each of [EntryTable.HEADERS_OUT, EntryTable.ERR_HEADERS_OUT] as const) {
    if (each !== table || value === null) {
      changes.push({
        operation: EntryOperation.UNSET,
        table: each,
        name: spelled,
        value: undefined,
      });
    }
  }
  if (value === null) return changes;
  const values = name === "set-cookie" ? after.getSetCookie() : [value];
  values.forEach((each, index) => {
    const operation = index === 0 ? EntryOperation.SET : EntryOperation.ADD;
    changes.push({ operation, table, name: spelled, value: each });
  });
  return changes;
}
