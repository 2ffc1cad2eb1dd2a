// SPDX-License-Identifier: Apache-2.0
// The application of scaling.test.ts: /pid, /spin (keeps the event loop for 20 ms), /hold (until SIGUSR2, its head comes at once).
import { EventEmitter, once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";

const SPIN_MS = 20;

const events = new EventEmitter().setMaxListeners(0);
process.on("SIGUSR2", () => events.emit("released"));

export default async function (request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { url = "" } = request;
  if (url.endsWith("/spin")) {
    const end = performance.now() + SPIN_MS;
    while (performance.now() < end);
  }
  if (url.endsWith("/hold")) {
    response.setHeader("X-Pid", process.pid).flushHeaders();
    await once(events, "released");
  }
  response.end(String(process.pid));
}
