// SPDX-License-Identifier: Apache-2.0
// A server with WebSockets by the `ws` package, unmodified. Messages are echoed; some are orders.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const server = createServer((_request, response) => {
  response.end(JSON.stringify({ open: sockets.clients.size, closed }));
});
const sockets = new WebSocketServer({ noServer: true });
/** Close codes of the sockets that have gone. */
const closed: number[] = [];

server.on("upgrade", (request, socket, head) => {
  if (request.url?.endsWith("/refused")) {
    socket.end(
      "HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\nConnection: close\r\n\r\nrefused",
    );
    return;
  }
  sockets.handleUpgrade(request, socket, head, (client) => {
    client.on("close", (code) => closed.push(code));
    client.on("message", (data, binary) => {
      const order = binary ? "" : String(data);
      if (order === "close") client.close(4001, "as ordered");
      else if (order === "terminate") client.terminate();
      else if (order === "ping") client.ping("are you there");
      else if (order === "exit") process.exit(3);
      else if (order === "die") process.kill(process.pid, "SIGKILL");
      else client.send(data, { binary });
    });
    client.on("pong", (data) => client.send(`pong ${data}`));
    client.send(`welcome ${request.socket.remoteAddress} ${request.headers["x-own"]}`);
  });
});

server.listen(3000);
