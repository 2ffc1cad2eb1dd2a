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

describeSuite("@fastify/send's own tests", {
  runner: "node-test",
  ...filesOf("@fastify/send", /^send\.[123]\.test\.js$|^send\.test\.js$/),
  exclusions: {},
  tests: 1,
});

describeSuite("@fastify/static's own tests", {
  runner: "node-test",
  ...filesOf("@fastify/static", /^(static|dir-list|content-type)\.test\.js$/),
  exclusions: {},
  tests: 1,
});

describeSuite("@fastify/multipart's own tests", {
  runner: "node-test",
  ...filesOf("@fastify/multipart", /\.test\.js$/),
  exclusions: {},
  tests: 1,
});

describeSuite("@fastify/websocket's own tests", {
  runner: "node-test",
  ...filesOf("@fastify/websocket", /\.test\.js$/),
  exclusions: {},
  tests: 1,
});

describeSuite("express-http-proxy's own tests", {
  runner: "mocha",
  ...filesOf("express-http-proxy", /\.js$/),
  exclusions: {},
  tests: 1,
});
