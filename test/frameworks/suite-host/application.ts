// SPDX-License-Identifier: Apache-2.0
// The application of a pool that runs test files of a framework: the tests' servers get the requests that come through httpd, each by its port.
// Asked for one file after another on the first port of TENON_SUITE_PORTS, it answers with a line of JSON a test.
import type { IncomingMessage, ServerResponse } from "node:http";
import { makeAdapter, type OwnAdapter, type Serving } from "../../../ts/adapter/adapter.ts";
import type { Exchange } from "../../../ts/channel/exchange.ts";
import { Fact, WireError } from "../../../ts/wire/protocol.ts";
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
// What a test has left behind may fail when its file is through. Node's runner tells of it within a file and lets go of it between two.
process.on("uncaughtException", (error) => console.error("behind the end of a test:", error));

async function runFile(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const query = new URL(request.url ?? "/", "http://localhost").searchParams;
  const run = runners[query.get("runner") as RunnerName];
  requests = 0;
  await run(query.get("file") ?? "", Number(query.get("timeout")), (result) => {
    response.write(`${JSON.stringify(result)}\n`);
  });
  book.closeAll();
  response.end(`${JSON.stringify({ requests } satisfies FileEnd)}\n`);
}

/** Serves an exchange by a test's server, whose own classes and options make its messages. */
function serveTest(exchange: Exchange, port: number, serving: Serving): void {
  const facts = exchange.request.facts as (string | undefined)[];
  const listener = book.find(facts[Fact.LOCAL_ADDRESS], port);
  if (listener === undefined) {
    // Where nobody listens: the nearest that is left to a refused connection.
    exchange.abort(WireError.APPLICATION, "no server of the test listens on this port");
    return;
  }
  requests += 1;
  // A client may hold on to a connection when the port already is another server's, who must not find the other's socket.
  facts[Fact.CONNECTION_ID] += ` ${listener.serial}`;
  const { server } = listener;
  if (exchange.upgrade && serving.upgrade(exchange, server)) return;
  serving.messages(exchange, server, (request, response) => {
    server.emit("request", request, response);
  });
}

function runOrFail(request: IncomingMessage, response: ServerResponse): void {
  runFile(request, response).catch((error: unknown) => response.destroy(error as Error));
}

const application: OwnAdapter = {
  [makeAdapter]: (serving) => ({
    shape: "server",
    handle(exchange) {
      const port = Number(exchange.request.facts[Fact.LOCAL_PORT]);
      if (port === controlPort) serving.messages(exchange, undefined, runOrFail);
      else serveTest(exchange, port, serving);
    },
  }),
};

export default application;
