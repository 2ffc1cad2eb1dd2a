// SPDX-License-Identifier: Apache-2.0
// Serves an application by node:http: node serve.ts APPLICATION [SOCKET]. Without a socket's path it takes a port of the
// system's choice on loopback. Prints one line with the address when it listens, ends when its standard input ends.
import { chmodSync } from "node:fs";
import { createServer, type RequestListener } from "node:http";
import { pathToFileURL } from "node:url";

const [application, socketPath] = process.argv.slice(2);
if (application === undefined) throw new Error("usage: serve.ts APPLICATION [SOCKET]");

const { default: listener } = (await import(pathToFileURL(application).href)) as {
  default: RequestListener;
};
const server = createServer(listener);
// Longer than any pause between two rounds: a proxy that meets a connection being closed answers 502.
server.keepAliveTimeout = 600_000;

function announce(): void {
  // httpd's children run as another user; the folder keeps strangers out.
  if (socketPath !== undefined) chmodSync(socketPath, 0o666);
  const address = server.address();
  const where = typeof address === "object" && address !== null ? address.port : address;
  process.stdout.write(`${JSON.stringify(where)}\n`);
}

if (socketPath === undefined) server.listen(0, "127.0.0.1", announce);
else server.listen(socketPath, announce);

process.stdin.resume().once("end", () => process.exit(0));
