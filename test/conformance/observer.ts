// SPDX-License-Identifier: Apache-2.0
// The runner's end of the wire to the applications: they connect to it beside the host under test, tell what they see as it happens, and are
// given signals. Lines of JSON over TCP on loopback.
import { once } from "node:events";
import { createServer, type Server, type Socket } from "node:net";
import { createInterface } from "node:readline";
import { deferred } from "./deferred.ts";
import type { SetupName } from "./setups.ts";

/** What an application says. */
export type FromApplication =
  | { readonly hello: SetupName; readonly port: number; readonly tlsPort: number }
  | { readonly run: number; readonly note: unknown }
  | { readonly run: number; readonly state: "called" | "done" }
  | { readonly flushed: number };

/** What an application is told. */
export type ToApplication =
  | { readonly flush: number }
  | { readonly run: number; readonly signal: string };

/** An application that has connected. */
export interface Application {
  readonly socket: Socket;
  /** Where it listens by itself, 0 under a host that listens for it. */
  readonly port: number;
  readonly tlsPort: number;
}

function tell(socket: Socket, message: ToApplication): void {
  socket.write(`${JSON.stringify(message)}\n`);
}

/** One run of a case, as its application sees it. */
export class Run {
  readonly id: number;
  readonly notes: unknown[] = [];
  #called = false;
  #done = false;
  readonly #application: Application;
  readonly #signal: AbortSignal;
  #wake: () => void = () => {};

  constructor(id: number, application: Application, signal: AbortSignal) {
    this.id = id;
    this.#application = application;
    this.#signal = signal;
    signal.addEventListener("abort", () => this.#wake());
  }

  /** Whether the application was called. */
  get called(): boolean {
    return this.#called;
  }

  take(message: FromApplication): void {
    if ("note" in message) this.notes.push(message.note);
    else if ("state" in message && message.state === "called") this.#called = true;
    else if ("state" in message) this.#done = true;
    this.#wake();
  }

  async saw(event: string, times: number): Promise<void> {
    const is = (note: unknown): boolean => (Array.isArray(note) ? note[0] : note) === event;
    await this.#until(`the application's "${event}"`, () => this.notes.filter(is).length >= times);
  }

  signal(word: string): void {
    tell(this.#application.socket, { run: this.id, signal: word });
  }

  /** Waits until the application has done with it, or was never called. @param flushed settles when all that it has said is here */
  async settled(flushed: Promise<void>): Promise<void> {
    await flushed;
    if (this.#called) await this.#until("the application's end", () => this.#done);
  }

  async #until(what: string, done: () => boolean): Promise<void> {
    while (!done()) {
      if (this.#signal.aborted) {
        throw new Error(`waited for ${what} in vain; it saw ${JSON.stringify(this.notes)}`);
      }
      const { promise, resolve } = deferred();
      this.#wake = resolve;
      await promise;
    }
  }
}

/** Listens for applications. One a host. */
export class Observer {
  readonly #server: Server;
  readonly #applications = new Map<SetupName, Application>();
  readonly #sockets = new Set<Socket>();
  readonly #runs = new Map<number, Run>();
  readonly #flushes = new Map<number, () => void>();
  #count = 0;
  #wake: () => void = () => {};

  private constructor(server: Server) {
    this.#server = server;
    server.on("connection", (socket) => this.#take(socket));
  }

  static async listen(): Promise<Observer> {
    const server = createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Observer(server);
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
    return address.port;
  }

  /** Waits until the applications of these setups have connected. @throws the signal's reason */
  async connected(setups: readonly SetupName[], signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wake());
    for (;;) {
      const missing = setups.filter((setup) => !this.#applications.has(setup));
      if (missing.length === 0) return;
      if (signal.aborted) throw new Error(`no application of ${missing.join(", ")}`);
      const { promise, resolve } = deferred();
      this.#wake = resolve;
      await promise;
    }
  }

  application(setup: SetupName): Application {
    const application = this.#applications.get(setup);
    if (application === undefined) throw new Error(`no application of ${setup}`);
    return application;
  }

  /** Begins a run. @param signal ends all its waiting */
  begin(setup: SetupName, signal: AbortSignal): Run {
    this.#count += 1;
    const run = new Run(this.#count, this.application(setup), signal);
    this.#runs.set(run.id, run);
    return run;
  }

  /** Settles when all that the application has said up to now is here. */
  flushed(setup: SetupName): Promise<void> {
    this.#count += 1;
    const { promise, resolve } = deferred();
    this.#flushes.set(this.#count, resolve);
    tell(this.application(setup).socket, { flush: this.#count });
    return promise;
  }

  close(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #take(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on("error", () => undefined).on("close", () => this.#sockets.delete(socket));
    createInterface({ input: socket }).on("line", (line) => {
      const message = JSON.parse(line) as FromApplication;
      if ("hello" in message) {
        const { port, tlsPort } = message;
        this.#applications.set(message.hello, { socket, port, tlsPort });
        this.#wake();
      } else if ("flushed" in message) {
        this.#flushes.get(message.flushed)?.();
        this.#flushes.delete(message.flushed);
      } else {
        this.#runs.get(message.run)?.take(message);
      }
    });
  }
}
