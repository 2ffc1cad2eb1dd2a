// SPDX-License-Identifier: Apache-2.0
// Makes node:http's request and response of an exchange. Called by the listener and server adapters.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Exchange } from "../channel/exchange.ts";
import { markRequest } from "../facts.ts";
import { http } from "../node-http.ts";
import { socketOf } from "./connections.ts";
import type { ExchangeSocket } from "./exchange-socket.ts";
import { fillRequest, finishBody, showVersion } from "./request.ts";
import { attachResponse } from "./response.ts";
import { optionsOf } from "./server-options.ts";
import { TunnelSocket } from "./tunnel-socket.ts";

/** What a server is asked for: options that http.createServer() was given. */
interface ServerFields {
  readonly joinDuplicateHeaders?: boolean;
  readonly rejectNonStandardBodyWrites?: boolean;
  readonly timeout?: number;
}

/** What a server listens to its connections with. */
const ownListener: unknown = (http as unknown as { _connectionListener: unknown })
  ._connectionListener;

/**
 * Tells a server's listeners of a new connection. Node's own is left out: it would read from the socket.
 */
function announce(server: Server, socket: ExchangeSocket): void {
  const event = server instanceof http.Server ? "connection" : "secureConnection";
  for (const listener of server.rawListeners(event)) {
    if (listener !== ownListener) Reflect.apply(listener, server, [socket]);
  }
}

/** Calls `serve` with a real request and response for an exchange. @param server whose message classes and options apply */
export function serveMessages(
  exchange: Exchange,
  server: Server | undefined,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
): void {
  const { Request, Response } = optionsOf(server);
  const fields: ServerFields | undefined = server as ServerFields | undefined;
  const socket = socketOf(exchange, (made) => {
    made.server = server;
    if (server !== undefined) announce(server, made);
  });
  const request = new Request(socket);
  fillRequest(request, exchange.request, fields?.joinDuplicateHeaders ?? false);
  markRequest(request, exchange.request.facts);
  const response = new Response(request, fields);
  showVersion(request, exchange.request);
  socket.request = request;
  attachResponse(response, socket);
  if ((fields?.timeout ?? 0) > 0) socket.setTimeout(fields?.timeout ?? 0);
  exchange.listener = socket;
  try {
    serve(request, response);
  } finally {
    // As node:http's parser does: an empty body ends behind the 'request' event.
    if (exchange.bodyEnded && !request.complete) finishBody(request, []);
  }
}

/** Emits a server's 'upgrade' for an exchange whose client asks to switch protocols. Returns false when nobody listens: then it is an ordinary request, as under node:http. */
export function serveUpgrade(exchange: Exchange, server: Server): boolean {
  if (!exchange.upgrade || server.listenerCount("upgrade") === 0) return false;
  const socket = new TunnelSocket(exchange);
  socket.server = server;
  const { Request } = optionsOf(server);
  const request = new Request(socket);
  const fields = server as ServerFields;
  fillRequest(request, exchange.request, fields.joinDuplicateHeaders ?? false);
  markRequest(request, exchange.request.facts);
  (request as { upgrade?: boolean }).upgrade = true;
  finishBody(request, []);
  server.emit("upgrade", request, socket, Buffer.alloc(0));
  return true;
}
