// SPDX-License-Identifier: Apache-2.0
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "../helpers/httpd.ts";
import { describeSuite, type Exclusions } from "./suite-host/suite.ts";

const folder = join(root, "test", "frameworks", "node_modules", "fastify", "test");

const notRun: Readonly<Record<string, string>> = {};
const exclusions: Exclusions = {};

/** The files whose tests make a server listen; the others call no server, so they say nothing of Tenon. */
const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
  .filter((file) => file.endsWith(".test.js") && !(file in notRun))
  .filter((file) => /listen\(/.test(readFileSync(join(folder, file), "utf8")))
  .filter((file) => new RegExp(process.env["DEV_FILES"] ?? "").test(file))
  .sort();

describeSuite("Fastify's own tests", {
  runner: "node-test",
  folder,
  files,
  exclusions,
  tests: 1,
  lanes: 3,
});
