// SPDX-License-Identifier: Apache-2.0
// Switches to whatever protocol a client asks for and echoes its bytes. HEARS: what it does at SIGTERM; without it, nothing.
import { createServer } from "node:http";

const server = createServer((_request, response) => response.end("ordinary"));
server.on("upgrade", ({ headers }, socket) => {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${headers.upgrade}\r\n\r\n`,
  );
  socket.on("data", (chunk) => socket.write(chunk));
  socket.on("end", () => socket.end());
});

const hears = process.env["HEARS"];
if (hears !== undefined) {
  // Holds the process open, as a pool of database connections does.
  setInterval(() => {}, 60_000);
  process.on("SIGTERM", () => {
    console.log("told to end");
    if (hears === "closes") server.close(() => console.log("closed"));
    if (hears === "exits") server.close(() => process.exit(7));
  });
}
server.listen(3000);
