// SPDX-License-Identifier: Apache-2.0
// A server that tells what it knows of its clients' connections.
import { createServer, type IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import type { TLSSocket } from "node:tls";

interface Known {
  readonly number: number;
  requests: number;
  announced: boolean;
}

const known = new WeakMap<Socket, Known>();
const closed: number[] = [];
let count = 0;

function know(socket: Socket, announced: boolean): Known {
  let entry = known.get(socket);
  if (entry === undefined) {
    const number = ++count;
    entry = { number, requests: 0, announced };
    known.set(socket, entry);
    socket.once("close", () => closed.push(number));
  }
  return entry;
}

function tlsFacts(request: IncomingMessage): object {
  const socket = request.socket as TLSSocket;
  if (socket.encrypted !== true) return {};
  const { subject } = socket.getPeerCertificate();
  const { authorized, authorizationError } = socket;
  const x509 = socket.getPeerX509Certificate()?.fingerprint256;
  const [protocol, cipher] = [socket.getProtocol(), socket.getCipher()];
  return { protocol, cipher, authorized, authorizationError, subject, x509 };
}

const server = createServer((request, response) => {
  const { socket, httpVersion, httpVersionMajor, httpVersionMinor } = request;
  const entry = know(socket, false);
  entry.requests += 1;
  const { remoteAddress, remotePort } = socket;
  const version = [httpVersion, httpVersionMajor, httpVersionMinor];
  const facts = { ...entry, closed, remoteAddress, remotePort, version, ...tlsFacts(request) };
  response.setHeader("Content-Type", "application/json");
  response.end(JSON.stringify(facts));
});
server.on("connection", (socket) => know(socket, true));
server.listen(0);
