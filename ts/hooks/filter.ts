// SPDX-License-Identifier: Apache-2.0
// Runs filters: the phases OUTPUT_FILTER and INPUT_FILTER. The body that comes is a stream by credit, what the filter makes of it leaves as it is taken.
import type { Exchange, ExchangeListener } from "../channel/exchange.ts";
import type { Entry } from "../wire/entries.ts";
import { EntryOperation, EntryTable, Fact, Phase, type WireError } from "../wire/protocol.ts";
import { chunksOf, IncomingBody, isBody, isTransform, lengthOf } from "./filter-body.ts";
import { changesOf, OutgoingHeaders } from "./filter-headers.ts";
import type {
  FilterableResponse,
  FilterBody,
  FilteredResponse,
  FilterTransform,
} from "./filter-types.ts";
import type { HookFunction } from "./outcome.ts";
import type { HookRun } from "./run.ts";

const OK = 0;

/** What a filter has decided. */
interface Decision {
  readonly response: FilteredResponse;
  readonly body: FilterBody;
}

/** The body's side of a filter: the rest of its exchange is its HookRun's. */
export class FilterRun implements ExchangeListener {
  readonly #run: HookRun;
  readonly #exchange: Exchange;
  readonly #body: IncomingBody;
  #chunks: ReturnType<typeof chunksOf> | undefined;
  #wake: (() => void) | undefined;

  constructor(run: HookRun) {
    this.#run = run;
    this.#exchange = run.exchange;
    this.#body = new IncomingBody(run.exchange);
    run.content = this;
  }

  bodyChunk(chunk: Uint8Array): void {
    this.#body.push(chunk);
  }

  bodyEnd(): void {
    this.#body.end();
  }

  drained(): void {
    this.#wake?.();
  }

  aborted(_error: WireError, text: string): void {
    const reason = new DOMException(text, "AbortError");
    this.#body.fail(reason);
    this.#release();
    this.#wake?.();
  }

  /** Runs a filter to its end. It does not throw. */
  async start(filter: HookFunction): Promise<void> {
    try {
      if (this.#exchange.request.phase === Phase.OUTPUT_FILTER) await this.#runOutput(filter);
      else await this.#runInput(filter);
    } catch (error) {
      this.#release();
      this.#run.fail(error);
      this.#body.drop();
    }
  }

  async #runOutput(filter: HookFunction): Promise<void> {
    const { entries } = this.#exchange.request;
    const headers = new OutgoingHeaders(entries);
    const status = Number(recordOf(entries, "status") ?? "200");
    const hasBody = mayHaveBody(status, this.#exchange);
    const response: FilterableResponse = {
      status,
      headers: headers.given,
      body: hasBody ? this.#body.stream : null,
    };
    const result = await filter(this.#run.request, response);
    await this.#run.conclude();
    if (this.#exchange.over) return;
    const decision = this.#decide(result, hasBody);
    if (decision === undefined) {
      const code = typeof result === "number" ? result : OK;
      const answer = isResponse(result) ? result : {};
      if (code !== OK || (answer.status ?? status) === status) {
        this.#leaveBody(code, code === OK ? changesOf(headers, answer.headers) : []);
        return;
      }
    }
    const { response: answer, body } = decision ?? {
      response: result as FilteredResponse,
      body: "",
    };
    const length = hasBody ? lengthOf(body) : undefined;
    const fields = headers.filtered(answer, decision !== undefined && hasBody, length);
    this.#exchange.respond(answer.status ?? status, "", fields, declaredIn(fields, hasBody));
    if (hasBody) await this.#send(body);
    else this.#exchange.end();
    this.#body.drop();
  }

  async #runInput(filter: HookFunction): Promise<void> {
    const result = await filter(this.#run.request, this.#body.stream);
    await this.#run.conclude();
    if (this.#exchange.over) return;
    const decision = this.#decide(result, true);
    if (decision === undefined) {
      this.#leaveBody(typeof result === "number" ? result : OK, []);
      return;
    }
    const length = lengthOf(decision.body);
    const fields = length === undefined ? [] : ["Content-Length", String(length)];
    this.#exchange.respond(200, "", fields, length);
    await this.#send(decision.body);
    this.#body.drop();
  }

  /** What becomes of the body; undefined when it stays. @throws TypeError for a result that is none */
  #decide(result: unknown, hasBody: boolean): Decision | undefined {
    if (result === undefined || result === null) return undefined;
    if (typeof result === "number") return this.#checkStatus(result);
    if (isTransform(result))
      return hasBody ? { response: {}, body: this.#through(result) } : undefined;
    if (isBody(result)) return { response: {}, body: result };
    if (!isResponse(result)) throw new TypeError(`it returned ${describe(result)}: ${EXPECTED}`);
    const { body } = result;
    if (body === undefined) return undefined;
    if (body === null) return { response: result, body: "" };
    if (isTransform(body))
      return hasBody ? { response: result, body: this.#through(body) } : undefined;
    if (!isBody(body)) throw new TypeError(`its body is ${describe(body)}: ${EXPECTED}`);
    return { response: result, body };
  }

  #checkStatus(status: number): undefined {
    if (status !== OK && !(status >= 400 && status <= 599)) {
      throw new TypeError(`it returned the status ${status}: ${EXPECTED}`);
    }
    return undefined;
  }

  #through(transform: FilterTransform): ReadableStream<Uint8Array | string> {
    return this.#body.stream.pipeThrough(transform);
  }

  /** The body passes the host as it is: nothing of it may have been read. */
  #leaveBody(code: number, changes: readonly Entry[]): void {
    if (code === OK && this.#body.touched) {
      throw new TypeError("it has read of the body, and returned none in its place");
    }
    this.#run.result(code, changes);
    this.#body.drop();
  }

  async #send(body: FilterBody): Promise<void> {
    const exchange = this.#exchange;
    const chunks = chunksOf(body);
    this.#chunks = chunks;
    for (;;) {
      const { value, done } = await chunks.next();
      if (exchange.over) {
        this.#release();
        return;
      }
      if (done === true) {
        exchange.end();
        return;
      }
      if (!(value instanceof Uint8Array) && typeof value !== "string") {
        throw new TypeError(
          `its body gave ${describe(value)}: a chunk is a Uint8Array or a string`,
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

  /** Lets go of the body that the filter makes: who makes it is told. */
  #release(): void {
    const chunks = this.#chunks;
    this.#chunks = undefined;
    if (chunks?.return === undefined) return;
    Promise.resolve(chunks.return()).catch(() => undefined);
  }
}

const EXPECTED =
  "a filter returns nothing, a TransformStream, a body (stream, iterable, Uint8Array or string), a response or a status from 400 to 599";

function isResponse(value: unknown): value is FilteredResponse {
  if (typeof value !== "object" || value === null) return false;
  return ["status", "headers", "body", "deterministic"].some((name) => name in value);
}

/** The value of a field of the record. */
function recordOf(entries: readonly Entry[], name: string): string | undefined {
  return entries.find(
    (entry) =>
      entry.table === EntryTable.RECORD &&
      entry.operation === EntryOperation.ADD &&
      entry.name === name,
  )?.value;
}

function mayHaveBody(status: number, exchange: Exchange): boolean {
  return exchange.request.facts[Fact.METHOD] !== "HEAD" && status !== 204 && status !== 304;
}

function declaredIn(fields: readonly string[], hasBody: boolean): number | undefined {
  if (!hasBody) return undefined;
  for (let index = 0; index < fields.length; index += 2) {
    if (fields[index]?.toLowerCase() === "content-length") return Number(fields[index + 1]);
  }
  return undefined;
}

function describe(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value);
  return value.constructor?.name ?? "an object";
}
