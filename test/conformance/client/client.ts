// SPDX-License-Identifier: Apache-2.0
// The client of one run of a case: a socket that sends exact bytes and reads exact answers.
import { once } from "node:events";
import net from "node:net";
import tls from "node:tls";
import { type Ask, CASE_HEADER, type Case } from "../case.ts";
import { deferred } from "../deferred.ts";
import type { Run } from "../observer.ts";
import { type RawAnswer, readAnswer } from "./answer.ts";

/** What stands for an answer when the connection ended before the head of one had come. */
const NO_ANSWER: RawAnswer = {
  status: 0,
  reason: "",
  headers: [],
  body: "",
  trailers: [],
  interim: [],
  whole: false,
};

/** The name by which a host tells setups apart. */
export function hostName(setup: string): string {
  return `${setup}.test`;
}

/** One connection to a host on loopback. */
class Connection {
  readonly #socket: net.Socket;
  readonly #pieces: Buffer[] = [];
  #text = "";
  #from = 0;
  #ended = false;
  #wake: () => void = () => {};

  constructor(port: number, secure: boolean) {
    const options = { port, host: "127.0.0.1", allowHalfOpen: true };
    this.#socket = secure
      ? tls.connect({ ...options, rejectUnauthorized: false, servername: "localhost" })
      : net.connect(options);
    this.#socket.on("data", (piece) => {
      this.#pieces.push(piece);
      this.#wake();
    });
    const end = (): void => {
      this.#ended = true;
      this.#wake();
    };
    this.#socket.on("end", end).on("close", end).on("error", end);
  }

  get localPort(): number | undefined {
    return this.#socket.localPort;
  }

  async connected(): Promise<void> {
    if (this.#socket.connecting) await once(this.#socket, "connect");
  }

  write(bytes: string): void {
    this.#socket.write(bytes, "latin1");
  }

  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  reset(): void {
    this.#socket.resetAndDestroy();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Waits until `done` gives something of the text that has come; at the connection's end it is asked once more. */
  async until<T>(done: (text: string, ended: boolean) => T | undefined): Promise<T | undefined> {
    for (;;) {
      const { promise, resolve } = deferred();
      this.#wake = resolve;
      this.#text += Buffer.concat(this.#pieces.splice(0)).toString("latin1");
      const ended = this.#ended;
      const found = done(this.#text, ended);
      if (found !== undefined || ended) return found;
      await promise;
    }
  }

  async answer(method: string): Promise<RawAnswer> {
    const got = await this.until((text, ended) => {
      const parsed = readAnswer(text, this.#from, method, ended);
      return parsed === undefined || !(parsed.answer.whole || ended) ? undefined : parsed;
    });
    if (got === undefined) return NO_ANSWER;
    this.#from = got.end;
    return got.answer;
  }

  /** What has come behind the answers that were read. */
  get rest(): string {
    return this.#text.slice(this.#from);
  }
}

/** The client of one run. Its connection opens with the first use. */
export class Client {
  readonly answers: RawAnswer[] = [];
  readonly notes: unknown[] = [];
  readonly #case: Case;
  readonly #run: Run;
  readonly #port: number;
  #connection: Connection | undefined;
  readonly #past: Connection[] = [];

  constructor(of: Case, run: Run, port: number) {
    this.#case = of;
    this.#run = run;
    this.#port = port;
  }

  get #open(): Connection {
    this.#connection ??= new Connection(this.#port, this.#case.tls === true);
    return this.#connection;
  }

  /** Port of the host's that the client connects to. */
  get remotePort(): number {
    return this.#port;
  }

  /** The client's own port. */
  async localPort(): Promise<number> {
    await this.#open.connected();
    return this.#open.localPort ?? 0;
  }

  /** Leaves the connection open as it is and takes another from now on. */
  anotherConnection(): void {
    if (this.#connection !== undefined) this.#past.push(this.#connection);
    this.#connection = undefined;
  }

  /** The text of a request. */
  text(ask: Ask): string {
    const { method = "GET", target = "/", version = "1.1", headers = [], body = "" } = ask;
    const lines = [`${method} ${target} HTTP/${version}`];
    const host = ask.host === undefined ? hostName(this.#case.setup) : ask.host;
    if (host !== null) lines.push(`Host: ${host}`);
    lines.push(`${CASE_HEADER}: ${this.#case.id} ${this.#run.id}`, ...headers);
    const measured = headers.some((line) => /^(content-length|transfer-encoding)\s*:/i.test(line));
    if (body !== "" && !measured) lines.push(`Content-Length: ${body.length}`);
    return `${lines.join("\r\n")}\r\n\r\n${body}`;
  }

  /** Sends a request, or bytes (latin-1). */
  send(what: Ask | string): void {
    this.#open.write(typeof what === "string" ? what : this.text(what));
  }

  /** Reads the next final answer; it becomes part of the observation. @param method of the request that it belongs to */
  async answer(method = "GET"): Promise<RawAnswer> {
    const answer = await this.#open.answer(method);
    this.answers.push(answer);
    return answer;
  }

  async ask(ask: Ask): Promise<RawAnswer> {
    this.send(ask);
    return this.answer(ask.method ?? "GET");
  }

  /** Waits for bytes that hold a text. @returns whether they came before the connection ended */
  async until(part: string): Promise<boolean> {
    return (await this.#open.until((text) => text.includes(part) || undefined)) ?? false;
  }

  /** Waits for the connection's end. */
  async ended(): Promise<void> {
    await this.#open.until(() => undefined);
  }

  /** Waits for bytes behind the answers that were read, and gives all there are then. */
  async bytes(part: string): Promise<string> {
    await this.#open.until(() => this.#open.rest.includes(part) || undefined);
    return this.#open.rest;
  }

  /** Ends the client's side of the connection. */
  end(): void {
    this.#open.end();
  }

  destroy(): void {
    this.#open.destroy();
  }

  /** Ends the connection with RST. */
  reset(): void {
    this.#open.reset();
  }

  /** Reads no more until `resume`. */
  pause(): void {
    this.#open.pause();
  }

  resume(): void {
    this.#open.resume();
  }

  /** Waits until the application has noted this. @param times how often; unset: once */
  saw(event: string, times = 1): Promise<void> {
    return this.#run.saw(event, times);
  }

  /** Lets the application's `seen.signal` of this word go on. */
  signal(word: string): void {
    this.#run.signal(word);
  }

  /** Notes what the client has seen beside answers. */
  note(event: string, value?: unknown): void {
    this.notes.push(value === undefined ? event : [event, value]);
  }

  close(): void {
    for (const connection of this.#past) connection.destroy();
    this.#connection?.destroy();
  }
}
