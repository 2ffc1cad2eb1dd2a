#!/usr/bin/env node
// SPDX-License-Identifier: Apache-2.0
// The command `tenon`: what an administrator does about a running httpd. Called by people; each command is a row below and a file of its own.
import { existsSync } from "node:fs";
import { parseArgs } from "node:util";
import { TenonError } from "../errors.ts";
import { purge } from "./purge.ts";
import { restart } from "./restart.ts";

/** Where distributions' httpd has its runtime directory. */
const PLACES = ["/run/apache2/tenon", "/run/httpd/tenon", "/usr/local/apache2/logs/tenon"];

const USAGE = `Usage: tenon [--runtime <directory>] <command>

  purge [<pool>[#<export>]]...  end the time of decisions in the cache: of all pools, of a pool, of one hook
  restart [--rolling] [<pool>]...  new workers for all pools, or these; no request is lost

  --rolling              one worker at a time, so that no more than one is there beside the usual ones
  --runtime <directory>  TenonRuntimeDir of the httpd (default: the first of
                         ${PLACES.join(", ")})
`;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function run(args: string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      runtime: { type: "string" },
      rolling: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
  const [command, ...targets] = positionals;
  const known = command === "restart" || (command === "purge" && values.rolling === undefined);
  if (values.help === true || !known) {
    (values.help === true ? process.stdout : process.stderr).write(USAGE);
    return values.help === true ? 0 : 2;
  }
  const runtime = values.runtime ?? PLACES.find((path) => existsSync(path)) ?? PLACES[0] ?? "";
  if (command === "restart") {
    return (await restart(runtime, targets, values.rolling === true, say)) ? 0 : 1;
  }
  for (const line of purge(runtime, targets)) say(line);
  return 0;
}

try {
  process.exitCode = await run(process.argv.slice(2));
} catch (error) {
  const known = error instanceof TenonError || error instanceof TypeError;
  process.stderr.write(`tenon: ${known ? error.message : String(error)}\n`);
  process.exitCode = 1;
}
