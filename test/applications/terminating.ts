// SPDX-License-Identifier: Apache-2.0
// A server that ends as Node.js programs do under a process manager: on SIGTERM it says goodbye to its sockets, closes, and finishes its own
// work before it exits.
import { createServer } from "node:http";
import { setImmediate } from "node:timers/promises";
import { WebSocketServer } from "ws";

const server = createServer((request, response) => {
  if (request.url?.endsWith("/slow")) process.once("SIGTERM", () => response.end("slow"));
  else response.end(String(process.pid));
  if (request.url?.endsWith("/slow")) console.log("slow has begun");
});
const sockets = new WebSocketServer({ server });
// Holds the process open, as a pool of database connections does.
const held = setInterval(() => {}, 60_000);

process.on("SIGTERM", () => {
  console.log("told to end");
  for (const client of sockets.clients) client.close(4000, "bye");
  server.close(async () => {
    console.log("closed");
    for (let turn = 0; turn < 100; turn++) await setImmediate();
    console.log("finished its own work");
    clearInterval(held);
  });
});

server.listen(3000);
