// SPDX-License-Identifier: Apache-2.0
// The vectors of test/vectors, as meanings and as the lines that vectors.c and describe.c speak.
import { readdirSync, readFileSync } from "node:fs";
import { EntryOperation, EntryTable } from "../../ts/wire/protocol.ts";

const folder = new URL("../vectors/", import.meta.url);

type Pairs = readonly (readonly [string, string])[];

/** Operation and table by name, the entry's name and, unless it unsets, its value. */
type Entries = readonly (readonly [string, string, string, string?])[];

/** A frame as a vector tells it; header lists as pairs. Strings are bytes, one a character, but `text`. */
export type Frame =
  | {
      readonly type: "HELLO";
      readonly version: number;
      readonly oldestVersion: number;
      readonly slot: number;
      readonly claimIndex: number;
      readonly pid: number;
      readonly incarnation: number;
      readonly generation: number;
      readonly claim: number;
      /** Decimal, since it has 64 bits. */
      readonly phases: string;
    }
  | {
      readonly type: "REQUEST";
      readonly end: boolean;
      readonly phase: number;
      readonly exchange: number;
      /** null: unknown. */
      readonly bodyLength: number | null;
      /** By name of Fact. */
      readonly facts: Readonly<Record<string, string>>;
      readonly headers: Pairs;
      /** Left out: none. */
      readonly entries?: Entries;
    }
  | { readonly type: "FIELDS"; readonly entries: Entries }
  | {
      readonly type: "ASK";
      readonly kind: 1 | 2;
      readonly asked: string;
      readonly headers: Pairs;
    }
  | {
      readonly type: "REPLY";
      readonly end: boolean;
      readonly status: number;
      readonly asked: string;
      readonly headers: Pairs;
    }
  | {
      readonly type: "RESULT";
      readonly code: number;
      readonly flags: number;
      readonly ttl: number;
      readonly vary: readonly string[];
      readonly entries: Entries;
    }
  | {
      readonly type: "RESPONSE";
      readonly end: boolean;
      readonly status: number;
      readonly reason: string;
      readonly headers: Pairs;
    }
  | { readonly type: "DATA"; readonly end: boolean; readonly body: string }
  | { readonly type: "END"; readonly bodyLength: number; readonly trailers: Pairs }
  | { readonly type: "PULL"; readonly bytes: number }
  | {
      readonly type: "FILE";
      readonly end: boolean;
      readonly offset: number;
      readonly length: number;
    }
  | { readonly type: "ABORT"; readonly error: number; readonly text: string }
  | { readonly type: "LOG"; readonly level: 3 | 4 | 5 | 6 | 7; readonly text: string }
  | { readonly type: "CLOSE" };

export interface Vector {
  readonly name: string;
  readonly hex: string;
  readonly frames: readonly Frame[];
  /** Row of WireError that decoding gives behind the frames. */
  readonly error?: string;
  /** An unfinished frame is left. */
  readonly partial?: boolean;
  /** false: the bytes are not how we would encode it. */
  readonly encode?: boolean;
}

/** All vectors, names prefixed with their file. */
export const vectors: readonly Vector[] = readdirSync(folder)
  .filter((file) => file.endsWith(".json"))
  .sort()
  .flatMap((file) => {
    const rows = JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Vector[];
    return rows.map((row) => ({ ...row, name: `${file.slice(0, -5)}: ${row.name}` }));
  });

/** True when the meaning of a vector is also to be encoded to its bytes. */
export function isEncodable(vector: Vector): boolean {
  return (
    vector.frames.length > 0 &&
    vector.error === undefined &&
    vector.partial !== true &&
    vector.encode !== false
  );
}

function hex(text: string, encoding: "latin1" | "utf8" = "latin1"): string {
  return text === "" ? "-" : Buffer.from(text, encoding).toString("hex");
}

function headerWords(pairs: Pairs): string[] {
  return pairs.map(([name, value]) => `H ${hex(name)} ${hex(value)}`);
}

/** Each entry as its first byte, decimal, and its texts. */
function entryWords(entries: Entries): string[] {
  return entries.map(([operation, table, name, value]) => {
    const first =
      EntryOperation[operation as keyof typeof EntryOperation] |
      EntryTable[table as keyof typeof EntryTable];
    return `E ${first} ${hex(name)}${value === undefined ? "" : ` ${hex(value)}`}`;
  });
}

function frameWords(frame: Frame, facts: Readonly<Record<string, number>>): unknown[] {
  switch (frame.type) {
    case "HELLO":
      return Object.values(frame);
    case "REQUEST": {
      const factWords = Object.entries(frame.facts).map(([n, v]) => `F ${facts[n]} ${hex(v)}`);
      const length = frame.bodyLength ?? 0xffffffffffffffffn;
      const fixed = ["REQUEST", Number(frame.end), frame.phase, frame.exchange, length];
      return [
        ...fixed,
        ...factWords,
        ...headerWords(frame.headers),
        ...entryWords(frame.entries ?? []),
      ];
    }
    case "FIELDS":
      return ["FIELDS", ...entryWords(frame.entries)];
    case "ASK":
      return ["ASK", frame.kind, hex(frame.asked), ...headerWords(frame.headers)];
    case "REPLY": {
      const fixed = ["REPLY", Number(frame.end), frame.status, hex(frame.asked)];
      return [...fixed, ...headerWords(frame.headers)];
    }
    case "RESULT": {
      const fixed = ["RESULT", frame.code, frame.flags, frame.ttl];
      return [
        ...fixed,
        ...frame.vary.map((text) => `V ${hex(text)}`),
        ...entryWords(frame.entries),
      ];
    }
    case "RESPONSE": {
      const fixed = ["RESPONSE", Number(frame.end), frame.status, hex(frame.reason)];
      return [...fixed, ...headerWords(frame.headers)];
    }
    case "DATA":
      return ["DATA", hex(frame.body), Number(frame.end)];
    case "END":
      return ["END", frame.bodyLength, ...headerWords(frame.trailers)];
    case "PULL":
      return ["PULL", frame.bytes];
    case "FILE":
      return ["FILE", Number(frame.end), frame.offset, frame.length];
    case "ABORT":
      return ["ABORT", frame.error, hex(frame.text, "utf8")];
    case "LOG":
      return ["LOG", frame.level, hex(frame.text, "utf8")];
    case "CLOSE":
      return ["CLOSE"];
  }
}

/** A vector as a line for vectors.c. @param facts codes by name */
export function vectorLine(vector: Vector, facts: Readonly<Record<string, number>>): string {
  const parts = vector.frames.map((frame) => frameWords(frame, facts).join(" "));
  if (vector.error !== undefined) parts.push(`ERROR ${vector.error}`);
  if (vector.partial === true) parts.push("PARTIAL");
  const encode = isEncodable(vector) ? 1 : 0;
  return [vector.name, encode, vector.hex === "" ? "-" : vector.hex, parts.join(" ; ")].join("\t");
}
