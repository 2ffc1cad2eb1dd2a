// SPDX-License-Identifier: Apache-2.0
// Writes what each record tells into the file that RECORDS names, as a line of JSON, and leaves something in the request for
// it before.
import { appendFileSync } from "node:fs";
import type { Fixups, LogTransaction } from "../../ts/index.ts";

export const fixups: Fixups = (r) => {
  r.notes.set("tenant", "acme");
  r.state["pid"] = process.pid;
};

export const logTransaction: LogTransaction = (r) => {
  const record = {
    id: r.id,
    method: r.method,
    unparsedUri: r.unparsedUri,
    uri: r.uri,
    args: r.args,
    theRequest: r.theRequest,
    status: r.status,
    bytesSent: r.bytesSent,
    duration: r.duration,
    user: r.user,
    filename: r.filename,
    agent: r.headersIn.get("User-Agent"),
    type: r.headersOut.get("Content-Type"),
    tenant: r.notes.get("tenant"),
    statePid: r.state["pid"],
    pid: process.pid,
  };
  appendFileSync(process.env["RECORDS"] ?? "", `${JSON.stringify(record)}\n`);
};
