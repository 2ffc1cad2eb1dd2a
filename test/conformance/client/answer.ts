// SPDX-License-Identifier: Apache-2.0
// Reads responses of HTTP/1.1 out of bytes, exactly as they came (RFC 9112). Text is latin-1: one character a byte.

export type Field = readonly [name: string, value: string];

export interface RawHead {
  readonly status: number;
  readonly reason: string;
  readonly headers: readonly Field[];
}

export interface RawAnswer extends RawHead {
  readonly body: string;
  readonly trailers: readonly Field[];
  readonly interim: readonly RawHead[];
  readonly whole: boolean;
}

interface Parsed {
  readonly answer: RawAnswer;
  /** Where the next answer begins. */
  readonly end: number;
}

interface Body {
  readonly body: string;
  readonly trailers: readonly Field[];
  readonly end: number;
  readonly whole: boolean;
}

const HEAD_END = "\r\n\r\n";

function readFields(lines: readonly string[]): Field[] {
  return lines
    .filter((line) => line !== "")
    .map((line) => {
      const colon = line.indexOf(":");
      if (colon <= 0) throw new Error(`not a field: ${JSON.stringify(line)}`);
      return [line.slice(0, colon), line.slice(colon + 1).trim()];
    });
}

function readHead(text: string): RawHead {
  const [first = "", ...lines] = text.split("\r\n");
  const match = /^HTTP\/1\.[01] (\d{3}) (.*)$/.exec(first);
  if (match === null) throw new Error(`not a status line: ${JSON.stringify(first)}`);
  return { status: Number(match[1]), reason: match[2] ?? "", headers: readFields(lines) };
}

function fieldOf(head: RawHead, name: string): string | undefined {
  return head.headers.find(([other]) => other.toLowerCase() === name)?.[1];
}

function readChunks(text: string, from: number): Body {
  let body = "";
  let at = from;
  for (;;) {
    const line = text.indexOf("\r\n", at);
    if (line < 0) return { body, trailers: [], end: text.length, whole: false };
    const size = Number.parseInt(text.slice(at, line), 16);
    if (!(size >= 0)) throw new Error(`not a chunk: ${JSON.stringify(text.slice(at, line))}`);
    if (size === 0) break;
    body += text.slice(line + 2, line + 2 + size);
    at = line + 2 + size + 2;
    if (at > text.length) return { body, trailers: [], end: text.length, whole: false };
  }
  // The last chunk's line ends where the trailers begin: together they end as a head does.
  const zero = text.indexOf("\r\n", at);
  const end = text.indexOf(HEAD_END, zero);
  if (end < 0) return { body, trailers: [], end: text.length, whole: false };
  const trailers = readFields(text.slice(zero + 2, end).split("\r\n"));
  return { body, trailers, end: end + HEAD_END.length, whole: true };
}

function readBody(head: RawHead, text: string, from: number, ended: boolean): Body {
  if (/chunked/i.test(fieldOf(head, "transfer-encoding") ?? "")) return readChunks(text, from);
  const length = fieldOf(head, "content-length");
  const end = length === undefined ? text.length : Math.min(from + Number(length), text.length);
  const whole = length === undefined ? ended : from + Number(length) <= text.length;
  return { body: text.slice(from, end), trailers: [], end, whole };
}

function hasBody(head: RawHead, method: string): boolean {
  return method !== "HEAD" && head.status !== 101 && head.status !== 204 && head.status !== 304;
}

/**
 * Reads one final answer and the interim ones before it.
 *
 * @param text all that has come
 * @param from where the answer begins
 * @param ended whether more can come
 * @returns undefined when the head is not there yet
 */
export function readAnswer(
  text: string,
  from: number,
  method: string,
  ended: boolean,
): Parsed | undefined {
  const interim: RawHead[] = [];
  for (let at = from; ; ) {
    const end = text.indexOf(HEAD_END, at);
    if (end < 0) return undefined;
    const head = readHead(text.slice(at, end));
    at = end + HEAD_END.length;
    if (head.status < 200 && head.status !== 101) {
      interim.push(head);
      continue;
    }
    const none: Body = { body: "", trailers: [], end: at, whole: true };
    const body = hasBody(head, method) ? readBody(head, text, at, ended) : none;
    const { trailers, whole } = body;
    return { answer: { ...head, interim, body: body.body, trailers, whole }, end: body.end };
  }
}
