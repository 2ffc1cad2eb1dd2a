// SPDX-License-Identifier: Apache-2.0
// An exception that no application code caught: whose request it was, what its client and the log are told. Called by main.ts.
import { currentExchange, type Exchange } from "../channel/exchange.ts";
import { Fact, LogLevel, WireError } from "../wire/protocol.ts";

function stackOf(error: unknown): string {
  if (error instanceof Error) return error.stack ?? `${error.name}: ${error.message}`;
  return `a thrown ${typeof error}: ${String(error)}`;
}

/**
 * Reports an uncaught exception: a line with the stack, the same in the error log of the guilty request's virtual host when it is known, and
 * 500 to its client, or a broken off answer when its head was sent.
 *
 * @param where pool and slot as a line of the log has them
 */
export function reportUncaught(
  error: unknown,
  origin: string,
  where: string,
  log: (line: string) => void,
): void {
  const exchange = currentExchange.getStore();
  const stack = stackOf(error);
  const id = exchange?.request.facts[Fact.REQUEST_ID];
  const subject = id === undefined ? `[${where}]` : `[${where} #${id}]`;
  const cause = origin === "unhandledRejection" ? "unhandled rejection" : "uncaught exception";
  log(`TN0303: ${subject} ${cause}, the worker drains and exits: ${stack}`);
  if (exchange === undefined || exchange.over) return;
  exchange.log(LogLevel.ERROR, `${cause} of the application: ${stack}`);
  answerFailed(exchange, cause);
}

/** Answers a request whose code has come to nothing: 500, or a broken off answer when its head was sent. */
export function answerFailed(exchange: Exchange, cause: string): void {
  const { listener } = exchange;
  if (exchange.hook) {
    // What counts then is the host's to say.
    exchange.retract();
    exchange.abort(WireError.APPLICATION, `${cause} in a hook`);
  } else if (exchange.retract()) {
    exchange.respond(500, "", ["Content-Type", "text/plain; charset=utf-8"]);
    exchange.write("Internal Server Error\n");
    exchange.end();
  } else {
    exchange.abort(WireError.APPLICATION, `${cause} after the head was sent`);
  }
  listener?.aborted(WireError.APPLICATION, cause);
}
