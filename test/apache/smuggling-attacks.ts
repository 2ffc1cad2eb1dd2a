// SPDX-License-Identifier: Apache-2.0
// Attacks over HTTP/1 as bytes, what httpd answers, and what the application sees. Used by smuggling.test.ts.

export interface Attack {
  readonly name: string;
  /** Latin-1; the client ends its side behind it. */
  readonly bytes: string;
  /** Status codes of all answers. */
  readonly statuses: readonly number[];
  /** What the application has in its book. */
  readonly seen: readonly string[];
  /** What must be in the answers. */
  readonly text?: RegExp;
}

const host = "Host: a\r\n";
const evil = "GET /one/evil HTTP/1.1\r\nHost: a\r\n\r\n";
const next = "GET /one/next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const sawNext = "GET /one/next connection=close []";
const post = `POST /one/a HTTP/1.1\r\n${host}`;
const chunked = "Transfer-Encoding: chunked\r\n";
const get = `GET /one/a HTTP/1.1\r\n${host}`;

function refused(name: string, bytes: string, status = 400): Attack {
  return { name, bytes, statuses: [status], seen: [] };
}

/** A chunked body that is wrong. It comes with the head, and httpd refuses the request before it asks the application. */
function cut(name: string, body: string): Attack {
  return refused(name, `${post}${chunked}\r\n${body}${evil}`);
}

function passes(
  name: string,
  bytes: string,
  seen: readonly string[],
  statuses: readonly number[] = seen.map(() => 200),
): Attack {
  return { name, bytes, statuses, seen };
}

const lengths: readonly Attack[] = [
  passes("a Content-Length and a request behind it", `${post}Content-Length: 2\r\n\r\nok${next}`, [
    "POST /one/a content-length=2 [ok]",
    sawNext,
  ]),
  refused(
    "two different Content-Length",
    `${post}Content-Length: 0\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`,
  ),
  refused("two equal Content-Length", `${post}Content-Length: 2\r\nContent-Length: 2\r\n\r\nok`),
  refused("a list as Content-Length", `${post}Content-Length: 2, 2\r\n\r\nok`),
  refused("a negative Content-Length", `${post}Content-Length: -1\r\n\r\n${evil}`),
  refused("a Content-Length with a plus", `${post}Content-Length: +2\r\n\r\nok`),
  refused("a hexadecimal Content-Length", `${post}Content-Length: 0x2\r\n\r\nok`),
  refused("a Content-Length with letters behind", `${post}Content-Length: 2x\r\n\r\nok`),
  refused("a Content-Length with a blank inside", `${post}Content-Length: 3 6\r\n\r\n${evil}`),
  refused(
    "a Content-Length beyond 64 bits",
    `${post}Content-Length: 99999999999999999999\r\n\r\nok`,
  ),
  refused("an empty Content-Length", `${post}Content-Length:\r\n\r\n${evil}`),
  refused("a Content-Length in a comma's company", `${post}Content-Length: ,2\r\n\r\nok`),
  refused(
    "a blank before the colon of Content-Length",
    `${post}Content-Length : 36\r\n\r\n${evil}`,
  ),
  passes(
    "Content-Length on a folded line",
    `${post}X-A: 1\r\n Content-Length: 3\r\nContent-Length:\r\n 2\r\n\r\nok${next}`,
    ["POST /one/a x-a=1 Content-Length: 3 content-length=2 [ok]", sawNext],
  ),
  passes("a GET with a body", `${get}Content-Length: ${evil.length}\r\n\r\n${evil}${next}`, [
    `GET /one/a content-length=${evil.length} [${evil}]`,
    sawNext,
  ]),
];

const encodings: readonly Attack[] = [
  passes("chunks and a request behind them", `${post}${chunked}\r\n2\r\nok\r\n0\r\n\r\n${next}`, [
    "POST /one/a transfer-encoding=chunked [ok]",
    sawNext,
  ]),
  // The chunks count, and httpd closes behind them (RFC 9112, 6.1).
  passes(
    "Content-Length before Transfer-Encoding (CL.TE)",
    `${post}Content-Length: 4\r\n${chunked}\r\n0\r\n\r\n${evil}`,
    ["POST /one/a transfer-encoding=chunked []"],
  ),
  passes(
    "Transfer-Encoding before Content-Length (TE.CL)",
    `${post}${chunked}Content-Length: 4\r\n\r\n${evil.length.toString(16)}\r\n${evil}\r\n0\r\n\r\n${evil}`,
    [`POST /one/a transfer-encoding=chunked [${evil}]`],
  ),
  passes(
    "Transfer-Encoding in HTTP/1.0",
    `POST /one/a HTTP/1.0\r\n${host}${chunked}\r\n0\r\n\r\n${evil}`,
    ["POST /one/a transfer-encoding=chunked []"],
  ),
  refused("an unknown coding", `${post}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n${evil}`),
  refused("identity", `${post}Transfer-Encoding: identity\r\n\r\n${evil}`),
  refused(
    "chunked before another coding",
    `${post}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n${evil}`,
  ),
  passes(
    "chunked behind another coding",
    `${post}Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${next}`,
    ["POST /one/a transfer-encoding=gzip, chunked [ok]", sawNext],
  ),
  passes("chunked twice", `${post}${chunked}${chunked}\r\n2\r\nok\r\n0\r\n\r\n${next}`, [
    "POST /one/a transfer-encoding=chunked, chunked [ok]",
    sawNext,
  ]),
  refused(
    "chunked and identity on two lines",
    `${post}${chunked}Transfer-Encoding: identity\r\n\r\n0\r\n\r\n${evil}`,
  ),
  refused("quoted", `${post}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n${evil}`),
  refused("with a parameter", `${post}Transfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n${evil}`),
  refused(
    "a vertical tab before chunked",
    `${post}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n${evil}`,
  ),
  refused("a blank before the colon", `${post}Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n${evil}`),
  refused("a tab before the colon", `${post}Transfer-Encoding\t: chunked\r\n\r\n0\r\n\r\n${evil}`),
  refused(
    "a blank before the name of the first field",
    `POST /one/a HTTP/1.1\r\n Transfer-Encoding: chunked\r\n${host}\r\n${evil}`,
  ),
  refused(
    "a control character in the name",
    `${post}Transfer\x01-Encoding: chunked\r\n\r\n${evil}`,
  ),
  refused("NUL in the value", `${post}Transfer-Encoding: chunked\0\r\n\r\n${evil}`),
  refused("an empty coding", `${post}Transfer-Encoding:\r\n\r\n${evil}`),
  passes("chunked in capitals", `${post}TRANSFER-ENCODING: CHUNKED\r\n\r\n0\r\n\r\n${next}`, [
    "POST /one/a transfer-encoding=CHUNKED []",
    sawNext,
  ]),
  passes(
    "chunked on a folded line",
    `${post}Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n${next}`,
    ["POST /one/a transfer-encoding=chunked []", sawNext],
  ),
  passes(
    "an underscore in the name",
    `${post}Transfer_Encoding: chunked\r\nContent-Length: 0\r\n\r\n${next}`,
    ["POST /one/a transfer_encoding=chunked content-length=0 []", sawNext],
  ),
];

const chunks: readonly Attack[] = [
  cut("a chunk's size that is none", "zz\r\nok\r\n0\r\n\r\n"),
  cut("a negative chunk's size", "-1\r\nok\r\n0\r\n\r\n"),
  cut("a chunk's size with a prefix", "0x2\r\nok\r\n0\r\n\r\n"),
  cut("a chunk's size with a blank before", " 2\r\nok\r\n0\r\n\r\n"),
  cut("an empty chunk's size", "\r\nok\r\n0\r\n\r\n"),
  refused(
    "a chunk's size beyond 64 bits",
    `${post}${chunked}\r\n10000000000000002\r\nok\r\n0\r\n\r\n${evil}`,
    413,
  ),
  {
    name: "a chunk's size that is none, once the application reads",
    bytes: `${post}${chunked}\r\n20000\r\n${"x".repeat(0x20000)}\r\nzz\r\n${evil}`,
    statuses: [400],
    seen: ["POST /one/a transfer-encoding=chunked [xx, cut off"],
  },
  cut("a chunk shorter than its data", "1\r\nok\r\n0\r\n\r\n"),
  cut("no line break behind a chunk", "2\r\nok0\r\n\r\n"),
  cut("LF alone behind a chunk's size", "2\nok\r\n0\r\n\r\n"),
  cut("LF alone behind a chunk", "2\r\nok\n0\r\n\r\n"),
  cut("CR alone behind a chunk's size", "2\rok\r\n0\r\n\r\n"),
  cut("a control character in a chunk's extension", "2;a=\x01\r\nok\r\n0\r\n\r\n"),
  cut("LF in a chunk's extension", "2;a\n=b\r\nok\r\n0\r\n\r\n"),
  passes(
    "extensions of chunks, which nobody sees",
    `${post}${chunked}\r\n2;a=b;c="d"\r\nok\r\n0;e\r\n\r\n${next}`,
    ["POST /one/a transfer-encoding=chunked [ok]", sawNext],
  ),
  passes(
    "a chunk's size with zeros before",
    `${post}${chunked}\r\n0002\r\nok\r\n000\r\n\r\n${next}`,
    ["POST /one/a transfer-encoding=chunked [ok]", sawNext],
  ),
  passes(
    "trailers that say where a message ends",
    `${post}${chunked}\r\n0\r\nContent-Length: ${evil.length}\r\n\r\n${next}`,
    ["POST /one/a transfer-encoding=chunked []", sawNext],
  ),
  cut("a trailer without a colon", "0\r\nno colon\r\n\r\n"),
  cut("a trailer with a blank before its colon", "0\r\nX-A : 1\r\n\r\n"),
];

const lines: readonly Attack[] = [
  refused("LF alone behind the request line", `GET /one/a HTTP/1.1\n${host}\r\n`),
  refused("LF alone behind a field", `GET /one/a HTTP/1.1\r\nHost: a\nX-A: 1\r\n\r\n`),
  refused("LF alone for the end of the head", `${get}X-A: 1\r\n\n${evil}`),
  refused("CR alone in a field", `${get}X-A: 1\rX-Evil: 1\r\n\r\n`),
  refused("CR alone in the request line", `GET /one/a\rx HTTP/1.1\r\n${host}\r\n`),
  refused("NUL in a field", `${get}X-A: a\0b\r\n\r\n`),
  refused("NUL in the request target", `GET /one/a\0b HTTP/1.1\r\n${host}\r\n`),
  refused("a field without a colon", `${get}no colon\r\n\r\n`),
  refused("a field without a name", `${get}: 1\r\n\r\n`),
  refused("a blank in a field's name", `${get}X A: 1\r\n\r\n`),
  refused("two blanks in the request line", `GET  /one/a HTTP/1.1\r\n${host}\r\n`),
  refused("a tab in the request line", `GET\t/one/a HTTP/1.1\r\n${host}\r\n`),
  refused("a blank in the target", `GET /one/a b HTTP/1.1\r\n${host}\r\n`),
  passes("no version that there is", `GET /one/a HTTP/9.9\r\n${host}Connection: close\r\n\r\n`, [
    "GET /one/a connection=close []",
  ]),
  refused("a version with more digits", `GET /one/a HTTP/1.10\r\n${host}\r\n`),
  refused("no Host", "GET /one/a HTTP/1.1\r\n\r\n"),
  refused("two Host", `${get}Host: b\r\n\r\n`),
  refused("a Host with a path", "GET /one/a HTTP/1.1\r\nHost: a/b\r\n\r\n"),
  refused("a line that is too long", `GET /one/${"a".repeat(9000)} HTTP/1.1\r\n${host}\r\n`, 414),
  refused("a field that is too long", `${get}X-A: ${"a".repeat(9000)}\r\n\r\n`),
  refused("too many fields", `${get}${"X-A: 1\r\n".repeat(101)}\r\n`),
  passes("a folded field", `${get}X-A: 1\r\n X-Evil: 1\r\nConnection: close\r\n\r\n`, [
    "GET /one/a x-a=1 X-Evil: 1 connection=close []",
  ]),
  passes("an empty line before the request line", `\r\n\r\n${next}`, [sawNext]),
  passes("two requests at once", `${get}\r\n${next}`, ["GET /one/a []", sawNext]),
  passes(
    "a request in an encoded target",
    `GET /one/a%20HTTP/1.1%0d%0aX-Evil:%201 HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
    ["GET /one/a%20HTTP/1.1%0d%0aX-Evil:%201 connection=close []"],
  ),
  {
    name: "HTTP/0.9",
    bytes: "GET /one/a\r\n",
    statuses: [],
    seen: ["GET /one/a []"],
    text: /^own \/one\/a$/,
  },
  {
    name: "HTTP/0.9 with a request behind it",
    bytes: `GET /one/a\r\n${evil}`,
    statuses: [],
    seen: ["GET /one/a []"],
    text: /^own \/one\/a$/,
  },
];

const answers: readonly Attack[] = [
  "value",
  "name",
  "list",
  "reason",
  "trailer",
  "hints",
  "nul",
].map((where) => ({
  name: `an application's line break in its answer (${where})`,
  bytes: `GET /one/a?inject=${where} HTTP/1.1\r\n${host}Connection: close\r\n\r\n`,
  statuses: [200],
  seen: [`GET /one/a?inject=${where} connection=close []`],
  text: /refused: ERR_/,
}));

export const attacks: readonly Attack[] = [
  ...lengths,
  ...encodings,
  ...chunks,
  ...lines,
  ...answers,
];
