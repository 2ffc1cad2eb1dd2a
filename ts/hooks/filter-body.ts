// SPDX-License-Identifier: Apache-2.0
// Bodies of filters: what comes as a stream by demand, and what a filter made of it as chunks.
import type { Exchange } from "../channel/exchange.ts";
import type { FilterBody, FilterTransform } from "./filter-types.ts";

type Chunk = Uint8Array | string;

/** The body of an exchange as a stream that asks the host for more when it is read. */
export class IncomingBody {
  readonly stream: ReadableStream<Uint8Array>;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #touched = false;

  constructor(exchange: Exchange) {
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => {
          this.#touched = true;
          exchange.pullAll();
        },
        cancel: () => {
          this.#touched = true;
          this.#controller = undefined;
        },
      },
      // With any room of its own it would ask before somebody reads.
      new ByteLengthQueuingStrategy({ highWaterMark: 0 }),
    );
    if (exchange.bodyEnded) this.end();
  }

  /** Whether somebody has read of it, or has let it go. */
  get touched(): boolean {
    return this.#touched || this.stream.locked;
  }

  push(chunk: Uint8Array): void {
    this.#controller?.enqueue(chunk);
  }

  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  fail(reason: unknown): void {
    this.#controller?.error(reason);
    this.#controller = undefined;
  }

  /** Lets go of what is left of it. */
  drop(): void {
    if (!this.stream.locked) this.stream.cancel().catch(() => undefined);
    this.#controller = undefined;
  }
}

/** Whether a value is a transform. */
export function isTransform(value: unknown): value is FilterTransform {
  return (
    typeof value === "object" &&
    value !== null &&
    "writable" in value &&
    "readable" in value &&
    value.writable instanceof WritableStream &&
    value.readable instanceof ReadableStream
  );
}

/** Whether a value is a body. */
export function isBody(value: unknown): value is FilterBody {
  if (typeof value === "string" || value instanceof Uint8Array) return true;
  if (typeof value !== "object" || value === null) return false;
  return (
    value instanceof ReadableStream || Symbol.asyncIterator in value || Symbol.iterator in value
  );
}

/** The bytes of a body that is there whole; undefined for one that is made piece by piece. */
export function lengthOf(body: FilterBody): number | undefined {
  if (typeof body === "string") return Buffer.byteLength(body);
  return body instanceof Uint8Array ? body.length : undefined;
}

/** The chunks of a body, one by one. `return` of it lets the body go. */
export function chunksOf(body: FilterBody): AsyncIterator<Chunk> | Iterator<Chunk> {
  if (typeof body === "string" || body instanceof Uint8Array) return [body][Symbol.iterator]();
  if (Symbol.asyncIterator in body) return body[Symbol.asyncIterator]();
  return body[Symbol.iterator]();
}
