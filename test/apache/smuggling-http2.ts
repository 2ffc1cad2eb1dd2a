// SPDX-License-Identifier: Apache-2.0
// Attacks over HTTP/2, written by hand: no client library lets one send them. Used by smuggling.test.ts.

/** A request of HTTP/2 that says what it must not. */
export interface Http2Attack {
  readonly name: string;
  /** Names and values, beside those of a proper GET. */
  readonly fields: readonly (readonly [string, string])[];
  /** Unset: the head ends the stream. */
  readonly body?: string;
  /** `status` and the code, `reset` of the stream, or `goaway`. */
  readonly outcome: string;
  readonly seen: readonly string[];
}

const FrameType = { DATA: 0, HEADERS: 1, RST_STREAM: 3, SETTINGS: 4, GOAWAY: 7 } as const;
const END_STREAM = 1;
const END_HEADERS = 4;
const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADER_BYTES = 9;

function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUIntBE(payload.length, 0, 3);
  header.writeUInt8(type, 3);
  header.writeUInt8(flags, 4);
  header.writeUInt32BE(stream, 5);
  return Buffer.concat([header, payload]);
}

/** A field as HPACK writes one without any table (RFC 7541, 6.2.2); up to 126 bytes each. */
function literal([name, value]: readonly [string, string]): Buffer {
  const [nameBytes, valueBytes] = [Buffer.from(name, "latin1"), Buffer.from(value, "latin1")];
  const length = (bytes: Buffer): Buffer => Buffer.from([bytes.length]);
  return Buffer.concat([
    Buffer.from([0]),
    length(nameBytes),
    nameBytes,
    length(valueBytes),
    valueBytes,
  ]);
}

const proper: readonly (readonly [string, string])[] = [
  [":method", "POST"],
  [":scheme", "http"],
  [":authority", "a"],
  [":path", "/one/h2"],
];

/** The bytes of a connection with one request. A field whose name is among the proper ones takes its place. */
export function http2Bytes(fields: Http2Attack["fields"], body: string | undefined): Buffer {
  const replaced = new Set(fields.map(([name]) => name));
  const all = [...proper.filter(([name]) => !replaced.has(name)), ...fields];
  // Pseudo-header fields come first (RFC 9113, 8.3).
  const sorted = [
    ...all.filter(([name]) => name.startsWith(":")),
    ...all.filter(([name]) => !name.startsWith(":")),
  ];
  const flags = END_HEADERS | (body === undefined ? END_STREAM : 0);
  return Buffer.concat([
    Buffer.from(preface),
    frame(FrameType.SETTINGS, 0, 0, Buffer.alloc(0)),
    frame(FrameType.HEADERS, flags, 1, Buffer.concat(sorted.map(literal))),
    ...(body === undefined ? [] : [frame(FrameType.DATA, END_STREAM, 1, Buffer.from(body))]),
  ]);
}

/** Codes of :status in HPACK's static table; others are literals with their digits (RFC 7541, appendix A). */
const indexed: Readonly<Record<number, string>> = { 136: "200", 140: "400", 142: "500" };

function statusOf(block: Buffer): string {
  for (let at = 0; at < block.length; at++) {
    const byte = block[at] ?? 0;
    // A change of the table's size comes before.
    if (byte >> 5 === 1) continue;
    return indexed[byte] ?? `0x${block.subarray(at, at + 6).toString("hex")}`;
  }
  return "";
}

/** What became of stream 1; `nothing` as long as nothing did. */
export function readHttp2(bytes: Buffer): string {
  let outcome = "nothing";
  for (let at = 0; at + HEADER_BYTES <= bytes.length; ) {
    const end = at + HEADER_BYTES + bytes.readUIntBE(at, 3);
    const [type, stream] = [bytes[at + 3], bytes.readUInt32BE(at + 5)];
    const payload = bytes.subarray(at + HEADER_BYTES, end);
    if (type === FrameType.HEADERS && stream === 1) outcome = `status ${statusOf(payload)}`;
    if (type === FrameType.RST_STREAM && stream === 1) return "reset";
    if (type === FrameType.GOAWAY && payload.readUInt32BE(4) !== 0) return "goaway";
    at = end;
  }
  return outcome;
}

export const attacksOverHttp2: readonly Http2Attack[] = [
  { name: "a proper request", fields: [], outcome: "status 200", seen: ["POST /one/h2 []"] },
  {
    name: "a Content-Length that is too small",
    fields: [["content-length", "1"]],
    body: "aGET /one/evil HTTP/1.1\r\nHost: a\r\n\r\n",
    outcome: "reset",
    seen: [],
  },
  {
    name: "a Content-Length that is too large",
    fields: [["content-length", "50"]],
    body: "a",
    outcome: "reset",
    seen: [],
  },
  {
    name: "two Content-Length",
    fields: [
      ["content-length", "1"],
      ["content-length", "5"],
    ],
    body: "aaaaa",
    outcome: "reset",
    seen: [],
  },
  {
    name: "a Content-Length with a sign",
    fields: [["content-length", "+1"]],
    body: "a",
    outcome: "reset",
    seen: [],
  },
  {
    name: "Transfer-Encoding",
    fields: [["transfer-encoding", "chunked"]],
    body: "0\r\n\r\nGET /one/evil HTTP/1.1\r\nHost: a\r\n\r\n",
    outcome: "reset",
    seen: [],
  },
  { name: "Connection", fields: [["connection", "close"]], outcome: "reset", seen: [] },
  { name: "Upgrade", fields: [["upgrade", "websocket"]], outcome: "reset", seen: [] },
  {
    name: "a line break in a value",
    fields: [["x-a", "1\r\nX-Evil: 1"]],
    outcome: "reset",
    seen: [],
  },
  { name: "NUL in a value", fields: [["x-a", "a\0b"]], outcome: "reset", seen: [] },
  {
    name: "a line break in a name",
    fields: [["x-a: 1\r\nx-evil", "1"]],
    outcome: "reset",
    seen: [],
  },
  { name: "a colon in a name", fields: [["x:evil", "1"]], outcome: "reset", seen: [] },
  { name: "a name in capitals", fields: [["X-A", "1"]], outcome: "reset", seen: [] },
  { name: "an empty name", fields: [["", "1"]], outcome: "reset", seen: [] },
  {
    name: "a request line in :method",
    fields: [[":method", "GET /one/evil HTTP/1.1\r\nX: "]],
    outcome: "reset",
    seen: [],
  },
  {
    name: "a request line in :path",
    fields: [[":path", "/one/h2 HTTP/1.1\r\nHost: a\r\n\r\nGET /one/evil"]],
    outcome: "reset",
    seen: [],
  },
  { name: "a blank in :path", fields: [[":path", "/one/h2 x"]], outcome: "reset", seen: [] },
  {
    name: "a field in :authority",
    fields: [[":authority", "a\r\nX-Evil: 1"]],
    outcome: "reset",
    seen: [],
  },
  { name: "a pseudo field that is none", fields: [[":evil", "1"]], outcome: "reset", seen: [] },
];
