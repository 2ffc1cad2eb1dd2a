// SPDX-License-Identifier: Apache-2.0
// socket.io attached to an http server, as its own documentation has it.
import { createServer } from "node:http";
import { Server } from "socket.io";

const server = createServer((_request, response) => response.end(String(process.pid)));
const io = new Server(server, { path: `/${process.env["TENON_POOL"]}/socket.io` });

io.on("connection", (socket) => {
  socket.emit("welcome", { pid: process.pid, transport: socket.conn.transport.name });
  socket.on("echo", (value, answer) => answer(value));
  socket.on("join", async (room, joined) => {
    await socket.join(room);
    joined();
  });
  socket.on("say", (room, text) => socket.to(room).emit("said", text));
  socket.on("everybody", (text) => io.emit("said", text));
  socket.on("ask me", async (done) => {
    done(await socket.timeout(5000).emitWithAck("question", "what is it"));
  });
});

io.of("/private").use((socket, next) => {
  if (socket.handshake.auth["token"] === "secret") next();
  else next(new Error("not allowed"));
});
io.of("/private").on("connection", (socket) => socket.emit("inside", socket.nsp.name));

server.listen(3000);
