// SPDX-License-Identifier: Apache-2.0
// The servers that cases ask for: one process of the application each.
import http, {
  IncomingMessage,
  type RequestListener,
  type Server,
  type ServerOptions,
  ServerResponse,
} from "node:http";
import type { Duplex } from "node:stream";
import type { Dispatch } from "./dispatch.ts";

/** Of the setup "timeout", ms: long enough for a machine that is busy. */
const TIMEOUT_MS = 1000;

/** What a framework gives http.createServer(). */
class NamedRequest extends IncomingMessage {
  readonly named: string = "NamedRequest";
}

class NamedResponse extends ServerResponse {
  readonly named: string = "NamedResponse";
}

/** How a setup's application is exported. */
type Shape = "listener" | "server" | "fetch";

interface Setup {
  readonly shape: Shape;
  readonly options?: ServerOptions;
  /** What the server has beside its 'request' listener. */
  readonly prepare?: (server: Server, dispatch: Dispatch) => void;
}

export type SetupName =
  | "listener"
  | "server"
  | "fetch"
  | "continue"
  | "expectation"
  | "upgrade"
  | "classes"
  | "duplicates"
  | "writes"
  | "unique"
  | "clientError"
  | "timeout";

export const setups: Readonly<Record<SetupName, Setup>> = {
  /** A (request, response) function: what most frameworks export. */
  listener: { shape: "listener" },
  /** A program that calls listen(). */
  server: { shape: "server" },
  fetch: { shape: "fetch" },
  continue: {
    shape: "server",
    prepare: (server, dispatch) => {
      server.on("checkContinue", dispatch.messages("checkContinue"));
    },
  },
  expectation: {
    shape: "server",
    prepare: (server, dispatch) => {
      server.on("checkExpectation", dispatch.messages("checkExpectation"));
    },
  },
  upgrade: {
    shape: "server",
    prepare: (server, dispatch) => {
      server.on("upgrade", (request: IncomingMessage, socket: Duplex) => {
        dispatch.upgrade(request, socket);
      });
    },
  },
  classes: {
    shape: "server",
    // The types ask for a class of this very request's type, which no subclass is.
    options: { IncomingMessage: NamedRequest, ServerResponse: NamedResponse as never },
  },
  duplicates: { shape: "server", options: { joinDuplicateHeaders: true } },
  writes: { shape: "server", options: { rejectNonStandardBodyWrites: true } },
  unique: { shape: "server", options: { uniqueHeaders: ["x-one", "x-two"] } },
  clientError: {
    shape: "server",
    prepare: (server) => {
      server.on("clientError", (_error, socket) => {
        socket.end("HTTP/1.1 422 Mine\r\nConnection: close\r\n\r\n");
      });
    },
  },
  timeout: {
    shape: "server",
    prepare: (server, dispatch) => {
      server.setTimeout(TIMEOUT_MS, (socket) => dispatch.timeout(socket));
    },
  },
};

export const setupNames: readonly SetupName[] = Object.keys(setups) as SetupName[];

/** Makes the server of a setup. */
export function makeServer(name: SetupName, listener: RequestListener, dispatch: Dispatch): Server {
  const setup = setups[name];
  const server = http.createServer(setup.options ?? {}, listener);
  setup.prepare?.(server, dispatch);
  return server;
}
