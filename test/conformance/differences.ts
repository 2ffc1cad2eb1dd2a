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
];
