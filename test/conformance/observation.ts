// SPDX-License-Identifier: Apache-2.0
// What was seen of one run of a case, in a form that can be compared between hosts. Everything that is a front server's own is taken
// away here, and nowhere else.
import { createHash } from "node:crypto";
import type { RawAnswer } from "./client/answer.ts";

/** Values of fields by name as it was spelled; the order of fields of different names means nothing (RFC 9110, 5.3). */
export type Fields = Record<string, string[]>;

export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly headers: Fields;
  /** Latin-1; of a long one size and hash. */
  readonly body: string;
  readonly bodyBytes: number;
  readonly trailers: Fields;
  readonly interim: readonly { readonly status: number; readonly headers: Fields }[];
  /** Whether it came to its end; false: the connection ended before. */
  readonly whole: boolean;
}

export interface Observation {
  /** Final answers, in order. */
  readonly answers: readonly Answer[];
  /** Notes of the application; undefined when it was never called. */
  readonly seen: readonly unknown[] | undefined;
  /** Notes of the client. */
  readonly notes: readonly unknown[];
}

/**
 * Fields of an answer that say something of the server and its connection and nothing of the response (RFC 9110, 7.6.1 and 6.6.1):
 * each host has its own. Whether the body is delimited by chunks, by length or by the end of the connection is the host's too: a
 * Content-Length that the reference has is compared, one that a host adds is not when it is right (compare.ts).
 */
const OF_THE_HOST: ReadonlySet<string> = new Set([
  "connection",
  "date",
  "keep-alive",
  "server",
  "transfer-encoding",
]);

/** Beside these: the protocols that a host offers of its own accord, which only 101 and 426 have to name. */
const OFFERED = "upgrade";

/** Fields that a host which parses them may spell as it does itself; names have no case (RFC 9110, 5.1). */
const RESPELLED: Readonly<Record<string, string>> = {
  "content-length": "Content-Length",
  "content-type": "Content-Type",
};

/** Longest body that is kept as it is, bytes. */
const SHORT_BYTES = 1000;

function fieldsOf(pairs: readonly (readonly [string, string])[], status: number): Fields {
  const fields: Fields = {};
  for (const [name, value] of pairs) {
    const lower = name.toLowerCase();
    if (OF_THE_HOST.has(lower)) continue;
    if (lower === OFFERED && status !== 101 && status !== 426) continue;
    const spelled = RESPELLED[lower] ?? name;
    fields[spelled] ??= [];
    fields[spelled].push(value);
  }
  return fields;
}

function digest(body: string): string {
  if (body.length <= SHORT_BYTES) return body;
  const hash = createHash("sha1").update(body, "latin1").digest("hex");
  return `${body.length} bytes, sha1 ${hash}`;
}

/**
 * Brings an answer to the form that is compared.
 *
 * @param refusal the host answered by itself, with an error: then its words are its own and only the status counts
 */
export function normalise(raw: RawAnswer, refusal: boolean): Answer {
  const { status, whole } = raw;
  if (refusal) {
    const none = { reason: "", headers: {}, body: "", bodyBytes: 0, trailers: {}, interim: [] };
    return { status, ...none, whole };
  }
  return {
    status,
    reason: raw.reason,
    headers: fieldsOf(raw.headers, status),
    body: digest(raw.body),
    bodyBytes: raw.body.length,
    trailers: fieldsOf(raw.trailers, status),
    interim: raw.interim.map((each) => ({
      status: each.status,
      headers: fieldsOf(each.headers, each.status),
    })),
    whole,
  };
}
