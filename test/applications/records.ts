// SPDX-License-Identifier: Apache-2.0
// Writes a line for each record into the file that RECORDS names: pid, ?n= of the request, status, request id. What else
// stands in the query says what goes wrong.
import { EventEmitter, once } from "node:events";
import { openSync, writeSync } from "node:fs";
import type { LogTransaction } from "../../ts/index.ts";

const out = openSync(process.env["RECORDS"] ?? "", "a");
const events = new EventEmitter().setMaxListeners(0);
process.on("SIGUSR2", () => events.emit("released"));

const NUMBER = /\bn=(\d+)/;

export const logTransaction: LogTransaction = async (r) => {
  const args = r.args ?? "";
  if (args.includes("hold")) await once(events, "released");
  if (args.includes("poison")) process.kill(process.pid, "SIGKILL");
  if (args.includes("throw")) throw new Error(`no record of ${args}`);
  writeSync(out, `${process.pid} ${NUMBER.exec(args)?.[1] ?? "-"} ${r.status} ${r.requestId}\n`);
};
