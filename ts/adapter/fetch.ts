// SPDX-License-Identifier: Apache-2.0
// Applications of the Web standard: export default { fetch(request) }, with Node's own Request and Response.
import type { Exchange, ExchangeListener } from "../channel/exchange.ts";
import { markRequest } from "../facts.ts";
import { Fact, LogLevel, WireError } from "../wire/protocol.ts";
import type { Adapter } from "./adapter.ts";
import { BodyStream } from "./body-stream.ts";
import { rememberFileBodies } from "./file-bodies.ts";
import { ResponseSender, stackOf } from "./response-sender.ts";

/** A default export with a fetch function. */
export interface FetchApplication {
  fetch(request: Request): Response | Promise<Response>;
}

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
  readonly #sender: ResponseSender;
  #body: BodyStream | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
    this.#sender = new ResponseSender(exchange);
    exchange.listener = this;
  }

  bodyChunk(chunk: Uint8Array): void {
    this.#body?.chunk(chunk);
  }

  bodyEnd(): void {
    this.#body?.end();
  }

  drained(): void {
    this.#sender.drained();
  }

  aborted(_error: WireError, text: string): void {
    const reason = new DOMException(text, "AbortError");
    this.#body?.fail(reason);
    this.#abort.abort(reason);
    this.#sender.aborted(reason);
  }

  async run(application: FetchApplication): Promise<void> {
    const request = this.#request();
    if (request === undefined) return;
    try {
      const response = await application.fetch(request);
      await this.#sender.send(response, request.method === "HEAD", "fetch()");
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
    this.#body = new BodyStream(this.#exchange, false);
    return this.#body.stream;
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
