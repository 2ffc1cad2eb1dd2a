// SPDX-License-Identifier: Apache-2.0
// What an http.Server keeps of the options of http.createServer(), under symbols of node:http's own. Read by messages.ts and response.ts.
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { http } from "../node-http.ts";

export type RequestClass = new (socket: unknown) => IncomingMessage;
export type ResponseClass = new (request: IncomingMessage, options?: object) => ServerResponse;

export interface ServerOptions {
  readonly Request: RequestClass;
  readonly Response: ResponseClass;
  /** Lower-case names of response headers whose values make one line. */
  readonly uniqueHeaders: ReadonlySet<string> | undefined;
}

const none: ServerOptions = {
  Request: http.IncomingMessage as unknown as RequestClass,
  Response: http.ServerResponse as unknown as ResponseClass,
  uniqueHeaders: undefined,
};
const known = new WeakMap<Server, ServerOptions>();

/** The options of a server; without one, those of http.createServer() without any. */
export function optionsOf(server: Server | undefined): ServerOptions {
  if (server === undefined) return none;
  let options = known.get(server);
  if (options === undefined) {
    options = readOptions(server);
    known.set(server, options);
  }
  return options;
}

function readOptions(server: Server): ServerOptions {
  const named = (description: string): unknown => {
    const symbol = Object.getOwnPropertySymbols(server).find(
      (own) => own.description === description,
    );
    return symbol === undefined
      ? undefined
      : (server as unknown as Record<symbol, unknown>)[symbol];
  };
  return {
    Request: (named("IncomingMessage") as RequestClass | undefined) ?? none.Request,
    Response: (named("ServerResponse") as ResponseClass | undefined) ?? none.Response,
    uniqueHeaders: (named("kUniqueHeaders") as ReadonlySet<string> | null | undefined) ?? undefined,
  };
}
