// SPDX-License-Identifier: Apache-2.0
// Applications that are a function of (request, response): Express, Koa's callback, plain node:http listeners.
import type { RequestListener } from "node:http";
import type { Adapter, ServeMessages } from "./adapter.ts";

/** Makes the adapter of a `(request, response)` function. What it returns is ignored, as node:http does. */
export function listenerAdapter(listener: RequestListener, serveMessages: ServeMessages): Adapter {
  return {
    shape: "listener",
    handle(exchange) {
      serveMessages(exchange, undefined, listener);
    },
  };
}
