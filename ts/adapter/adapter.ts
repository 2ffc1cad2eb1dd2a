// SPDX-License-Identifier: Apache-2.0
// What an application shape is to the worker. Implemented by the other files of this folder, called by ts/worker/runtime.ts.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { Exchange } from "../channel/exchange.ts";

export type Shape = "fetch" | "listener" | "server" | "hooks";

/** Hands exchanges to an application of one shape. */
export interface Adapter {
  readonly shape: Shape;
  /** Calls the application. What it throws before it returns is the application's uncaught exception. */
  handle(exchange: Exchange): void;
}

/** A request and its response as node:http has them. */
export interface Messages {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** Calls `serve` with node:http's objects for an exchange. @param server whose classes and options are used, if any */
export type ServeMessages = (
  exchange: Exchange,
  server: Server | undefined,
  serve: (request: IncomingMessage, response: ServerResponse) => void,
) => void;

/** Emits 'upgrade' on a server for an exchange whose client asks for it; false when nobody listens: it is an ordinary request then. */
export type ServeUpgrade = (exchange: Exchange, server: Server) => boolean;

/** How exchanges reach applications of node:http (ts/worker/messages.ts). */
export interface Serving {
  readonly messages: ServeMessages;
  readonly upgrade: ServeUpgrade;
}

/** Where a default export may have a function that makes its adapter: for a host of several servers in one worker, such as test/frameworks/suite-host. */
export const makeAdapter: unique symbol = Symbol.for("tenon.makeAdapter");

/** A default export that brings its adapter. */
export interface OwnAdapter {
  [makeAdapter](serving: Serving): Adapter;
}
