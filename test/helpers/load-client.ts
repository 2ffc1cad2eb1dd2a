// SPDX-License-Identifier: Apache-2.0
// Sends very many small requests, each with a number of its own, with little work for this process.
import { connect, type Socket } from "node:net";

/** What is sent. */
export interface LoadOptions {
  readonly port: number;
  /** Path of a small answer with a Content-Length; `?n=<number>` is put behind it. */
  readonly path: string;
  /** What comes behind that, after a `&`. */
  readonly query?: string;
  readonly count: number;
  /** Number of the first request; unset: 0. */
  readonly first?: number;
  /** Connections at once; unset: 16. */
  readonly connections?: number;
  /** Requests on their way at once on each connection; unset: 1. */
  readonly depth?: number;
  /** Called with the number of answers so far. */
  readonly onProgress?: (answered: number) => void;
}

const LENGTH = /\r\ncontent-length: (\d+)/i;

/** Answers of one connection, told apart by their Content-Length. */
class AnswerReader {
  #rest = "";

  /** @returns how many answers came to their end @throws when one is not 200 */
  push(chunk: string): number {
    let text = this.#rest + chunk;
    let count = 0;
    for (;;) {
      const end = text.indexOf("\r\n\r\n");
      if (end < 0) break;
      const length = Number(LENGTH.exec(text.slice(0, end))?.[1]);
      if (!text.startsWith("HTTP/1.1 200") || Number.isNaN(length)) {
        throw new Error(`an answer to the load begins so: ${text.slice(0, end)}`);
      }
      if (text.length < end + 4 + length) break;
      text = text.slice(end + 4 + length);
      count += 1;
    }
    this.#rest = text;
    return count;
  }
}

/** The requests of one load, over all of its connections. */
class Load {
  readonly #options: Required<Pick<LoadOptions, "depth">> & LoadOptions;
  readonly #again: number[] = [];
  #next: number;
  #answered = 0;
  #resent = 0;
  readonly #done: () => void;
  readonly #failed: (error: unknown) => void;
  readonly #sockets = new Set<Socket>();

  constructor(options: LoadOptions, done: () => void, failed: (error: unknown) => void) {
    this.#options = { ...options, depth: options.depth ?? 1 };
    this.#next = options.first ?? 0;
    this.#done = done;
    this.#failed = failed;
  }

  end(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  connect(): void {
    const { port, depth, path, query } = this.#options;
    const more = query === undefined ? "" : `&${query}`;
    const sent: number[] = [];
    const reader = new AnswerReader();
    const socket = connect(port, "127.0.0.1").setEncoding("latin1").setNoDelay(true);
    this.#sockets.add(socket);
    const send = (): void => {
      let text = "";
      while (sent.length < depth) {
        const number = this.#take();
        if (number === undefined) break;
        sent.push(number);
        text += `GET ${path}?n=${number}${more} HTTP/1.1\r\nHost: localhost\r\n\r\n`;
      }
      if (text !== "") socket.write(text);
    };
    socket.on("connect", send);
    socket.on("data", (chunk: string) => {
      try {
        const count = reader.push(chunk);
        if (count === 0) return;
        sent.splice(0, count);
        this.#progress(count);
        send();
      } catch (error) {
        this.#failed(error);
      }
    });
    socket.on("error", () => {});
    // httpd closes connections when it restarts: what it has not answered is asked again.
    socket.on("close", () => {
      this.#sockets.delete(socket);
      this.#again.push(...sent);
      if (!this.#over) this.#resent += sent.length;
      if (!this.#over) this.connect();
    });
  }

  /** How many requests were not answered and sent again. */
  get resent(): number {
    return this.#resent;
  }

  get #over(): boolean {
    return this.#answered >= this.#options.count;
  }

  #take(): number | undefined {
    const { first = 0, count } = this.#options;
    return this.#again.pop() ?? (this.#next < first + count ? this.#next++ : undefined);
  }

  #progress(count: number): void {
    this.#answered += count;
    this.#options.onProgress?.(this.#answered);
    if (this.#over) this.#done();
  }
}

/** Sends all requests and waits for their answers, which must be 200. A request that was not answered is sent again. @returns how many were */
export async function sendLoad(options: LoadOptions): Promise<number> {
  let load: Load | undefined;
  try {
    await new Promise<void>((done, failed) => {
      load = new Load(options, done, failed);
      for (let index = 0; index < (options.connections ?? 16); index++) load.connect();
    });
    return load?.resent ?? 0;
  } finally {
    load?.end();
  }
}
