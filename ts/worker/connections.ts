// SPDX-License-Identifier: Apache-2.0
// The sockets of the clients' connections, so that all requests of a connection that come to this worker have one: frameworks keep what they
// know of a client by socket. Called by messages.ts.
import type { Exchange } from "../channel/exchange.ts";
import { Fact } from "../wire/protocol.ts";
import { ExchangeSocket } from "./exchange-socket.ts";

/** A worker is not told when a client leaves between two requests. A socket lives for one to two of these spans after its last exchange. */
const IDLE_MS = 15_000;
/** Most sockets that are kept. */
const KEPT_MOST = 10_000;

/** By id of the connection, the one made first first. */
const sockets = new Map<string, ExchangeSocket>();
/** Sockets that were idle when the last span ended. */
let idle = new Set<ExchangeSocket>();
const sweeper: NodeJS.Timeout = setInterval(sweep, IDLE_MS);
sweeper.unref();

function sweep(): void {
  const before = idle;
  idle = new Set();
  for (const socket of sockets.values()) {
    if (!socket.idle) continue;
    if (before.has(socket)) socket.destroy();
    else idle.add(socket);
  }
}

/** Ends the oldest socket that nobody uses. */
function makeRoom(): void {
  for (const socket of sockets.values()) {
    if (!socket.idle) continue;
    socket.destroy();
    return;
  }
}

function keep(id: string, socket: ExchangeSocket): void {
  if (sockets.size >= KEPT_MOST) makeRoom();
  sockets.set(id, socket);
  socket.onDestroyed = () => {
    if (sockets.get(id) === socket) sockets.delete(id);
  };
}

/**
 * The socket of an exchange: that of its connection, or a new one.
 * @param onNew called with a new one
 */
export function socketOf(
  exchange: Exchange,
  onNew: (socket: ExchangeSocket) => void,
): ExchangeSocket {
  const { facts } = exchange.request;
  const id = facts[Fact.CONNECTION_ID] ?? "";
  const last = facts[Fact.CONNECTION_LAST] !== undefined || id === "";
  const known = sockets.get(id);
  // Behind a proxy of the site's own (mod_remoteip) one connection carries the requests of several clients.
  if (known?.idle === true && known.remoteAddress === facts[Fact.CLIENT_ADDRESS]) {
    idle.delete(known);
    known.begin(exchange);
    known.last = last;
    return known;
  }
  const socket = new ExchangeSocket(exchange);
  socket.last = last;
  if (known?.idle === true) known.destroy();
  else if (known !== undefined) known.last = true;
  if (!last) keep(id, socket);
  onNew(socket);
  return socket;
}
