// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../helpers/httpd.ts";
import { describeSuite, type Exclusions } from "./suite-host/suite.ts";

const folder = join(root, "test", "frameworks", "node_modules", "fastify", "test");

/** Files whose tests say nothing of a server behind httpd, with the reason. */
const notRun: Readonly<Record<string, string>> = {
  "client-timeout.test.js": "requestTimeout is node's parser's; httpd has RequestReadTimeout",
  "connection-timeout.test.js": "looks at timers of net.Server",
  "keep-alive-timeout.test.js": "looks at timers of net.Server",
  "request-timeout.test.js": "looks at timers of net.Server",
  "close-pipelining.test.js": "a worker whose server is closed gets no further requests",
  "diagnostics-channel/": "subscribes to channels of the whole process, which other files use too",
  "header-overflow.test.js": "the limits of request lines and headers are httpd's",
  "http2/": "makes HTTP/2 servers: HTTP/2 is httpd's",
  "https/": "makes TLS servers: TLS is httpd's",
  "max-requests-per-socket.test.js": "keep-alive is httpd's",
  "request-error.test.js": "'clientError' is of node's parser; httpd refuses such requests",
};
const keepAlive = "keep-alive is httpd's";
const parser = "httpd refuses the request itself, with an answer of its own";
const rawSocket = "writes an HTTP response to req.socket, past node:http's response";
const hostNeeded = "httpd refuses HTTP/1.1 requests without a value of Host (RFC 9112, 3.2)";

const exclusions: Exclusions = {
  "404s.test.js": {
    "Unknown method": "node's parser refuses methods that it does not know, httpd takes any token",
  },
  "close.test.js": {
    'Current opened connection should NOT continue to work after closing and return "connection: close" header - return503OnClosing: false':
      keepAlive,
    "Current opened connection should not accept new incoming connections":
      "requests behind close() go to another worker",
    "rejected incoming connections should be logged":
      "requests behind close() go to another worker",
  },
  "reply-error.test.js": {
    "Should reply 400 on client error": parser,
    "Should set the response from client error handler": parser,
  },
  "request-header-host.test.js": {
    "Return 200 when Host header is empty": hostNeeded,
    "Return 200 when Host header is empty with trust proxy": hostNeeded,
    "Return 200 when Host header is missing and http.requireHostHeader = false": hostNeeded,
    "Return 200 when Host header is missing and http.requireHostHeader = false with trust proxy":
      hostNeeded,
  },
  "route-shorthand.test.js": {
    "route-shorthand > route-shorthand - trace": "httpd answers TRACE itself",
    "route-shorthand > route-shorthand - all": "httpd answers TRACE itself",
  },
  "skip-reply-send.test.js": Object.fromEntries(
    ["onRequest", "preParsing", "preValidation", "preHandler", "handler"].map((hook) => [
      `Hijacking inside ${hook} skips all the following hooks and handler execution > Sending a response using req.socket => onResponse not called`,
      rawSocket,
    ]),
  ),
  "web-api.test.js": {
    "WebStream error after headers sent should destroy response":
      "a response destroyed behind its head resets the connection; node:http ends it without a last chunk",
  },
};

/** The files whose tests make a server listen; the others call no server, so they say nothing of Tenon. */
const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter(
    (file) => file.endsWith(".test.js") && !Object.keys(notRun).some((one) => file.startsWith(one)),
  )
  .filter((file) => /listen\(/.test(readFileSync(join(folder, file), "utf8")))
  .sort();

describeSuite("Fastify's own tests", {
  runner: "node-test",
  folder,
  files,
  exclusions,
  tests: 1000,
  lanes: 3,
  tags: ["TN0006"],
});
