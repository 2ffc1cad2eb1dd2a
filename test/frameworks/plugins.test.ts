// SPDX-License-Identifier: Apache-2.0
// Own tests of middleware and plugins whose packages ship them.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { root } from "../helpers/httpd.ts";
import { describeSuite, type Suite } from "./suite-host/suite.ts";

const modules = join(root, "test", "frameworks", "node_modules");

/** The test files of a package. @param wanted files whose tests make a server listen */
function filesOf(name: string, wanted: RegExp): Pick<Suite, "directory" | "folder" | "files"> {
  const directory = join(modules, name);
  const folder = join(directory, "test");
  return {
    directory,
    folder,
    files: readdirSync(folder)
      .filter((file) => wanted.test(file))
      .sort(),
  };
}

const outside = "httpd refuses a path that leads out of the root itself, with 400";
const halfClosed =
  "the client ends its side at once, as one that leaves does: its request is broken off unless the answer is quicker";
const sendGiven = "send(file, options) > root > when given > ";

describeSuite("@fastify/send's own tests", {
  runner: "node-test",
  ...filesOf("@fastify/send", /^send\.[123]\.test\.js$/),
  exclusions: {
    "send.1.test.js": {
      [`${sendGiven}should restrict paths to within root`]: outside,
      [`${sendGiven}should allow .. in root`]: outside,
      [`${sendGiven}should not allow root transversal`]: outside,
      [`${sendGiven}should not allow root path disclosure`]: outside,
      "send(file, options) > root > when missing > should consider .. malicious": outside,
    },
    "send.2.test.js": {
      "send(file) > should 400 on NULL bytes": "httpd answers 404 to an escaped NUL itself",
    },
  },
  tests: 100,
  // A path out of the root.
  tags: ["AH10244"],
});

describeSuite("@fastify/websocket's own tests", {
  runner: "node-test",
  ...filesOf("@fastify/websocket", /\.test\.js$/),
  exclusions: {
    "router.test.js": {
      "Should invoke the correct handler depending on the headers":
        "httpd refuses HTTP/1.1 requests without Host (RFC 9112, 3.2)",
    },
  },
  races: {
    "base.test.js": {
      "Should gracefully close when clients attempt to connect after calling close":
        "requests behind close() go to another worker, and a suite has one",
      "Should Handle WebSocket errors to avoid Node.js crashes":
        "the server closes before the frame has come through httpd",
    },
    "hooks.test.js": {
      "Should run async hooks and still deliver quickly sent messages":
        "the client's message may come through httpd before the server's has",
      "Should not hijack reply for a normal http request in the internal onError hook": halfClosed,
      "Should not hijack reply for an normal request to a websocket route that is sent a normal HTTP response in a hook":
        halfClosed,
    },
  },
  testTimeoutMs: 2000,
  tests: 30,
  tags: ["TN0006"],
});

describeSuite("@fastify/multipart's own tests", {
  runner: "node-test",
  // Not the others: they write into their own folder, or take a minute.
  ...filesOf(
    "@fastify/multipart",
    /^multipart(-(concat|json|security|empty-body|.*stream.*|attach-body|body-schema|truncated.*|limits.*|abort.*|files-limit.*|disconnect.*))?\.test\.js$/,
  ),
  exclusions: {},
  tests: 50,
  tags: ["TN0006"],
});

describeSuite("express-http-proxy's own tests", {
  runner: "mocha",
  ...filesOf(
    "express-http-proxy",
    /^(cookies|decorateUserResHeaders|filter|headers|host|params|preserveHostHdr|proxyReq.*|session|status|verbs)\.js$/,
  ),
  exclusions: {},
  tests: 30,
  tags: ["TN0006"],
});
