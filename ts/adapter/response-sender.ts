// SPDX-License-Identifier: Apache-2.0
// Sends a web Response as the answer of an exchange: head, body as it comes, files by their descriptor. Used by fetch.ts and by ts/hooks.
import { fileURLToPath } from "node:url";
import { connectionHeaders } from "../channel/connection-headers.ts";
import type { Exchange } from "../channel/exchange.ts";
import { http } from "../node-http.ts";
import { fileOfBody, mayBeFile } from "./file-bodies.ts";

const { STATUS_CODES } = http;

const ownFolder = fileURLToPath(new URL("..", import.meta.url));

/** Sends one Response. Who owns it passes on what the exchange tells its listener. */
export class ResponseSender {
  readonly #exchange: Exchange;
  /** Of the response's body, while it is sent. */
  #reader: ReadableStreamDefaultReader<Uint8Array> | undefined;
  #wake: (() => void) | undefined;
  #reason: unknown;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** The exchange has room again. */
  drained(): void {
    this.#wake?.();
  }

  /** The exchange is over, although nothing was ended here. */
  aborted(reason: unknown): void {
    this.#reason = reason;
    // A body that waits for its next piece would never hear of it.
    this.#reader?.cancel(reason).catch(() => undefined);
    this.#wake?.();
  }

  /**
   * Sends a response to its end.
   * @param what who returned it, for the message of an error @param head the request is HEAD: there is no body
   * @throws {TypeError} when it is no Response, or its body gives something else than bytes; what its body throws
   */
  async send(response: Response, head: boolean, what: string): Promise<void> {
    if (!(response instanceof Response)) {
      throw new TypeError(`${what} must return a Response, not ${describe(response)}`);
    }
    if (response.status === 0) throw new TypeError(`${what} must not return Response.error()`);
    const exchange = this.#exchange;
    const { body } = response;
    // Before the head leaves: the host then knows that a file follows, and serves ranges of it.
    const file = head || body === null || !mayBeFile(body) ? undefined : await fileOfBody(body);
    const length = head || body === null ? null : response.headers.get("content-length");
    exchange.respond(
      response.status,
      reasonOf(response),
      headersOf(response),
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
        await reader.cancel(this.#reason);
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
}

function headersOf(response: Response): string[] {
  const headers: string[] = [];
  for (const [name, value] of response.headers) {
    if (!connectionHeaders.has(name)) headers.push(name, value);
  }
  return headers;
}

/** The reason phrase: the application's, or that of node:http, since the host may know none. */
function reasonOf({ status, statusText }: Response): string {
  if (status === 200 && statusText === "OK") return "";
  return statusText === "" && status !== 200 ? (STATUS_CODES[status] ?? "unknown") : statusText;
}

/** A value by its kind, for messages. */
export function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return value.constructor?.name ?? "an object";
}

/** What was thrown, with where: without the frames of Tenon and Node that led to the application. */
export function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const lines = (error.stack ?? error.message).split("\n");
  const last = lines.findLastIndex((line) => {
    return !(line.startsWith("    at ") && (line.includes(ownFolder) || line.includes("node:")));
  });
  return lines.slice(0, last + 1).join("\n");
}
