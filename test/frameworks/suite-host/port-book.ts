// SPDX-License-Identifier: Apache-2.0
// Which server of a test file has which of httpd's ports. Used by application.ts, inside a worker.
import { Server } from "node:http";
import { Server as NetServer } from "node:net";
import { type Address, absorb, readAddress } from "../../../ts/adapter/server.ts";

/** A server that a test file made, as long as it listens. */
export interface Listener {
  readonly server: Server;
  /** Counts the listeners of the process. */
  readonly serial: number;
  readonly host: string;
  readonly port: number;
}

type Listen = (this: Server, ...parameters: unknown[]) => Server;

const patched = Server.prototype as unknown as { listen: Listen };

function familyOf(host: string): "IPv4" | "IPv6" | "both" {
  if (host === "::") return "both";
  return host.includes(":") ? "IPv6" : "IPv4";
}

function overlap(one: string, other: string): boolean {
  const families = [familyOf(one), familyOf(other)];
  return families.includes("both") || families[0] === families[1];
}

/**
 * The listening of a test file's HTTP servers: each gets a port on which httpd listens already, and gives it back when it closes. What
 * names a port that is not httpd's, or no port, listens by itself as under plain Node.
 */
export class PortBook {
  readonly #ports: ReadonlySet<number>;
  /** The one that has been free for longest comes first: a client of the server before may still hold a connection. */
  readonly #free: number[];
  readonly #listeners = new Set<Listener>();
  #serial = 0;

  /** @param ports on which httpd listens for this worker */
  constructor(ports: readonly number[]) {
    this.#ports = new Set(ports);
    this.#free = [...ports];
  }

  /** Takes over http.Server's listen() for good. */
  install(): void {
    const book = this;
    patched.listen = function listen(...parameters) {
      const { listen: netListen } = NetServer.prototype as unknown as { listen: Listen };
      const address = readAddress(parameters);
      const ours =
        address !== undefined &&
        address.path === undefined &&
        !this.listening &&
        (address.port === 0 || book.#ports.has(address.port));
      return ours ? book.#listen(this, address, parameters) : netListen.apply(this, parameters);
    };
  }

  /** Who listens where a request came in. */
  find(address: string | undefined, port: number): Listener | undefined {
    for (const listener of this.#listeners) {
      if (listener.port === port && overlap(listener.host, address ?? "::")) return listener;
    }
    return undefined;
  }

  /** Closes what a test file has left open. */
  closeAll(): void {
    for (const { server } of this.#listeners) server.close();
  }

  #listen(server: Server, address: Address, parameters: readonly unknown[]): Server {
    const { host } = address;
    const port = address.port === 0 ? this.#free.shift() : address.port;
    if (port === undefined) throw new Error("the suite needs more ports than httpd has for it");
    if (this.#taken(host, port)) {
      const where = `${host}:${port}`;
      const error = new Error(`listen EADDRINUSE: address already in use ${where}`);
      const facts = { code: "EADDRINUSE", syscall: "listen", address: host, port };
      process.nextTick(() => server.emit("error", Object.assign(error, facts)));
      return server;
    }
    const index = this.#free.indexOf(port);
    if (index >= 0) this.#free.splice(index, 1);
    this.#serial += 1;
    const listener = { server, serial: this.#serial, host, port };
    this.#listeners.add(listener);
    return absorb(server, { path: undefined, host, port }, parameters, () => this.#leave(listener));
  }

  #taken(host: string, port: number): boolean {
    return [...this.#listeners].some(
      (listener) => listener.port === port && overlap(listener.host, host),
    );
  }

  #leave(listener: Listener): void {
    this.#listeners.delete(listener);
    if (![...this.#listeners].some(({ port }) => port === listener.port))
      this.#free.push(listener.port);
  }
}
