// SPDX-License-Identifier: Apache-2.0
// A hook's questions to the host: ASK, REPLY and the body of a subrequest. Made by run.ts for each exchange of a hook.
import { BodyStream } from "../adapter/body-stream.ts";
import type { Exchange } from "../channel/exchange.ts";
import type { Ask, Reply } from "../wire/hook-message.ts";
import { AskKind } from "../wire/protocol.ts";

/** Body of a subrequest that is kept for its reader when the hook asks for something else meanwhile, bytes. */
const AHEAD_BYTES = 1_048_576;

/** The answer to a question, with the body that follows it. */
export interface Answered {
  readonly reply: Reply;
  readonly body: ReadableStream<Uint8Array> | null;
}

interface Open {
  resolve(answered: Answered): void;
  reject(reason: unknown): void;
}

/** A subrequest that is under way, until the last byte of its body has come. */
class Subrequest {
  readonly over: Promise<void>;
  body: BodyStream | undefined;
  #finish!: () => void;
  #fail!: (reason: unknown) => void;

  constructor() {
    this.over = new Promise((resolve, reject) => {
      this.#finish = resolve;
      this.#fail = reject;
    });
    // Nobody waits for it, as a rule.
    this.over.catch(() => undefined);
  }

  finish(): void {
    this.#finish();
  }

  fail(reason: unknown): void {
    this.#fail(reason);
  }
}

/**
 * The questions of one exchange.
 *
 * Questions are answered in order. One that comes while a subrequest is under way waits for its end; its body is read ahead then.
 */
export class Asking {
  readonly #exchange: Exchange;
  readonly #open: Open[] = [];
  #subrequest: Subrequest | undefined;
  #waiting = 0;
  #closed: unknown;
  #settle: (() => void) | undefined;

  constructor(exchange: Exchange) {
    this.#exchange = exchange;
  }

  /** Whether the body that comes is a subrequest's. */
  get hasBody(): boolean {
    return this.#subrequest?.body !== undefined;
  }

  /** Asks. @throws {TENON_ERR_WIRE_BAD_FIELD} {TENON_ERR_WIRE_TOO_LONG} why the exchange is over */
  async ask(ask: Ask): Promise<Answered> {
    while (this.#subrequest !== undefined) await this.#waitFor(this.#subrequest);
    if (this.#closed !== undefined) throw this.#closed;
    // A filter runs on behind the head of its answer.
    if (this.#exchange.responded) {
      throw new Error(
        "httpd can be asked only before the answer has begun: ask before the first byte",
      );
    }
    this.#exchange.ask(ask);
    if (ask.kind === AskKind.SUBREQUEST) this.#subrequest = new Subrequest();
    return new Promise((resolve, reject) => this.#open.push({ resolve, reject }));
  }

  /** Nothing more may be asked. @returns what settles when all questions have their answers; undefined: now */
  close(reason: unknown): Promise<void> | undefined {
    this.#closed ??= reason;
    if (this.#waiting > 0) this.#subrequest?.fail(reason);
    if (this.#open.length === 0) return undefined;
    return new Promise((resolve) => {
      this.#settle = resolve;
    });
  }

  reply(reply: Reply, ended: boolean): void {
    const open = this.#open.shift();
    const body = ended ? undefined : new BodyStream(this.#exchange, true);
    if (body !== undefined && this.#subrequest !== undefined) this.#subrequest.body = body;
    // Its body begins only now: a subrequest is the last of the questions that are open.
    else if (this.#open.length === 0) this.#endSubrequest();
    open?.resolve({ reply, body: body?.stream ?? null });
    if (this.#waiting > 0) body?.readAhead(AHEAD_BYTES);
    if (this.#open.length === 0) this.#settle?.();
  }

  bodyChunk(chunk: Uint8Array): void {
    const body = this.#subrequest?.body;
    body?.chunk(chunk);
    if (this.#waiting > 0 && body?.tooLong) {
      const text = `read the body of the first subrequest before you ask again: it has more than ${AHEAD_BYTES} bytes`;
      this.#subrequest?.fail(new Error(text));
    }
  }

  bodyEnd(): void {
    this.#subrequest?.body?.end();
    this.#endSubrequest();
  }

  /** The exchange was broken off. */
  aborted(reason: unknown): void {
    this.#closed ??= reason;
    for (const { reject } of this.#open.splice(0)) reject(reason);
    this.#subrequest?.body?.fail(reason);
    this.#subrequest?.fail(reason);
    this.#subrequest = undefined;
    this.#settle?.();
  }

  #endSubrequest(): void {
    this.#subrequest?.finish();
    this.#subrequest = undefined;
  }

  async #waitFor(subrequest: Subrequest): Promise<void> {
    this.#waiting += 1;
    subrequest.body?.readAhead(AHEAD_BYTES);
    try {
      await subrequest.over;
    } finally {
      this.#waiting -= 1;
    }
  }
}
