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
    what: "A client that closes its connection in the middle of a body of less than 32 KiB that nobody reads is noticed only when the application reads or answers; one that resets it, at once",
    why: "The rest may wait in httpd's filters, and whoever ends only his side of a connection has not left",
    cases: {
      "abort: a client that leaves in the middle of a small body that nobody reads is told at once":
        ['seen 1: ["told",true] → ["told",false]'],
    },
  },
  {
    host: "httpd",
    what: "Equal request headers come joined by `, ` (`Cookie` by `; `): in `rawHeaders` and `headersDistinct` as one, and also those of which node:http keeps the first",
    why: "httpd joins equal request headers before any module sees them",
    cases: {
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
      "request headers: two Cookie lines are joined by semicolons": [
        'seen 1: ["distinct",["a=1","b=2; c=3"]] → ["distinct",["a=1; b=2; c=3"]]',
      ],
      "request headers: Set-Cookie lines are an array": [
        'seen 0: ["value",["a=1","b=2"]] → ["value",["a=1, b=2"]]',
      ],
    },
  },
  {
    host: "httpd",
    what: "The limits of a request are httpd's: 100 fields (400), 8190 bytes a field (400) and request line (414), nothing for all together; node:http has 2000 fields and 16 KiB together (431)",
    why: "httpd reads the request; `LimitRequestFields`, `LimitRequestFieldSize` and `LimitRequestLine` set its limits",
    cases: {
      "150 header lines arrive": [
        '200 by the application, which saw [["count",150]] → 400 by the host',
      ],
      "a value of 12000 bytes arrives": [
        '200 by the application, which saw [["length",12000]] → 400 by the host',
      ],
      "a head of 32 KiB is refused with 431": [
        '431 by the host → 200 by the application, which saw [["called",true]]',
      ],
      "a query of 10000 bytes arrives": [
        '200 by the application, which saw [["length",10000]] → 414 by the host',
      ],
    },
  },
  {
    host: "httpd",
    what: "A path that is longer than that of a file can be (4096 bytes, with DocumentRoot) is refused (403)",
    why: "httpd maps every path to a file before it asks who handles it",
    cases: {
      "a path that is longer than those of files may be arrives": [
        '200 by the application, which saw [["length",6000]] → 403 by the host',
      ],
    },
  },
  {
    host: "httpd",
    what: "`TRACE`, and `OPTIONS` of `*`, are answered by httpd",
    why: "They ask about the server and not about an application (RFC 9110, 9.3.7 and 9.3.8); `TraceEnable off` has httpd refuse the first",
    cases: {
      "method: TRACE reaches the application": [
        '200 by the application, which saw [["method","TRACE"]] → 200 by the host',
      ],
      "method: OPTIONS of * reaches the application": [
        '200 by the application, which saw [["method","OPTIONS"],["url","*"]] → 200 by the host',
      ],
    },
  },
  {
    host: "httpd",
    what: "Methods that node:http does not know reach the application; node:http answers 400",
    why: "httpd takes every method that is a token",
    cases: {
      "method: one that node:http does not know is refused": [
        '400 by the host → 200 by the application, which saw [["method","FROBNICATE"]]',
      ],
      "method: lower-case letters are another method, and refused": [
        '400 by the host → 200 by the application, which saw [["method","get"]]',
      ],
    },
  },
  {
    host: "httpd",
    what: "A path with `%2F` or `%00` is refused (404)",
    why: "httpd does so to protect files; `AllowEncodedSlashes NoDecode` lets `%2F` through",
    cases: {
      "url: an encoded slash arrives as it was sent": [
        '200 by the application, which saw [["url","/a%2Fb"]] → 404 by the host',
      ],
      "url: an encoded NUL arrives as it was sent": [
        '200 by the application, which saw [["url","/a%00b"]] → 404 by the host',
      ],
    },
  },
  {
    host: "httpd",
    what: "A path with a `%` that encodes nothing, with `..` above the root, and a target with `#`, are refused (400)",
    why: "None of these is a URL (RFC 3986), and httpd says so",
    cases: {
      "url: a percent sign that encodes nothing arrives as it was sent": [
        '200 by the application, which saw [["url","/a%zzb"]] → 400 by the host',
      ],
      "url: dots above the root arrives as it was sent": [
        '200 by the application, which saw [["url","/../../etc/passwd"]] → 400 by the host',
      ],
      "url: a fragment arrives as it was sent": [
        '200 by the application, which saw [["url","/a#b"]] → 400 by the host',
      ],
    },
  },
  {
    host: "httpd",
    what: "A status above 599 is refused with `ERR_HTTP_INVALID_STATUS_CODE`; node:http sends up to 999",
    why: "There is no such class (RFC 9110, 15), and what httpd and its filters make of one is unknown",
    cases: {
      "status: 600": [
        "status: 600 → 0",
        'reason: "unknown" → ""',
        "whole: true → false",
        'seen 0: ["writeHead","no error"] → ["writeHead","ERR_HTTP_INVALID_STATUS_CODE"]',
        'seen 1: nothing → ["thrown","ERR_HTTP_INVALID_STATUS_CODE"]',
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
  {
    host: "httpd",
    what: "100 Continue is sent when the application reads the body; node:http sends it before it calls the application",
    why: "A client whose request is refused need not send its body",
    cases: {
      "100: an application that answers without reading": [
        'interim: [{"status":100,"headers":{}}] → []',
      ],
    },
  },
  {
    host: "httpd",
    what: "An `Expect` that is not `100-continue` is refused (417) and never emits 'checkExpectation'",
    why: "httpd checks it first; with `HttpExpectStrict off` it lets it through",
    cases: {
      "checkExpectation: gets what is not 100-continue": [
        '200 by the application, which saw ["checkExpectation",["expect","magic"]] → 417 by the host',
      ],
    },
  },
  {
    host: "httpd",
    what: "A client of HTTP/1.0 gets no interim answers",
    why: "It does not know them (RFC 9110, 15.2)",
    cases: {
      "103: a client of HTTP/1.0": [
        'interim: [{"status":103,"headers":{"Link":["</a>; rel=preload"]}}] → []',
      ],
    },
  },
  {
    host: "httpd",
    what: "A body whose first chunk is malformed is refused (400, 413) before the application is called",
    why: "The beginning of a body travels with the head, so that httpd has looked at it",
    cases: {
      "malformed: in a chunked body, a size that is no number never looks whole": [
        '400 by the application, which saw [["url","/"],["failed","ECONNRESET"]] → 400 by the host',
      ],
      "malformed: in a chunked body, a negative size never looks whole": [
        '400 by the application, which saw [["url","/"],["failed","ECONNRESET"]] → 400 by the host',
      ],
      "malformed: in a chunked body, a size that is too large never looks whole": [
        '400 by the application, which saw [["url","/"],["failed","ECONNRESET"]] → 413 by the host',
      ],
      "malformed: in a chunked body, a chunk that is longer than its size never looks whole": [
        '400 by the application, which saw [["url","/"],["failed","ECONNRESET"]] → 400 by the host',
      ],
    },
  },
  {
    host: "httpd",
    what: "A request with both `Transfer-Encoding` and `Content-Length` is served by the chunks and the connection closed; node:http answers 400",
    why: "Both are right (RFC 9112, 6.1); the length never reaches the application",
    cases: {
      "malformed: a body with a length and chunks is never two requests": [
        '400 by the host → 200 by the application, which saw [["url","/outer"],["body",""]]',
      ],
    },
  },
  {
    host: "httpd",
    what: "Two `Host` lines, and a transfer coding that httpd does not know, are refused (400)",
    why: "Whose request it is and where it ends is unknown",
    cases: {
      "malformed: of two Host lines the first counts": [
        '200 by the application, which saw [["host","listener.test"]] → 400 by the host',
      ],
      "malformed: a request with a transfer coding that is not known is served": [
        '200 by the application, which saw [["coding","rot13"]] → 400 by the host',
      ],
    },
  },
  {
    host: "httpd",
    what: "A malformed request never emits 'clientError': httpd answers it",
    why: "It never becomes a request",
    cases: {
      "malformed: a server's 'clientError' may answer it": ["status: 422 → 400"],
    },
  },
  {
    host: "httpd",
    what: "A folded line (obs-fold) arrives as one line; node:http answers 400",
    why: "Both are right (RFC 9112, 5.2)",
    cases: {
      "malformed: a folded line": [
        '400 by the host → 200 by the application, which saw [["raw",["X-Folded","one two"]]]',
      ],
    },
  },
];
