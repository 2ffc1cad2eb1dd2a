// SPDX-License-Identifier: Apache-2.0
// Applications of the Web standard: export default { fetch(request) }, with Node's own Request and Response.
import { connectionHeaders } from "../channel/connection-headers.ts";
import type { Exchange, ExchangeListener } from "../channel/exchange.ts";
import { markRequest } from "../facts.ts";
import { http } from "../node-http.ts";
import { Fact, LogLevel, WireError } from "../wire/protocol.ts";
import type { Adapter } from "./adapter.ts";
import { fileOfBody, mayBeFile, rememberFileBodies } from "./file-bodies.ts";

/** A default export with a fetch function. */
export interface FetchApplication {
  fetch(request: Request): Response | Promise<Response>;
}

const { STATUS_CODES } = http;

/** Methods that the Fetch standard forbids in a Request. */
const forbiddenMethods: ReadonlySet<string> = new Set(["CONNECT", "TRACE", "TRACK"]);

/** Makes the adapter of a fetch application. */
export function fetchAdapter(application: FetchApplication): Adapter {
  // Node loads its Fetch code when one of these is first touched: before the worker is ready, not in the first request.
  void [globalThis.Request, globalThis.Response, globalThis.ReadableStream];
  void rememberFileBodies();
  return {
    shape: "fetch",
    handle(exchange) {
      void new FetchExchange(exchange).run(application);
    },
  };
}

/** One exchange of a fetch application. */
class FetchExchange implements ExchangeListener {
  readonly #exchange: Exchange;
  readonly #abort = new AbortController();
  #body: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Of the response's body, while it is sent. */
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #wake: (() => void) | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    exchange.listener = this;
  }

  bodyChunk(chunk: Uint8Array): void {
    this.#body?.enqueue(chunk);
    if ((this.#body?.desiredSize ?? 0) > 0) this.#exchange.pull();
  }

  bodyEnd(): void {
    this.#body?.close();
    this.#body = undefined;
  }

  drained(): void {
    this.#wake?.();
  }

  aborted(_error: WireError, text: string): void {
    const reason = new DOMException(text, "AbortError");
    this.#body?.error(reason);
    this.#body = undefined;
    this.#abort.abort(reason);
    // A body that waits for its next piece would never hear of it.
    this.#reader?.cancel(reason).catch(() => undefined);
    this.#wake?.();
  }

  async run(application: FetchApplication): Promise<void> {
    const request = this.#request();
    if (request === undefined) return;
    try {
      await this.#send(await application.fetch(request), request.method === "HEAD");
    } catch (error) {
      this.#fail(error);
    }
  }

  #request(): Request | undefined {
    const { facts } = this.#exchange.request;
    const method = facts[Fact.METHOD] ?? "GET";
    if (forbiddenMethods.has(method)) {
      this.#refuse(501, "this application has no such method\n");
      return undefined;
    }
    try {
      const request = new Request(this.#url(), {
        method,
        headers: this.#headers(),
        body:
          this.#exchange.bodyEnded || method === "GET" || method === "HEAD" ? null : this.#stream(),
        signal: this.#abort.signal,
        duplex: "half",
      });
      markRequest(request, facts);
      return request;
    } catch {
      // The only thing that can be wrong by now is the address: Request refuses what is no URL.
      this.#refuse(400, "the request has no valid URL\n");
      return undefined;
    }
  }

  #url(): string {
    const { facts, rawHeaders: headers } = this.#exchange.request;
    const target = facts[Fact.TARGET] ?? "/";
    if (!target.startsWith("/")) return target === "*" ? `${this.#origin("")}/*` : target;
    let host = "";
    for (let index = 0; index < headers.length; index += 2) {
      if (headers[index]?.toLowerCase() === "host") host = headers[index + 1] ?? "";
    }
    return this.#origin(host) + target;
  }

  #origin(host: string): string {
    const { facts } = this.#exchange.request;
    const scheme = facts[Fact.SCHEME] ?? "http";
    if (host !== "") return `${scheme}://${host}`;
    const name = facts[Fact.SERVER_NAME] ?? "localhost";
    return `${scheme}://${name}:${facts[Fact.LOCAL_PORT] ?? (scheme === "https" ? "443" : "80")}`;
  }

  #headers(): [string, string][] {
    const { rawHeaders: headers } = this.#exchange.request;
    const pairs: [string, string][] = [];
    for (let index = 0; index < headers.length; index += 2) {
      pairs.push([headers[index] ?? "", headers[index + 1] ?? ""]);
    }
    return pairs;
  }

  #stream(): ReadableStream<Uint8Array> {
    const exchange = this.#exchange;
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#body = controller;
        },
        pull: () => exchange.pull(),
        cancel: () => {
          this.#body = undefined;
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: 0 }),
    );
  }

  async #send(response: Response, head: boolean): Promise<void> {
    if (!(response instanceof Response)) {
      throw new TypeError(`fetch() must return a Response, not ${describe(response)}`);
    }
    if (response.status === 0) throw new TypeError("fetch() must not return Response.error()");
    const exchange = this.#exchange;
    const headers: string[] = [];
    for (const [name, value] of response.headers) {
      if (!connectionHeaders.has(name)) headers.push(name, value);
    }
    const { body } = response;
    // Before the head leaves: the host then knows that a file follows, and serves ranges of it.
    const file = head || body === null || !mayBeFile(body) ? undefined : await fileOfBody(body);
    const length = head || body === null ? null : response.headers.get("content-length");
    exchange.respond(
      response.status,
      reasonOf(response),
      headers,
      length === null ? undefined : Number(length),
    );
    if (head || body === null) {
      exchange.end();
      if (body !== null) await body.cancel();
      return;
    }
    if (file !== undefined) {
      exchange.sendFile(file, true);
      exchange.end();
      await body.cancel();
      return;
    }
    await this.#sendBody(body);
  }

  async #sendBody(body: ReadableStream<Uint8Array>): Promise<void> {
    const exchange = this.#exchange;
    const reader = body.getReader();
    this.#reader = reader;
    for (;;) {
      const { value, done } = await reader.read();
      if (exchange.over) {
        await reader.cancel(this.#abort.signal.reason);
        return;
      }
      if (done) {
        exchange.end();
        return;
      }
      if (!(value instanceof Uint8Array)) {
        throw new TypeError(
          `a Response's body must give Uint8Array chunks, not ${describe(value)}`,
        );
      }
      if (!exchange.write(value)) await this.#room();
    }
  }

  /** Waits until the host takes more, or has gone. */
  #room(): Promise<void> {
    if (this.#exchange.over) return Promise.resolve();
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #refuse(status: number, text: string): void {
    this.#exchange.respond(status, "", ["Content-Type", "text/plain; charset=utf-8"]);
    this.#exchange.write(text);
    this.#exchange.end();
  }

  #fail(error: unknown): void {
    const exchange = this.#exchange;
    // An application that gives up because its client has gone has not failed.
    if (exchange.over) return;
    exchange.log(LogLevel.ERROR, `the application's fetch() failed: ${stackOf(error)}`);
    if (exchange.retract()) this.#refuse(500, "Internal Server Error\n");
    else exchange.abort(WireError.APPLICATION, "fetch() failed after the head was sent");
  }
}

/** The reason phrase: the application's, or that of node:http, since the host may know none. */
function reasonOf({ status, statusText }: Response): string {
  if (status === 200 && statusText === "OK") return "";
  return statusText === "" && status !== 200 ? (STATUS_CODES[status] ?? "unknown") : statusText;
}

function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return value.constructor?.name ?? "an object";
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
