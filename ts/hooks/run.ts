// SPDX-License-Identifier: Apache-2.0
// One exchange of a hook: calls its function, answers its questions, sends what it returned. Made by runner.ts.
import { BodyStream } from "../adapter/body-stream.ts";
import { ResponseSender, stackOf } from "../adapter/response-sender.ts";
import type { Exchange, ExchangeListener } from "../channel/exchange.ts";
import type { Entry } from "../wire/entries.ts";
import type { Reply } from "../wire/hook-message.ts";
import type { RequestHead } from "../wire/message.ts";
import {
  type AskKind,
  EntryOperation,
  EntryTable,
  Fact,
  LogLevel,
  Phase,
  ResultFlag,
  WireError,
} from "../wire/protocol.ts";
import { type Answered, Asking } from "./asking.ts";
import { type HookLog, logOf } from "./hook-log.ts";
import { callHook, type HookFunction, mayRespond, outcomeOf, takeApart } from "./outcome.ts";
import { HookRequest, type RequestHost } from "./request.ts";
import type { CacheTerms } from "./results.ts";
import type { RequestState, States } from "./state.ts";
import { bytesOf } from "./text.ts";

const RETURNED = "the hook has returned";

/**
 * One exchange of a hook.
 *
 * 1. `start` calls the function; one that returns at once is answered in the same turn of the event loop. 2. While it runs, the host's frames come
 * through the listener. 3. Its result, its Response or its failure ends the exchange.
 */
export class HookRun implements ExchangeListener, RequestHost {
  readonly exchange: Exchange;
  readonly request: HookRequest;
  readonly #head: RequestHead;
  readonly #states: States;
  readonly #name: string;
  /** Who takes the body of the exchange and writes the answer instead of this: a filter. */
  content: ExchangeListener | undefined;
  #asking: Asking | undefined;
  #sender: ResponseSender | undefined;
  #body: BodyStream | undefined;
  #abort: AbortController | undefined;
  #log: HookLog | undefined;
  #aborted: DOMException | undefined;

  /** @param name of the export */
  constructor(exchange: Exchange, name: string, states: States) {
    this.exchange = exchange;
    this.#head = exchange.request;
    this.#states = states;
    this.#name = name;
    this.request = new HookRequest(exchange.request, this);
    exchange.listener = this;
  }

  /** Calls the function. It does not throw. */
  start(hook: HookFunction): void {
    try {
      const returned = callHook(this.#head.phase, hook, this.request);
      if (isThenable(returned)) void this.#wait(returned);
      else this.#finish(returned);
    } catch (error) {
      this.fail(error);
    }
  }

  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#aborted !== undefined) this.#abort.abort(this.#aborted);
    return this.#abort.signal;
  }

  get log(): HookLog {
    this.#log ??= logOf(this.exchange, "");
    return this.#log;
  }

  get stated(): boolean {
    return this.#states.has(this.#id);
  }

  get body(): ReadableStream<Uint8Array> | null {
    if (this.#head.phase !== Phase.HANDLER) return null;
    if (this.#body === undefined) {
      if (this.exchange.bodyEnded) return null;
      this.#body = new BodyStream(this.exchange, false);
    }
    return this.#body.stream;
  }

  state(): RequestState {
    return this.#states.of(this.#id);
  }

  ask(kind: AskKind, text: string, rawHeaders: readonly string[]): Promise<Answered> {
    this.#asking ??= new Asking(this.exchange);
    const changes = HookRequest.take(this.request, undefined);
    if (changes.length > 0) this.exchange.change(changes);
    return this.#asking.ask({ kind, text, rawHeaders });
  }

  bodyChunk(chunk: Uint8Array): void {
    // Body of a subrequest comes only once that of the request itself has come whole.
    if (this.#asking?.hasBody) this.#asking.bodyChunk(chunk);
    else if (this.content !== undefined) this.content.bodyChunk(chunk);
    else this.#body?.chunk(chunk);
  }

  bodyEnd(trailers: readonly string[]): void {
    if (this.#asking?.hasBody) this.#asking.bodyEnd();
    else if (this.content !== undefined) this.content.bodyEnd(trailers);
    else this.#body?.end();
  }

  drained(): void {
    this.#sender?.drained();
    this.content?.drained();
  }

  reply(reply: Reply, ended: boolean): void {
    this.#asking?.reply(reply, ended);
  }

  aborted(error: WireError, text: string): void {
    const reason = new DOMException(text, "AbortError");
    this.#aborted = reason;
    this.#body?.fail(reason);
    this.#asking?.aborted(reason);
    this.#sender?.aborted(reason);
    this.#abort?.abort(reason);
    this.content?.aborted(error, text);
    HookRequest.take(this.request, text);
  }

  /** Breaks the exchange off: the host does what is configured for a hook that fails. */
  fail(error: unknown): void {
    const { exchange } = this;
    HookRequest.take(this.request, RETURNED);
    // A hook that gives up because its client has gone has not failed.
    if (exchange.over) return;
    exchange.log(LogLevel.ERROR, `the hook ${this.#name} failed: ${stackOf(error)}`);
    exchange.retract();
    exchange.abort(WireError.APPLICATION, `the hook ${this.#name} failed`);
  }

  get #id(): string {
    return this.#head.facts[Fact.REQUEST_ID] ?? "";
  }

  async #wait(returned: PromiseLike<unknown>): Promise<void> {
    try {
      this.#finish(await returned);
    } catch (error) {
      this.fail(error);
    }
  }

  #finish(returned: unknown): void {
    if (this.exchange.over) return;
    const open = this.#asking?.close(new Error(RETURNED));
    if (open === undefined) this.#conclude(returned);
    else void this.#wait(open.then(() => returned));
  }

  #conclude(returned: unknown): void {
    const { result, cache } = takeApart(returned);
    const { phase } = this.#head;
    if (typeof result === "object" && mayRespond(phase) && result instanceof Response) {
      if (cache !== undefined) throw new TypeError("a Response cannot be kept: cache a number");
      this.#respond(result);
      return;
    }
    const { code, value } = outcomeOf(phase, this.#name, result, this.request);
    this.result(code, value === undefined ? [] : [recordEntry("value", value)], cache);
  }

  /** Ends the exchange with a code, and with all that the hook has changed. @param entries more changes @throws what Exchange.result throws */
  result(code: number, entries: readonly Entry[], cache?: CacheTerms | undefined): void {
    const changes = HookRequest.take(this.request, RETURNED);
    this.exchange.result({
      code,
      flags: this.stated ? ResultFlag.STATE : 0,
      ttl: cache?.ttl ?? 0,
      vary: cache === undefined ? [] : cache.vary.map(bytesOf),
      entries: entries.length === 0 ? changes : [...changes, ...entries],
    });
  }

  /** For a filter: settles when nothing is asked any more; what it has changed by then goes before its answer. */
  async conclude(): Promise<void> {
    const open = this.#asking?.close(new Error(RETURNED));
    if (open !== undefined) await open;
    this.#changeBeforeAnswer();
  }

  /** What RESULT would say with a code goes before an answer. */
  #changeBeforeAnswer(): void {
    const changes = HookRequest.take(this.request, RETURNED);
    const stated = this.stated ? [recordEntry("state", "1")] : [];
    if (changes.length + stated.length > 0) this.exchange.change([...changes, ...stated]);
  }

  #respond(response: Response): void {
    this.#changeBeforeAnswer();
    this.#sender = new ResponseSender(this.exchange);
    const head = this.#head.facts[Fact.METHOD] === "HEAD";
    this.#sender.send(response, head, this.#name).catch((error) => this.fail(error));
  }
}

function recordEntry(name: string, value: string): Entry {
  return {
    operation: EntryOperation.SET,
    table: EntryTable.RECORD,
    name,
    value: bytesOf(value),
  };
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
