// SPDX-License-Identifier: Apache-2.0
// A hostile worker: it writes the bytes of the query (`hex`) to its channels itself, past the codec. What is idle among
// them is spoiled as well.
import { readdirSync, readlinkSync, writeSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";

/** Control socket, endpoint and queue (docs/architecture.md): the sockets behind them are channels. */
const LAST_OTHER_SOCKET = 5;

function channels(): number[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => fd > LAST_OTHER_SOCKET && isSocket(fd));
}

function isSocket(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
  } catch {
    // The listing's own descriptor is closed by now.
    return false;
  }
}

export default function listener(request: IncomingMessage, response: ServerResponse): void {
  const query = new URL(request.url ?? "/", "http://localhost").searchParams;
  const bytes = Buffer.from(query.get("hex") ?? "", "hex");
  if (bytes.length === 0) {
    response.end("well behaved\n");
    return;
  }
  for (const fd of channels()) writeSync(fd, bytes);
  if (query.has("exit")) process.kill(process.pid, "SIGKILL");
}
