// SPDX-License-Identifier: Apache-2.0
// Applications that call listen() themselves: the first HTTP server that listens gets the requests and binds no port.
import type { IncomingMessage, Server } from "node:http";
import { Server as NetServer } from "node:net";
import { http } from "../node-http.ts";
import type { Adapter, Serving } from "./adapter.ts";

/** What node:http looks for in Expect. */
const continueExpected = /(?:^|\W)100-continue(?:$|\W)/i;

/**
 * The event that a request is for its server: 'request', or one of those about Expect where somebody listens to it. With nobody there the host
 * sends 100 when the application reads, and refuses other expectations itself.
 */
function eventOf(server: Server, request: IncomingMessage): string {
  const continues = server.listenerCount("checkContinue") > 0;
  const others = server.listenerCount("checkExpectation") > 0;
  if (!continues && !others) return "request";
  const { expect } = request.headers;
  if (expect === undefined || request.httpVersion === "1.0") return "request";
  if (continueExpected.test(expect)) return continues ? "checkContinue" : "request";
  return others ? "checkExpectation" : "request";
}

/** Makes the adapter of a server: requests become its 'request' events. */
export function serverAdapter(server: Server, serving: Serving): Adapter {
  return {
    shape: "server",
    handle(exchange) {
      if (exchange.upgrade && serving.upgrade(exchange, server)) return;
      serving.messages(exchange, server, (request, response) => {
        server.emit(eventOf(server, request), request, response);
      });
    },
  };
}

/** Where a server was asked to listen. */
export interface Address {
  readonly path: string | undefined;
  readonly host: string;
  readonly port: number;
}

/** What net.Server's close() works with (lib/net.js). */
type ClosingServer = Server & { _connections: number; _emitCloseIfDrained(): void };

interface SocketName {
  address?: string;
  family?: string;
  port?: number;
}

interface ListenOptions {
  readonly port?: unknown;
  readonly host?: unknown;
  readonly path?: unknown;
  readonly fd?: unknown;
  readonly signal?: AbortSignal;
}

type Listen = (this: Server, ...parameters: unknown[]) => Server;

const patched = NetServer.prototype as unknown as { listen: Listen };

/** Whether a value is an http.Server or https.Server. The latter is told by its own field: loading node:https costs several ms. */
export function isHttpServer(value: unknown): value is Server {
  if (value instanceof http.Server) return true;
  return value instanceof NetServer && Object.hasOwn(value, "httpAllowHalfOpen");
}

function isPort(value: unknown): boolean {
  return typeof value === "number" || (typeof value === "string" && /^\d+$/.test(value));
}

/** Reads the arguments of listen() as net.Server does; undefined for what cannot be taken over (a handle, a descriptor). */
export function readAddress(parameters: readonly unknown[]): Address | undefined {
  const first = parameters[0];
  if (typeof first === "object" && first !== null) {
    const options = first as ListenOptions;
    if (typeof options.path === "string") return { path: options.path, host: "", port: 0 };
    if (options.fd !== undefined || "_handle" in options || "handle" in options) return undefined;
    if (options.port !== undefined && options.port !== null && !isPort(options.port)) {
      return undefined;
    }
    const host = typeof options.host === "string" ? options.host : "::";
    return { path: undefined, host, port: Number(options.port ?? 0) };
  }
  if (typeof first === "string" && !isPort(first)) return { path: first, host: "", port: 0 };
  if (!isPort(first) && first !== undefined && first !== null && typeof first !== "function") {
    return undefined;
  }
  const port = typeof first === "function" ? 0 : Number(first ?? 0);
  if (port < 0 || port > 65535) return undefined;
  const host = typeof parameters[1] === "string" ? parameters[1] : "::";
  return { path: undefined, host, port };
}

/** Stands where net.Server keeps its handle, so that `listening`, `address`, `close`, `ref` and `unref` work by node's own code. */
class AbsorbedHandle {
  readonly fd = -1;
  readonly #address: Address;
  readonly #onClose: () => void;

  constructor(address: Address, onClose: () => void) {
    this.#address = address;
    this.#onClose = onClose;
  }

  close(callback?: () => void): void {
    this.#onClose();
    if (callback !== undefined) process.nextTick(callback);
  }

  ref(): void {}

  unref(): void {}

  hasRef(): boolean {
    return false;
  }

  getsockname(out: SocketName): number {
    const host = this.#address.host === "localhost" ? "127.0.0.1" : this.#address.host;
    out.address = host;
    out.family = host.includes(":") ? "IPv6" : "IPv4";
    out.port = this.#address.port;
    return 0;
  }
}

/**
 * Has a server listen as far as its application sees: on nothing.
 *
 * @param parameters of its listen()
 * @param onClose called when it is closed
 */
export function absorb(
  server: Server,
  address: Address,
  parameters: readonly unknown[],
  onClose: () => void,
): Server {
  const callback = parameters.at(-1);
  if (typeof callback === "function") server.once("listening", callback as () => void);
  const inner = server as Server & { _handle: unknown; _pipeName?: string };
  const handle = new AbsorbedHandle(address, onClose);
  if (address.path !== undefined) {
    inner._pipeName = address.path;
    // net.Server names the path where the handle has no getsockname.
    Object.defineProperty(handle, "getsockname", { value: undefined });
  }
  inner._handle = handle;
  const signal = (parameters[0] as ListenOptions | undefined)?.signal;
  signal?.addEventListener("abort", () => server.close(), { once: true });
  process.nextTick(emitListening, inner);
  return server;
}

function emitListening(server: Server & { _handle: unknown }): void {
  if (server._handle !== null) server.emit("listening");
}

/** The listening of this process's HTTP servers, taken over. One a process. */
export class Takeover {
  /** The server that gets the requests, as soon as one listens. */
  readonly taken: Promise<Server>;
  #resolve: (server: Server) => void = () => {};
  #server: Server | undefined;
  #address: Address | undefined;
  readonly #original: Listen;
  /** The server that was closed while requests may be open, until they are over. */
  #closing: ClosingServer | undefined;
  #released = false;
  /** Called when the application closes the server that gets the requests. */
  onClose: (() => void) | undefined;

  constructor() {
    this.taken = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    const takeover = this;
    const original = patched.listen;
    this.#original = original;
    patched.listen = function listen(...parameters) {
      return isHttpServer(this)
        ? takeover.#listen(this, parameters)
        : original.apply(this, parameters);
    };
  }

  /** The last request is over: a server that the application has closed emits 'close' now, as node:http's does. Returns whether there is one. */
  release(): boolean {
    const server = this.#closing;
    this.#closing = undefined;
    this.#released = true;
    if (server === undefined) return false;
    server._connections -= 1;
    server._emitCloseIfDrained();
    return true;
  }

  /** Gives listen() back to the servers. */
  end(): void {
    patched.listen = this.#original;
  }

  #listen(server: Server, parameters: unknown[]): Server {
    const address = readAddress(parameters);
    if (address === undefined || server.listening || !this.#absorbs(address)) {
      return this.#original.apply(server, parameters);
    }
    if (this.#server === undefined) {
      this.#server = server;
      this.#address = address;
      // After the tick, so that what the application still sets up then is there for the first request.
      process.nextTick(this.#resolve, server);
    }
    return absorb(server, address, parameters, () => this.#closed(server));
  }

  /** The first server, and any other on the same port: frameworks bind both addresses of localhost. */
  #absorbs(address: Address): boolean {
    const taken = this.#address;
    if (taken === undefined) return true;
    return taken.path === undefined && address.path === undefined && taken.port === address.port;
  }

  #closed(server: Server): void {
    if (server !== this.#server) return;
    this.#server = undefined;
    this.#address = undefined;
    if (this.onClose === undefined || this.#released) return;
    // What net.Server counts, and waits for with its 'close' event.
    this.#closing = server as ClosingServer;
    this.#closing._connections += 1;
    this.onClose();
  }
}
