// SPDX-License-Identifier: Apache-2.0
// An exception that no application code caught: whose request it was, what its client and the log are told. Used by runtime.ts, main.ts.
import type { Exchange } from "../channel/exchange.ts";
import { Fact, LogLevel, WireError } from "../wire/protocol.ts";

function stackOf(error: unknown): string {
  if (error instanceof Error) return error.stack ?? `${error.name}: ${error.message}`;
  return `a thrown ${typeof error}: ${String(error)}`;
}

function throwAgain(error: unknown): void {
  throw error;
}

/** Keeps in mind which exchange an exception came from until Node reports it as uncaught. */
export class Failure {
  readonly #log: (line: string) => void;
  readonly #guilty: { readonly error: unknown; readonly exchange: Exchange }[] = [];

  constructor(log: (line: string) => void) {
    this.#log = log;
  }

  /**
   * Throws what an application threw while it was called for an exchange, outside of the code that called it: an application's own
   * 'uncaughtException' listeners see it as they would under node:http.
   */
  blame(error: unknown, exchange: Exchange): void {
    this.#guilty.push({ error, exchange });
    process.nextTick(throwAgain, error);
  }

  /** Forgets an exception that the application's own listener handles. */
  forgive(error: unknown): void {
    this.#take(error);
  }

  /**
   * Reports an uncaught exception: a line with the stack, the same in the error log of the guilty request's virtual host when it is known, and 500 to
   * its client, or a broken off answer when its head was sent.
   */
  report(error: unknown, origin: string, where: string): void {
    const exchange = this.#take(error);
    const stack = stackOf(error);
    const id = exchange?.request.facts[Fact.REQUEST_ID];
    const subject = id === undefined ? where : `${where.slice(0, -1)} #${id}]`;
    const cause = origin === "unhandledRejection" ? "unhandled rejection" : "uncaught exception";
    this.#log(`TN0303: ${subject} ${cause}, the worker drains and exits: ${stack}`);
    if (exchange === undefined || exchange.over) return;
    exchange.log(LogLevel.ERROR, `${cause} of the application: ${stack}`);
    const { listener } = exchange;
    if (exchange.retract()) {
      exchange.respond(500, "", ["Content-Type", "text/plain; charset=utf-8"]);
      exchange.write("Internal Server Error\n");
      exchange.end();
    } else {
      exchange.abort(WireError.APPLICATION, `${cause} after the head was sent`);
    }
    listener?.aborted(WireError.APPLICATION, cause);
  }

  #take(error: unknown): Exchange | undefined {
    const index = this.#guilty.findIndex((entry) => entry.error === error);
    return index < 0 ? undefined : this.#guilty.splice(index, 1)[0]?.exchange;
  }
}
