// SPDX-License-Identifier: Apache-2.0
// The other end of the raw hop: node's own socket, no protocol. Argument: the path of the Unix socket.
import { createServer } from "node:net";

const answer = Buffer.alloc(100);

createServer((socket) => {
  socket.on("data", () => socket.write(answer));
  socket.on("error", () => socket.destroy());
}).listen(process.argv[2], () => console.log("ready"));
