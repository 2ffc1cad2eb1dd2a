// SPDX-License-Identifier: Apache-2.0
// http-proxy in front of a server of its own process, for requests and for WebSockets, as its documentation has it.
import { createServer } from "node:http";
import httpProxy from "http-proxy";
import { WebSocketServer } from "ws";

async function bodyOf(request) {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const backend = createServer(async (request, response) => {
  if (request.url?.endsWith("/stream")) {
    response.write("first ");
    response.write("second ");
    response.end("third");
    return;
  }
  const body = await bodyOf(request);
  response.statusCode = 202;
  response.setHeader("Set-Cookie", ["a=1", "b=2"]);
  response.setHeader("X-Backend", "yes");
  const { method, url, headers } = request;
  response.end(JSON.stringify({ method, url, headers, bytes: body.length }));
});
const sockets = new WebSocketServer({ server: backend });
sockets.on("connection", (socket, request) => {
  socket.send(
    `welcome ${request.headers["x-forwarded-for"]} ${request.headers["x-forwarded-proto"]}`,
  );
  socket.on("message", (data, binary) => socket.send(data, { binary }));
});

const proxy = httpProxy.createProxyServer({ xfwd: true });
proxy.on("error", (error, _request, response) => {
  if ("writeHead" in response) response.writeHead(502, { "Content-Type": "text/plain" });
  response.end(`no backend: ${error.code}`);
});

const server = createServer((request, response) => {
  const gone = request.url?.endsWith("/gone") === true;
  const { port } = backend.address();
  proxy.web(request, response, { target: `http://127.0.0.1:${gone ? 1 : port}` });
});
server.on("upgrade", (request, socket, head) => {
  const { port } = backend.address();
  proxy.ws(request, socket, head, { target: `ws://127.0.0.1:${port}` });
});

// The first server that listens is the application's; every other is left alone.
server.listen(3000, () => backend.listen(0, "127.0.0.1"));
