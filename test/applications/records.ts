// SPDX-License-Identifier: Apache-2.0
// Writes a line for each record into the file that RECORDS names: pid, ?n= of the request, status, request id. What else
// stands in the query says what goes wrong; ?hold makes a file of that name with `.held` behind it and waits for one with `.release`.
import { existsSync, openSync, writeFileSync, writeSync } from "node:fs";
import { setTimeout } from "node:timers/promises";
import type { LogTransaction } from "../../ts/index.ts";

const path = process.env["RECORDS"] ?? "";
const out = openSync(path, "a");

const NUMBER = /\bn=(\d+)/;

async function hold(): Promise<void> {
  writeFileSync(`${path}.held`, "");
  while (!existsSync(`${path}.release`)) await setTimeout(10);
}

export const logTransaction: LogTransaction = async (r) => {
  const args = r.args ?? "";
  if (args.includes("hold")) await hold();
  if (args.includes("poison")) process.kill(process.pid, "SIGKILL");
  if (args.includes("throw")) throw new Error(`no record of ${args}`);
  writeSync(out, `${process.pid} ${NUMBER.exec(args)?.[1] ?? "-"} ${r.status} ${r.id}\n`);
};
