// SPDX-License-Identifier: Apache-2.0
// Where a host differs from node:http, and why. docs/compatibility.md shows what is listed here (test/docs/compatibility.test.ts holds it to that); a
// difference that no longer occurs fails as one that is not listed does.
import type { HostName } from "./hosts.ts";

export interface Difference {
  readonly host: HostName;
  /** What one sees, in words. */
  readonly what: string;
  readonly why: string;
  /** By case: lines of `differencesOf`; of a case that the reference does not serve, the message of its failed expectation. */
  readonly cases: Readonly<Record<string, readonly string[]>>;
}

export const differences: readonly Difference[] = [
  {
    host: "httpd",
    what: "Equal request headers come joined by `, ` (`Cookie` by `; `): in `rawHeaders` and `headersDistinct` as one, and also those of which node:http keeps the first",
    why: "httpd joins equal request headers before any module sees them",
    cases: {
      "request headers: two Cookie lines are joined by semicolons": [
        'seen 1: ["distinct",["a=1","b=2; c=3"]] → ["distinct",["a=1; b=2; c=3"]]',
      ],
      "request headers: Set-Cookie lines are an array": [
        'seen 0: ["value",["a=1","b=2"]] → ["value",["a=1, b=2"]]',
      ],
      "request headers: of two Age lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["Age","one","Age","two"]] → ["raw",["Age","one, two"]]',
      ],
      "request headers: of two Authorization lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["Authorization","one","Authorization","two"]] → ["raw",["Authorization","one, two"]]',
      ],
      "request headers: of two Content-Type lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["Content-Type","one","Content-Type","two"]] → ["raw",["Content-Type","one, two"]]',
      ],
      "request headers: of two ETag lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["ETag","one","ETag","two"]] → ["raw",["ETag","one, two"]]',
      ],
      "request headers: of two Expires lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["Expires","one","Expires","two"]] → ["raw",["Expires","one, two"]]',
      ],
      "request headers: of two From lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["From","one","From","two"]] → ["raw",["From","one, two"]]',
      ],
      "request headers: of two If-Modified-Since lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["If-Modified-Since","one","If-Modified-Since","two"]] → ["raw",["If-Modified-Since","one, two"]]',
      ],
      "request headers: of two If-Unmodified-Since lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["If-Unmodified-Since","one","If-Unmodified-Since","two"]] → ["raw",["If-Unmodified-Since","one, two"]]',
      ],
      "request headers: of two Last-Modified lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["Last-Modified","one","Last-Modified","two"]] → ["raw",["Last-Modified","one, two"]]',
      ],
      "request headers: of two Location lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["Location","one","Location","two"]] → ["raw",["Location","one, two"]]',
      ],
      "request headers: of two Max-Forwards lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["Max-Forwards","one","Max-Forwards","two"]] → ["raw",["Max-Forwards","one, two"]]',
      ],
      "request headers: of two Proxy-Authorization lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["Proxy-Authorization","one","Proxy-Authorization","two"]] → ["raw",["Proxy-Authorization","one, two"]]',
      ],
      "request headers: of two Referer lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["Referer","one","Referer","two"]] → ["raw",["Referer","one, two"]]',
      ],
      "request headers: of two Retry-After lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["Retry-After","one","Retry-After","two"]] → ["raw",["Retry-After","one, two"]]',
      ],
      "request headers: of two Server lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["Server","one","Server","two"]] → ["raw",["Server","one, two"]]',
      ],
      "request headers: of two User-Agent lines the first counts": [
        'seen 0: ["value","one"] → ["value","one, two"]',
        'seen 1: ["raw",["User-Agent","one","User-Agent","two"]] → ["raw",["User-Agent","one, two"]]',
      ],
      "request headers: two Accept lines are joined": [
        'seen 1: ["distinct",["one","two"]] → ["distinct",["one, two"]]',
      ],
      "request headers: two X-List lines are joined": [
        'seen 1: ["distinct",["one","two"]] → ["distinct",["one, two"]]',
      ],
      "request headers: two Via lines are joined": [
        'seen 1: ["distinct",["one","two"]] → ["distinct",["one, two"]]',
      ],
      "request headers: two Cache-Control lines are joined": [
        'seen 1: ["distinct",["one","two"]] → ["distinct",["one, two"]]',
      ],
      "request headers: two Accept-Encoding lines are joined": [
        'seen 1: ["distinct",["one","two"]] → ["distinct",["one, two"]]',
      ],
      "request headers: two X-Forwarded-For lines are joined": [
        'seen 1: ["distinct",["one","two"]] → ["distinct",["one, two"]]',
      ],
    },
  },
  {
    host: "httpd",
    what: "The limits of a request are httpd's: 100 fields (400), 8190 bytes a field (400) and request line (414), nothing for all together; node:http has 2000 fields and 16 KiB together (431)",
    why: "httpd reads the request; `LimitRequestFields`, `LimitRequestFieldSize` and `LimitRequestLine` set its limits",
    cases: {
      "150 header lines arrive": ["200 by the application → 400 by the host"],
      "a value of 12000 bytes arrives": ["200 by the application → 400 by the host"],
      "a head of 32 KiB is refused with 431": ["431 by the host → 200 by the application"],
      "a query of 10000 bytes arrives": ["200 by the application → 414 by the host"],
    },
  },
  {
    host: "httpd",
    what: "A path with a segment of more than 255 bytes is refused (403)",
    why: "httpd maps every path to a file before it asks who handles it",
    cases: {
      "a path whose segments are longer than names of files may be arrives": [
        "200 by the application → 403 by the host",
      ],
    },
  },
  {
    host: "httpd",
    what: "`TRACE`, and `OPTIONS` of `*`, are answered by httpd",
    why: "They ask about the server and not about an application (RFC 9110, 9.3.7 and 9.3.8); `TraceEnable off` has httpd refuse the first",
    cases: {
      "method: TRACE reaches the application": ["200 by the application → 200 by the host"],
      "method: OPTIONS of * reaches the application": ["200 by the application → 200 by the host"],
    },
  },
  {
    host: "httpd",
    what: "Methods that node:http does not know reach the application; node:http answers 400",
    why: "httpd takes every method that is a token",
    cases: {
      "method: one that node:http does not know is refused": [
        "400 by the host → 200 by the application",
      ],
      "method: lower-case letters are another method, and refused": [
        "400 by the host → 200 by the application",
      ],
    },
  },
  {
    host: "httpd",
    what: "A path with `%2F` or `%00` is refused (404)",
    why: "httpd does so to protect files; `AllowEncodedSlashes NoDecode` lets `%2F` through",
    cases: {
      "url: an encoded slash arrives as it was sent": ["200 by the application → 404 by the host"],
      "url: an encoded NUL arrives as it was sent": ["200 by the application → 404 by the host"],
    },
  },
  {
    host: "httpd",
    what: "A path with a `%` that encodes nothing, with `..` above the root, and a target with `#`, are refused (400)",
    why: "None of these is a URL (RFC 3986), and httpd says so",
    cases: {
      "url: a percent sign that encodes nothing arrives as it was sent": [
        "200 by the application → 400 by the host",
      ],
      "url: dots above the root arrives as it was sent": [
        "200 by the application → 400 by the host",
      ],
      "url: a fragment arrives as it was sent": ["200 by the application → 400 by the host"],
    },
  },
  {
    host: "httpd",
    what: "Trailers of a request do not arrive",
    why: "not yet",
    cases: {
      "body: trailers are there at the end": [
        'seen 2: ["trailers",{"x-sum":"42"}] → ["trailers",{}]',
        'seen 3: ["raw",["X-Sum","42"]] → ["raw",[]]',
        'seen 4: ["distinct",{"x-sum":["42"]}] → ["distinct",{}]',
      ],
    },
  },
  {
    host: "httpd",
    what: "Trailers of an answer are not sent",
    why: "not yet",
    cases: {
      "addTrailers: arrive behind a chunked body": [
        'trailer X-Sum: ["42"] → nothing',
        'trailer X-More: ["yes"] → nothing',
      ],
      "addTrailers: arrive at a client that has not said TE": ['trailer X-Sum: ["42"] → nothing'],
      "addTrailers: takes a list of pairs": ['trailer X-Sum: ["42"] → nothing'],
      "addTrailers: without a Trailer field": ['trailer X-Sum: ["42"] → nothing'],
    },
  },
  {
    host: "httpd",
    what: "An answer that is destroyed before its head is a 502",
    why: "not yet",
    cases: {
      "body: request.destroy() without an answer breaks the connection": [
        "status: 0 → 502",
        'reason: "" → "Bad Gateway"',
        'body: "" → "<!DOCTYPE HTML PUBLIC \\"-//W3C//DTD HTML 4.01//EN\\" \\"http://www.w3.org/TR/html4/strict.dtd\\">\\n<ht…',
        "whole: false → true",
        'header Content-Length: nothing → ["272"]',
        'header Content-Type: nothing → ["text/html; charset=iso-8859-1"]',
      ],
      "body: request.destroy(error) tells the error": [
        "status: 0 → 502",
        'reason: "" → "Bad Gateway"',
        'body: "" → "<!DOCTYPE HTML PUBLIC \\"-//W3C//DTD HTML 4.01//EN\\" \\"http://www.w3.org/TR/html4/strict.dtd\\">\\n<ht…',
        "whole: false → true",
        'header Content-Length: nothing → ["272"]',
        'header Content-Type: nothing → ["text/html; charset=iso-8859-1"]',
      ],
      "destroy: before the head the client gets no answer": [
        "status: 0 → 502",
        'reason: "" → "Bad Gateway"',
        'body: "" → "<!DOCTYPE HTML PUBLIC \\"-//W3C//DTD HTML 4.01//EN\\" \\"http://www.w3.org/TR/html4/strict.dtd\\">\\n<ht…',
        "whole: false → true",
        'header Content-Length: nothing → ["272"]',
        'header Content-Type: nothing → ["text/html; charset=iso-8859-1"]',
      ],
      "setTimeout: without a listener the connection ends": [
        "status: 0 → 502",
        'reason: "" → "Bad Gateway"',
        'body: "" → "<!DOCTYPE HTML PUBLIC \\"-//W3C//DTD HTML 4.01//EN\\" \\"http://www.w3.org/TR/html4/strict.dtd\\">\\n<ht…',
        "whole: false → true",
        'header Content-Length: nothing → ["272"]',
        'header Content-Type: nothing → ["text/html; charset=iso-8859-1"]',
      ],
    },
  },
  {
    host: "httpd",
    what: "A status above 599 is refused with `ERR_HTTP_INVALID_STATUS_CODE`; node:http sends up to 999",
    why: "There is no such class (RFC 9110, 15), and what httpd and its filters make of one is unknown",
    cases: {
      "status: 600": [
        "status: 600 → 502",
        'reason: "unknown" → "Bad Gateway"',
        'body: "" → "<!DOCTYPE HTML PUBLIC \\"-//W3C//DTD HTML 4.01//EN\\" \\"http://www.w3.org/TR/html4/strict.dtd\\">\\n<ht…',
        'seen 0: ["writeHead","no error"] → ["writeHead","ERR_HTTP_INVALID_STATUS_CODE"]',
        'header Content-Length: nothing → ["272"]',
        'header Content-Type: nothing → ["text/html; charset=iso-8859-1"]',
        'seen 1: nothing → ["thrown","ERR_HTTP_INVALID_STATUS_CODE"]',
      ],
    },
  },
  {
    host: "httpd",
    what: "An answer to HEAD loses `Content-Length: 0`, 304 loses `Content-Length` and `Content-Type`",
    why: "not yet",
    cases: {
      "status: 304 keeps the application's Content-Length": [
        'header Content-Length: ["1234"] → nothing',
      ],
      "status: 304 keeps the application's Content-Type and Cache-Control": [
        'header Content-Type: ["text/x"] → nothing',
      ],
      "HEAD: Content-Length 0 is kept": ['header Content-Length: ["0"] → nothing'],
    },
  },
  {
    host: "httpd",
    what: "`Vary` comes as one line without blanks",
    why: "not yet",
    cases: {
      "setHeader: commas in a value stay": [
        'header Vary: ["Accept, Origin,  Cookie"] → ["Accept,Origin,Cookie"]',
      ],
      "setHeader: several Vary lines stay several": [
        'header Vary: ["Accept","Origin"] → ["Accept,Origin"]',
      ],
    },
  },
  {
    host: "httpd",
    what: "An empty `Content-Type` is not sent",
    why: "It says nothing, and httpd has no way to send it",
    cases: {
      "Content-Type: an empty one is sent": ['header Content-Type: [""] → nothing'],
    },
  },
];
