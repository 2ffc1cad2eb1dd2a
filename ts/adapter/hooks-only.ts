// SPDX-License-Identifier: Apache-2.0
// Applications that have hooks and, so far, nothing that answers requests.
import type { Server } from "node:http";
import type { Exchange } from "../channel/exchange.ts";
import { LogLevel } from "../wire/protocol.ts";
import type { Adapter, Serving } from "./adapter.ts";
import { serverAdapter } from "./server.ts";

function refuse(exchange: Exchange): void {
  const text =
    "the application has hooks only: it neither exports a handler by default nor listens with a server";
  exchange.log(LogLevel.ERROR, text);
  exchange.respond(500, "", ["Content-Type", "text/plain; charset=utf-8"]);
  exchange.write("Internal Server Error\n");
  exchange.end();
}

/** Makes the adapter of such an application. @param later a server that it may still listen with */
export function hooksOnlyAdapter(later: Promise<Server>, serving: Serving): Adapter {
  let server: Adapter | undefined;
  void later.then((taken) => {
    server = serverAdapter(taken, serving);
  });
  return {
    shape: "hooks",
    handle(exchange) {
      if (server === undefined) refuse(exchange);
      else server.handle(exchange);
    },
  };
}
