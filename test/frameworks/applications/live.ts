// SPDX-License-Identifier: Apache-2.0
// Express, WebSockets of `ws` and server-sent events on one server: the three ways in which a chat reaches its browsers.
import { createServer } from "node:http";
import express, { type Response } from "express";
import { WebSocket, WebSocketServer } from "ws";

const app = express();
const listeners = new Set<Response>();
/** What was said, by number. */
const said: string[] = [];

function send(response: Response, id: number): void {
  response.write(`id: ${id}\nevent: said\ndata: ${said[id]}\n\n`);
}

app.use(express.json());
app.get("/live/events", (request, response) => {
  response.set({ "Content-Type": "text/event-stream", "Cache-Control": "no-store" });
  response.flushHeaders();
  // A browser that comes back names the last event that it got.
  const last = Number(request.get("Last-Event-ID") ?? said.length - 1);
  for (let id = last + 1; id < said.length; id++) send(response, id);
  listeners.add(response);
  response.on("close", () => listeners.delete(response));
});
app.post("/live/say", (request, response) => {
  const id = said.push(request.body.text) - 1;
  for (const listener of listeners) send(listener, id);
  for (const socket of sockets.clients) {
    if (socket.readyState === WebSocket.OPEN) socket.send(request.body.text);
  }
  response.status(201).json({ id, listeners: listeners.size });
});

const server = createServer(app);
const sockets = new WebSocketServer({ server, path: "/live/socket" });
sockets.on("connection", (socket) => {
  socket.send(`welcome to ${said.length}`);
});
server.listen(process.env["PORT"] ?? 3000);
