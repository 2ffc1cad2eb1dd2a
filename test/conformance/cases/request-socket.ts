// SPDX-License-Identifier: Apache-2.0
// What request.socket says of the client's connection.
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import type { Behaviour } from "../case.ts";
import { note } from "./helpers.ts";

function tlsOf(request: IncomingMessage): TLSSocket {
  return request.socket as TLSSocket;
}

/** Marks sockets of the cases that ask twice on one connection. */
const marks = new WeakMap<object, number>();

const addresses: Behaviour[] = [
  {
    name: "socket: remoteAddress is the client's",
    serve: note(({ socket }) => ({ address: socket.remoteAddress, family: socket.remoteFamily })),
    ask: {},
    expect: {
      seen: [
        ["address", "127.0.0.1"],
        ["family", "IPv4"],
      ],
    },
  },
  {
    name: "socket: remotePort is the client's",
    serve: note(({ socket, headers }) => ({
      same: socket.remotePort === Number(headers["x-port"]),
    })),
    ask: async (client) => {
      await client.ask({ headers: [`X-Port: ${await client.localPort()}`] });
    },
    expect: { seen: [["same", true]] },
  },
  {
    name: "socket: localAddress and localPort are those that the client connected to",
    serve: note(({ socket, headers }) => ({
      address: socket.localAddress,
      family: socket.localFamily,
      same: socket.localPort === Number(headers["x-port"]),
    })),
    ask: async (client) => {
      await client.ask({ headers: [`X-Port: ${client.remotePort}`] });
    },
    expect: {
      seen: [
        ["address", "127.0.0.1"],
        ["family", "IPv4"],
        ["same", true],
      ],
    },
  },
  {
    name: "socket: address() is the local one",
    serve: note(({ socket }) => {
      const { address, family, port } = socket.address() as { [name: string]: unknown };
      return { address, family, port: port === socket.localPort };
    }),
    ask: {},
    expect: {
      seen: [
        ["address", "127.0.0.1"],
        ["family", "IPv4"],
        ["port", true],
      ],
    },
  },
  {
    name: "socket: encrypted is not there without TLS",
    serve: note((request) => ({ encrypted: Boolean(tlsOf(request).encrypted) })),
    ask: {},
    expect: { seen: [["encrypted", false]] },
  },
  {
    name: "socket: X-Forwarded-For does not change remoteAddress",
    serve: note(({ socket }) => ({ address: socket.remoteAddress })),
    ask: { headers: ["X-Forwarded-For: 203.0.113.9"] },
    expect: { seen: [["address", "127.0.0.1"]] },
  },
  {
    name: "socket: request.connection is the socket",
    serve: note((request) => ({ same: request.connection === request.socket })),
    ask: {},
    expect: { seen: [["same", true]] },
  },
  {
    name: "socket: the response's is the request's",
    serve: (request, response, seen) => {
      seen("same", request.socket === response.socket);
      seen("connection", response.connection === response.socket);
      seen("request", response.req === request);
      response.end();
    },
    ask: {},
    expect: {
      seen: [
        ["same", true],
        ["connection", true],
        ["request", true],
      ],
    },
  },
  {
    name: "socket: requests on one connection have one socket",
    serve: (request, response, seen) => {
      const count = (marks.get(request.socket) ?? 0) + 1;
      marks.set(request.socket, count);
      seen("count", count);
      response.end();
    },
    ask: async (client) => {
      await client.ask({});
      await client.ask({});
    },
    expect: {
      seen: [
        ["count", 1],
        ["count", 2],
      ],
    },
  },
  {
    name: "socket: connections of their own have sockets of their own",
    serve: (request, response, seen) => {
      const count = (marks.get(request.socket) ?? 0) + 1;
      marks.set(request.socket, count);
      seen("count", count);
      response.end();
    },
    ask: async (client) => {
      await client.ask({});
      client.anotherConnection();
      await client.ask({});
    },
    expect: {
      seen: [
        ["count", 1],
        ["count", 1],
      ],
    },
  },
  {
    name: "socket: is readable, writable and open while a request is served",
    serve: note(({ socket }) => ({
      readable: socket.readable,
      writable: socket.writable,
      destroyed: socket.destroyed,
      connecting: socket.connecting,
      readyState: socket.readyState,
    })),
    ask: {},
    expect: {
      seen: [
        ["readable", true],
        ["writable", true],
        ["destroyed", false],
        ["connecting", false],
        ["readyState", "open"],
      ],
    },
  },
  {
    name: "socket: setKeepAlive, setNoDelay, ref and unref give the socket",
    serve: note(({ socket }) => ({
      keepAlive: socket.setKeepAlive(true) === socket,
      noDelay: socket.setNoDelay(true) === socket,
      ref: socket.ref() === socket,
      unref: socket.unref() === socket,
    })),
    ask: {},
    expect: {
      seen: [
        ["keepAlive", true],
        ["noDelay", true],
        ["ref", true],
        ["unref", true],
      ],
    },
  },
  {
    name: "socket: response.socket is null when the response has finished",
    serve: async (_, response, seen) => {
      response.on("finish", () => setImmediate(() => seen("socket", response.socket)));
      response.end();
      await new Promise((resolve) => response.on("close", resolve));
    },
    ask: {},
    expect: { seen: [["socket", null]] },
  },
];

const tls: Behaviour[] = [
  {
    name: "tls: encrypted is true",
    tls: true,
    serve: note((request) => ({ encrypted: tlsOf(request).encrypted })),
    ask: {},
    expect: { seen: [["encrypted", true]] },
  },
  {
    name: "tls: getPeerCertificate() gives an empty object where the client has none",
    tls: true,
    serve: note((request) => ({ certificate: tlsOf(request).getPeerCertificate() })),
    ask: {},
    expect: { seen: [["certificate", {}]] },
  },
  {
    name: "tls: authorized is false where no certificate was asked for",
    tls: true,
    serve: note((request) => ({ authorized: tlsOf(request).authorized })),
    ask: {},
    expect: { seen: [["authorized", false]] },
  },
  {
    name: "tls: getProtocol() names the version",
    tls: true,
    serve: note((request) => ({ protocol: tlsOf(request).getProtocol() })),
    ask: {},
    expect: { seen: [["protocol", "TLSv1.3"]] },
  },
  {
    name: "tls: getCipher() names the suite",
    tls: true,
    serve: note((request) => ({
      known: tlsOf(request).getCipher().name.startsWith("TLS_"),
      version: tlsOf(request).getCipher().version,
    })),
    ask: {},
    expect: {
      seen: [
        ["known", true],
        ["version", "TLSv1.3"],
      ],
    },
  },
  {
    name: "tls: servername is the name that the client asked for",
    tls: true,
    serve: note((request) => ({ name: (tlsOf(request) as { servername?: unknown }).servername })),
    ask: {},
    expect: { seen: [["name", "localhost"]] },
  },
  {
    name: "tls: a body goes both ways",
    tls: true,
    serve: (request, response) => {
      request.pipe(response);
    },
    ask: { method: "POST", body: "over TLS" },
    expect: { status: 200, body: "over TLS" },
  },
];

export const requestSocket: readonly Behaviour[] = [...addresses, ...tls];
