#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// The command `tenon`: what an administrator does about a running httpd. Called by people; each command is a row below and a file of its own.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { TenonError } from "../errors.ts";
import { purge } from "./purge.ts";

/** Where distributions' httpd has its runtime directory. */
const PLACES = ["/run/apache2/tenon", "/run/httpd/tenon", "/usr/local/apache2/logs/tenon"];

const USAGE = `Usage: tenon [--runtime <directory>] <command>

  purge [<pool>[#<export>]]...  end the time of decisions in the cache: of all pools, of a pool, of one hook

  --runtime <directory>  TenonRuntimeDir of the httpd (default: the first of
                         ${PLACES.join(", ")})
`;

function run(args: string[]): number {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: { runtime: { type: "string" }, help: { type: "boolean", short: "h" } },
  });
  const [command, ...targets] = positionals;
  if (values.help === true || command !== "purge") {
    (values.help === true ? process.stdout : process.stderr).write(USAGE);
    return values.help === true ? 0 : 2;
  }
  const runtime = values.runtime ?? PLACES.find((path) => existsSync(path)) ?? PLACES[0] ?? "";
  for (const line of purge(runtime, targets)) process.stdout.write(`${line}\n`);
  return 0;
}

try {
  process.exitCode = run(process.argv.slice(2));
} catch (error) {
  const known = error instanceof TenonError || error instanceof TypeError;
  process.stderr.write(`tenon: ${known ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
