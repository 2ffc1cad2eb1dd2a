// SPDX-License-Identifier: Apache-2.0
// A batch of the log phase: an exchange whose body is a sequence of REQUEST frames, each the record of a request that is over. Made by runner.ts.
import { stackOf } from "../adapter/response-sender.ts";
import type { Exchange, ExchangeListener } from "../channel/exchange.ts";
import { fail } from "../errors.ts";
import { frameTypeName } from "../wire/frame.ts";
import { decodeRequest, type RequestHead } from "../wire/message.ts";
import { Fact, FrameType, Phase, WireError } from "../wire/protocol.ts";
import { FrameReader } from "../wire/reader.ts";
import { wireErrorNumber, wireFail } from "../wire/wire-error.ts";
import type { Answered } from "./asking.ts";
import type { HookExports } from "./exports.ts";
import { type HookLog, logOf } from "./hook-log.ts";
import type { HookFunction } from "./outcome.ts";
import { HookRequest, type RequestHost } from "./request.ts";
import { OK } from "./results.ts";
import type { RequestState, States } from "./state.ts";

const OVER = "the request is over";
/** Hooks of one batch that run at once: one that writes to a database should not open hundreds of connections. */
const AT_ONCE = 32;

/** The request of one record. It can only be read. */
class LoggedRequest implements RequestHost {
  readonly id: string;
  readonly request: HookRequest;
  readonly log: HookLog;
  readonly body: null = null;
  readonly #states: States;
  #lost: RequestState | undefined;

  constructor(head: RequestHead, exchange: Exchange, states: States) {
    this.id = head.facts[Fact.REQUEST_ID] ?? "";
    this.log = logOf(exchange, `[#${this.id}] `);
    this.#states = states;
    this.request = new HookRequest(head, this);
    HookRequest.take(this.request, OVER);
  }

  get signal(): AbortSignal {
    return new AbortController().signal;
  }

  get stated(): boolean {
    return this.#states.has(this.id);
  }

  /** What is not held is not made: nobody would be told to let go of it. */
  state(): RequestState {
    if (this.stated) return this.#states.of(this.id);
    this.#lost ??= {};
    return this.#lost;
  }

  ask(): Promise<Answered> {
    return Promise.reject(fail("TENON_ERR_HOOK_OVER", { reason: OVER }));
  }
}

function isThenable(value: unknown): boolean {
  return typeof value === "object" && value !== null && "then" in value;
}

/** A record whose hook is to run. */
interface Waiting {
  readonly name: string;
  readonly hook: HookFunction;
  readonly head: RequestHead;
}

/** One batch. RESULT acknowledges it when the hooks of all its records have returned; one that fails counts as done, since it would fail again. */
export class LogBatch implements ExchangeListener {
  readonly #exchange: Exchange;
  readonly #exports: HookExports;
  readonly #states: States;
  readonly #reader = new FrameReader();
  /** From `#next` on still to be begun. */
  readonly #records: Waiting[] = [];
  #next = 0;
  /** Requests of which nothing more comes: their state goes when the batch is done, since its records may be of them. */
  readonly #ended: string[] = [];
  #running = 0;
  #beginning = false;
  #whole = false;
  /** Why the batch is refused, once its body has come: a host that still sends might not hear of it. */
  #refused: { readonly error: unknown } | undefined;

  constructor(exchange: Exchange, exports: HookExports, states: States) {
    this.#exchange = exchange;
    this.#exports = exports;
    this.#states = states;
  }

  /** Takes the records as they come. */
  start(): void {
    this.#exchange.listener = this;
    if (this.#exchange.bodyEnded) this.bodyEnd();
    else this.#exchange.pull();
  }

  bodyChunk(chunk: Uint8Array): void {
    const reader = this.#reader;
    try {
      if (this.#refused === undefined) {
        reader.push(Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length));
        while (reader.next()) this.#take();
      }
    } catch (error) {
      this.#refused = { error };
    }
    this.#exchange.pull();
    this.#begin();
  }

  bodyEnd(): void {
    this.#whole = true;
    if (!this.#reader.empty)
      this.#refused ??= { error: wireFail(WireError.TRUNCATED, "a batch of the log") };
    if (this.#refused !== undefined) this.#refuse(this.#refused.error);
    else this.#begin();
  }

  drained(): void {}

  aborted(): void {}

  #take(): void {
    const { type, buffer, start, end } = this.#reader;
    if (type !== FrameType.REQUEST) throw wireFail(WireError.BAD_PAYLOAD, frameTypeName(type));
    const head = decodeRequest(buffer, start, end);
    if (head.phase !== Phase.LOG_TRANSACTION) {
      throw wireFail(WireError.BAD_PAYLOAD, `a record of the phase ${head.phase}`);
    }
    const name = head.facts[Fact.EXPORT];
    if (name === undefined) this.#ended.push(head.facts[Fact.REQUEST_ID] ?? "");
    else this.#records.push({ name, hook: this.#exports.get(name, head.phase), head });
  }

  /** Runs hooks, as many at once as may be, and acknowledges behind the last. */
  #begin(): void {
    // A hook that does not wait ends within the loop.
    if (this.#beginning) return;
    this.#beginning = true;
    while (this.#running < AT_ONCE && !this.#exchange.over && this.#refused === undefined) {
      const record = this.#records[this.#next];
      if (record === undefined) break;
      this.#next += 1;
      this.#run(record);
    }
    this.#beginning = false;
    if (this.#whole && this.#running === 0 && !this.#exchange.over) this.#acknowledge();
  }

  #run({ name, hook, head }: Waiting): void {
    const logged = new LoggedRequest(head, this.#exchange, this.#states);
    const failed = (error: unknown): void => {
      logged.log.error(`the hook ${name} failed: ${stackOf(error)}`);
    };
    try {
      const returned: unknown = hook(logged.request);
      // Most write somewhere and return at once: a promise for each would cost more than they do.
      if (!isThenable(returned)) return;
      this.#running += 1;
      void Promise.resolve(returned)
        .catch(failed)
        .finally(() => {
          this.#running -= 1;
          this.#begin();
        });
    } catch (error) {
      failed(error);
    }
  }

  #acknowledge(): void {
    for (const id of this.#ended) this.#states.forget(id);
    this.#exchange.result({ code: OK, flags: 0, ttl: 0, vary: [], entries: [] });
  }

  /** A batch that cannot be read, or names a hook that there is not: the host keeps it. */
  #refuse(error: unknown): void {
    const number = wireErrorNumber(error) ?? WireError.APPLICATION;
    const text = error instanceof Error ? error.message : String(error);
    this.#exchange.abort(number, text);
  }
}
