// SPDX-License-Identifier: Apache-2.0
// What a request of the load asks for and what must come back: agreed between load.ts and application.ts.

/** Kinds of requests: idempotent with a small answer; not idempotent, its body echoed; one whose answer comes in pieces over some time. */
export const kinds = ["get", "post", "stream"] as const;

export type Kind = (typeof kinds)[number];

export const STREAM_PIECES = 5;

const LEAST_BYTES = 200;
const MOST_BYTES = 20_000;

/** Text that no other id has, 200 to 20,000 bytes long. */
export function textOf(id: string): string {
  let hash = 0;
  for (const letter of id) hash = (Math.imul(hash, 31) + letter.charCodeAt(0)) >>> 0;
  const bytes = LEAST_BYTES + (hash % (MOST_BYTES - LEAST_BYTES));
  return `${id} `.repeat(Math.ceil(bytes / (id.length + 1)));
}

/** One piece of a streamed answer. */
export function pieceOf(id: string, index: number): string {
  return `${index} of ${textOf(id)}\n`;
}

/** The whole body of the right answer. */
export function answerOf(kind: Kind, id: string): string {
  if (kind === "get") return `answer ${id}\n`;
  if (kind === "post") return textOf(id);
  return Array.from({ length: STREAM_PIECES }, (_, index) => pieceOf(id, index)).join("");
}
