// SPDX-License-Identifier: Apache-2.0
// The application of a pool that runs test files of a framework: the tests' servers get the requests that come through httpd, each by its port.
// Asked for one file after another on the first port of TENON_SUITE_PORTS, it answers with a line of JSON a test.
import type { IncomingMessage, ServerResponse } from "node:http";
import { currentExchange, type Exchange } from "../../../ts/channel/exchange.ts";
import { Fact } from "../../../ts/wire/protocol.ts";
import { serveMessages, serveUpgrade } from "../../../ts/worker/messages.ts";
import { PortBook } from "./port-book.ts";
import { type RunnerName, runners } from "./runners.ts";

/** The last line of an answer. */
export interface FileEnd {
  /** Requests that came to the file's servers through httpd. */
  readonly requests: number;
}

const [controlPort = 0, ...ports] = (process.env["TENON_SUITE_PORTS"] ?? "").split(",").map(Number);
const book = new PortBook(ports);
book.install();
let requests = 0;

async function runFile(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const query = new URL(request.url ?? "/", "http://localhost").searchParams;
  const run = runners[query.get("runner") as RunnerName];
  requests = 0;
  await run(query.get("file") ?? "", (result) => response.write(`${JSON.stringify(result)}\n`));
  book.closeAll();
  response.end(`${JSON.stringify({ requests } satisfies FileEnd)}\n`);
}

/** Serves an exchange by a test's server, whose own classes and options make its messages. */
function serveTest(exchange: Exchange, port: number, response: ServerResponse): void {
  const server = book.find(exchange.request.facts[Fact.LOCAL_ADDRESS], port);
  if (server === undefined) {
    // Where nobody listens: the nearest that is left to a refused connection.
    response.destroy();
    return;
  }
  requests += 1;
  if (exchange.upgrade && serveUpgrade(exchange, server)) return;
  serveMessages(exchange, server, (request, answer) => {
    server.emit("request", request, answer);
  });
}

/** Gives a request to the test runner or to a test's server. */
export default function dispatch(request: IncomingMessage, response: ServerResponse): void {
  const { localPort = 0 } = request.socket;
  if (localPort === controlPort) {
    runFile(request, response).catch((error: unknown) => response.destroy(error as Error));
    return;
  }
  serveTest(currentExchange.getStore() as Exchange, localPort, response);
}
