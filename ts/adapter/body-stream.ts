// SPDX-License-Identifier: Apache-2.0
// A body that comes from the host as a web stream: it is pulled as it is read. Used by fetch.ts and by ts/hooks.
import type { Exchange } from "../channel/exchange.ts";

/** A body on its way from the host. */
export class BodyStream {
  readonly stream: ReadableStream<Uint8Array>;
  readonly #exchange: Exchange;
  readonly #drain: boolean;
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  /** Bytes that may still be taken ahead of who reads; 0: none. */
  #ahead = 0;
  #dropped = false;

  /** @param drain whether the host is to send what the reader has let go of, since it can do nothing else meanwhile */
  constructor(exchange: Exchange, drain: boolean) {
    this.#exchange = exchange;
    this.#drain = drain;
    this.stream = new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          this.#controller = controller;
        },
        pull: () => exchange.pull(),
        cancel: () => {
          this.#controller = undefined;
          this.#dropped = true;
          if (drain) exchange.pull();
        },
      },
      new ByteLengthQueuingStrategy({ highWaterMark: 0 }),
    );
  }

  /** A chunk has come. */
  chunk(chunk: Uint8Array): void {
    const controller = this.#controller;
    controller?.enqueue(chunk);
    if (this.#ahead > 0) this.#ahead = Math.max(0, this.#ahead - chunk.length);
    const wanted =
      controller === undefined ? this.#dropped && this.#drain : this.#wanted(controller);
    if (wanted) this.#exchange.pull();
  }

  /** It has come whole. */
  end(): void {
    this.#controller?.close();
    this.#controller = undefined;
  }

  /** It will not come. */
  fail(reason: unknown): void {
    this.#controller?.error(reason);
    this.#controller = undefined;
  }

  /** Takes up to so many bytes more before somebody reads them. */
  readAhead(bytes: number): void {
    this.#ahead = bytes;
    this.#exchange.pull();
  }

  /** Whether all that might be taken ahead has come, and there is more. */
  get tooLong(): boolean {
    return this.#ahead === 0 && this.#controller !== undefined;
  }

  #wanted({ desiredSize }: ReadableStreamDefaultController<Uint8Array>): boolean {
    return this.#ahead > 0 || (desiredSize ?? 0) > 0;
  }
}
