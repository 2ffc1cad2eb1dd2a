// SPDX-License-Identifier: Apache-2.0
// Writes a line for each record into the file that RECORDS names: pid, ?n= of the request, status, request id. What else
// stands in the query says what goes wrong; ?hold waits until there is a file of that name with `.release` behind it.
import { existsSync, openSync, writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { LogTransaction } from "../../ts/index.ts";

const path = process.env["RECORDS"] ?? "";
const out = openSync(path, "a");

const NUMBER = /\bn=(\d+)/;

export const logTransaction: LogTransaction = async (r) => {
  const args = r.args ?? "";
  while (args.includes("hold") && !existsSync(`${path}.release`)) await setTimeout(10);
  if (args.includes("poison")) process.kill(process.pid, "SIGKILL");
  if (args.includes("throw")) throw new Error(`no record of ${args}`);
  writeSync(out, `${process.pid} ${NUMBER.exec(args)?.[1] ?? "-"} ${r.status} ${r.id}\n`);
};
