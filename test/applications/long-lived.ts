// SPDX-License-Identifier: Apache-2.0
// What stays open for long: WebSockets that echo and event streams that tick, each saying by which code.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const TICK_MS = 20;

/** Serves by a version: a WebSocket answers each message with it, an event stream sends it all the time, all else is answered with it. */
export function serve(version: number): void {
  const server = createServer((request, response) => {
    const own = `${version} ${process.pid}`;
    if (!request.url?.endsWith("/events")) {
      response.end(own);
      return;
    }
    response.writeHead(200, { "Content-Type": "text/event-stream" });
    const ticking = setInterval(() => response.write(`data: ${own}\n\n`), TICK_MS);
    response.on("close", () => clearInterval(ticking));
  });
  const sockets = new WebSocketServer({ server });
  sockets.on("connection", (client) => {
    client.on("message", (data) => client.send(`${data}: ${version} ${process.pid}`));
    client.on("close", (code) => console.log(`socket closed with ${code}`));
  });
  server.listen(3000);
}
