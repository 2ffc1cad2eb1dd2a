// SPDX-License-Identifier: Apache-2.0
// The host's end of a channel, over ts/wire: sends requests to a real worker and reads what comes back.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Entry } from "../../ts/wire/entries.ts";
import { encodeFrameHeader } from "../../ts/wire/frame.ts";
import {
  type Ask,
  decodeAsk,
  decodeFields,
  decodeResult,
  encodeReply,
  type Reply,
  type Result,
} from "../../ts/wire/hook-message.ts";
import { decodeEnd, decodeResponse, encodeEnd, encodeRequest } from "../../ts/wire/message.ts";
import {
  Fact,
  Flag,
  FrameType,
  frameTypeNames,
  Phase,
  WireNumber,
} from "../../ts/wire/protocol.ts";
import { FrameReader } from "../../ts/wire/reader.ts";
import {
  type Abort,
  decodeAbort,
  decodeHello,
  decodeLog,
  decodePull,
  encodeAbort,
  type Hello,
  type LogLine,
} from "../../ts/wire/signal.ts";

/** Frames behind which nothing of the exchange comes. */
const lastFrames: ReadonlySet<FrameType> = new Set([
  FrameType.END,
  FrameType.RESULT,
  FrameType.ABORT,
  FrameType.CLOSE,
]);

/** Longest wait for anything, ms. */
export const WAIT_MS = 20000;

/** A frame from the worker. */
export interface ReceivedFrame {
  readonly type: FrameType;
  readonly ended: boolean;
  readonly payload: Buffer;
}

/** How a host answers an ASK. */
export interface HostReply extends Partial<Reply> {
  /** Sent behind REPLY as the worker asks for it. */
  readonly body?: Buffer | Iterable<Buffer>;
}

export interface AskOptions {
  /** Answers a hook's questions. */
  readonly onAsk?: (ask: Ask) => HostReply;
  /** Default: the handler. */
  readonly phase?: Phase;
  readonly entries?: readonly Entry[];
  readonly method?: string;
  readonly target?: string;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
  /** Sent as the worker asks for it, with its length unless `chunked`. */
  readonly body?: Buffer | Iterable<Buffer>;
  /** Total of an iterable body, bytes; unset: only END tells. */
  readonly bodyLength?: number;
  /** More facts than method and target. */
  readonly facts?: Readonly<Record<number, string>>;
  /** Trailers of the request, names and values in turn. */
  readonly trailers?: readonly string[];
  /** The client asks to switch protocols. */
  readonly upgrade?: boolean;
  /** Called with each chunk of the response instead of gathering it. */
  readonly onChunk?: (chunk: Buffer) => void;
}

export interface Answer {
  readonly status: number;
  readonly reason: string;
  readonly rawHeaders: readonly string[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  readonly text: string;
  readonly trailers: readonly string[];
  readonly interim: readonly { readonly status: number; readonly rawHeaders: readonly string[] }[];
  readonly logs: readonly LogLine[];
  readonly abort: Abort | undefined;
  /** What a hook returned. */
  readonly result: Result | undefined;
  /** What a hook changed before it asked or answered. */
  readonly fields: readonly Entry[];
  readonly asks: readonly Ask[];
  /** Names of the frames in the order they came. */
  readonly frames: readonly string[];
}

interface MutableAnswer {
  status: number;
  reason: string;
  rawHeaders: string[];
  body: Buffer[];
  trailers: string[];
  interim: { status: number; rawHeaders: string[] }[];
  logs: LogLine[];
  abort: Abort | undefined;
  result: Result | undefined;
  fields: Entry[];
  asks: Ask[];
  /** What PULL is for. */
  sender: BodySender | undefined;
  frames: string[];
}

/** Rejects when a promise takes longer than WAIT_MS. */
export async function within<Value>(promise: Promise<Value>, what: string): Promise<Value> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what} did not come in ${WAIT_MS} ms`)), WAIT_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** One channel from the host's end. */
export class HostChannel {
  readonly socket: Socket;
  readonly #reader = new FrameReader();
  readonly #frames: ReceivedFrame[] = [];
  readonly #closed: Promise<void>;
  #ended = false;
  #wake: (() => void) | undefined;
  #exchange = 0;
  #hello: Hello | undefined;

  constructor(path: string) {
    this.socket = connect(path);
    this.socket.on("error", () => {});
    this.#closed = new Promise((resolve) => this.socket.once("close", () => resolve()));
    this.socket.on("data", (chunk: Buffer) => this.#push(chunk));
    this.socket.on("close", () => {
      this.#ended = true;
      this.#wake?.();
    });
  }

  /** Settles when the socket is closed. */
  closed(): Promise<void> {
    return within(this.#closed, "the end of a channel");
  }

  /** HELLO, once it has come. */
  async hello(): Promise<Hello> {
    if (this.#hello === undefined) {
      const frame = await this.frame();
      if (frame?.type !== FrameType.HELLO) throw new Error("the first frame is not HELLO");
      this.#hello = decodeHello(frame.payload, 0, frame.payload.length);
    }
    return this.#hello;
  }

  /** The next frame, undefined at the end of the channel. */
  async frame(): Promise<ReceivedFrame | undefined> {
    while (this.#frames.length === 0 && !this.#ended) {
      const more = new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
      await within(more, "a frame");
    }
    const frame = this.#frames.shift();
    if (this.#frames.length < 64) this.socket.resume();
    return frame;
  }

  /** The next frame that has this type; others are dropped. */
  async frameOf(type: FrameType): Promise<ReceivedFrame> {
    for (;;) {
      const frame = await this.frame();
      if (frame === undefined) throw new Error(`the channel ended before ${frameTypeNames[type]}`);
      if (frame.type === type) return frame;
    }
  }

  /** Sends REQUEST. */
  request(options: AskOptions): void {
    const facts: (string | undefined)[] = [];
    facts[Fact.METHOD] = options.method ?? "GET";
    facts[Fact.TARGET] = options.target ?? "/";
    facts[Fact.PROTOCOL] = "HTTP/1.1";
    facts[Fact.SCHEME] = "http";
    facts[Fact.SERVER_NAME] = "example.org";
    facts[Fact.REQUEST_ID] = `r${this.#exchange + 1}`;
    for (const [code, value] of Object.entries(options.facts ?? {})) facts[Number(code)] = value;
    for (let code = 0; code < facts.length; code++) facts[code] ??= undefined;
    this.#exchange += 1;
    const { body } = options;
    const head = {
      phase: options.phase ?? Phase.HANDLER,
      exchange: this.#exchange,
      bodyLength: Buffer.isBuffer(body) ? body.length : body === undefined ? 0 : options.bodyLength,
      facts,
      rawHeaders: [...(options.headers ?? ["Host", "example.org"])],
      entries: options.entries ?? [],
    };
    const buffer = Buffer.alloc(WireNumber.MAX_MESSAGE_BYTES);
    const upgrade = options.upgrade === true;
    const end = encodeRequest(buffer, 0, head, body === undefined && !upgrade);
    if (upgrade) buffer[1] = Flag.UPGRADE;
    this.socket.write(buffer.subarray(0, end));
  }

  /** Sends DATA. */
  data(chunk: Uint8Array, flags = 0): void {
    const header = Buffer.alloc(WireNumber.FRAME_HEADER_BYTES);
    encodeFrameHeader(header, 0, FrameType.DATA, flags, chunk.length);
    // In one write: a worker that refuses the first of it closes before the second.
    this.socket.cork();
    this.socket.write(header);
    this.socket.write(chunk);
    this.socket.uncork();
  }

  /** Sends END. */
  end(bodyLength: number, trailers: readonly string[] = []): void {
    const buffer = Buffer.alloc(4096);
    this.socket.write(buffer.subarray(0, encodeEnd(buffer, 0, bodyLength, trailers)));
  }

  /** Sends REPLY; returns what sends the body behind it, as it is pulled. */
  reply(reply: HostReply): BodySender | undefined {
    const { body } = reply;
    this.answer(reply, body === undefined);
    return body === undefined ? undefined : new BodySender(this, { body });
  }

  /** Sends REPLY alone. */
  answer({ status = 200, text = "", rawHeaders = [] }: HostReply, ended: boolean): void {
    const buffer = Buffer.alloc(WireNumber.MAX_MESSAGE_BYTES);
    const end = encodeReply(buffer, 0, { status, text, rawHeaders }, ended);
    this.socket.write(buffer.subarray(0, end));
  }

  /** Sends CLOSE: asks for the end of a tunnel. */
  leave(): void {
    const header = Buffer.alloc(WireNumber.FRAME_HEADER_BYTES);
    encodeFrameHeader(header, 0, FrameType.CLOSE, 0, 0);
    this.socket.write(header);
  }

  abort(error: number, text = ""): void {
    const buffer = Buffer.alloc(4096);
    this.socket.write(buffer.subarray(0, encodeAbort(buffer, 0, error, text)));
  }

  /** A whole exchange: the body goes as it is pulled. */
  async ask(options: AskOptions): Promise<Answer> {
    await this.hello();
    // In one write, where it is short: a worker that refuses the first of it closes before the rest, and what it said is lost then.
    this.socket.cork();
    this.request(options);
    const answer: MutableAnswer = {
      sender: options.body === undefined ? undefined : new BodySender(this, options),
      result: undefined,
      fields: [],
      asks: [],
      status: 0,
      reason: "",
      rawHeaders: [],
      body: [],
      trailers: [],
      interim: [],
      logs: [],
      abort: undefined,
      frames: [],
    };
    this.socket.uncork();
    for (;;) {
      const frame = await this.frame();
      if (frame === undefined)
        throw new Error(`the channel ended after ${answer.frames.join(" ")}`);
      if (this.#take(frame, answer, options)) return finish(answer);
    }
  }

  close(): Promise<void> {
    this.socket.destroy();
    return this.closed();
  }

  #take(
    { type, ended, payload }: ReceivedFrame,
    answer: MutableAnswer,
    { onChunk, onAsk }: AskOptions,
  ): boolean {
    answer.frames.push(frameTypeNames[type] ?? "");
    if (type === FrameType.DATA) {
      if (onChunk === undefined) answer.body.push(payload);
      else onChunk(payload);
    } else if (type === FrameType.RESPONSE) {
      const head = decodeResponse(payload, 0, payload.length);
      if (head.status < 200) answer.interim.push(head);
      else Object.assign(answer, head);
    } else if (type === FrameType.END) {
      answer.trailers = decodeEnd(payload, 0, payload.length).rawTrailers;
    } else if (type === FrameType.PULL) {
      answer.sender?.grant(decodePull(payload, 0, payload.length));
    } else if (type === FrameType.LOG) {
      answer.logs.push(decodeLog(payload, 0, payload.length));
    } else if (type === FrameType.FIELDS) {
      answer.fields.push(...decodeFields(payload, 0, payload.length));
    } else if (type === FrameType.ASK) {
      const ask = decodeAsk(payload, 0, payload.length);
      answer.asks.push(ask);
      if (onAsk !== undefined) answer.sender = this.reply(onAsk(ask));
    } else if (type === FrameType.RESULT) {
      answer.result = decodeResult(payload, 0, payload.length);
    } else if (type === FrameType.ABORT) {
      answer.abort = decodeAbort(payload, 0, payload.length);
    }
    return ended || lastFrames.has(type);
  }

  #push(chunk: Buffer): void {
    const reader = this.#reader;
    reader.push(chunk);
    while (reader.next()) {
      this.#frames.push({
        type: reader.type,
        ended: (reader.flags & Flag.END) !== 0,
        payload: Buffer.from(reader.payload()),
      });
    }
    // Backpressure towards the worker, as a host whose client is slow has it.
    if (this.#frames.length >= 64) this.socket.pause();
    this.#wake?.();
  }
}

/** Sends a body within the worker's credit. */
class BodySender {
  readonly #channel: HostChannel;
  readonly #chunks: Iterator<Buffer>;
  readonly #trailers: readonly string[];
  #credit: number = WireNumber.EAGER_BODY_BYTES;
  #left: Buffer | undefined;
  #sent = 0;
  #ended = false;

  constructor(channel: HostChannel, options: AskOptions) {
    const { body } = options;
    this.#channel = channel;
    this.#trailers = options.trailers ?? [];
    const chunks: Iterable<Buffer> = Buffer.isBuffer(body) ? [body] : (body ?? []);
    this.#chunks = chunks[Symbol.iterator]();
    this.#send();
  }

  grant(bytes: number): void {
    this.#credit += bytes;
    this.#send();
  }

  #send(): void {
    // The end needs no credit.
    while (!this.#ended) {
      if (this.#left === undefined || this.#left.length === 0) {
        const next = this.#chunks.next();
        if (next.done) {
          this.#ended = true;
          this.#channel.end(this.#sent, this.#trailers);
          return;
        }
        this.#left = next.value;
      }
      if (this.#credit === 0) return;
      const piece = this.#left.subarray(0, Math.min(this.#credit, 65536));
      this.#left = this.#left.subarray(piece.length);
      this.#credit -= piece.length;
      this.#sent += piece.length;
      this.#channel.data(piece);
    }
  }
}

function finish(answer: MutableAnswer): Answer {
  const headers: Record<string, string> = {};
  for (let index = 0; index < answer.rawHeaders.length; index += 2) {
    headers[(answer.rawHeaders[index] ?? "").toLowerCase()] = answer.rawHeaders[index + 1] ?? "";
  }
  const body = Buffer.concat(answer.body);
  return { ...answer, headers, body, text: body.toString() };
}

/** Waits for an event of an emitter, at most WAIT_MS. */
export async function event(
  emitter: NodeJS.EventEmitter,
  name: string,
): Promise<readonly unknown[]> {
  return once(emitter, name, { signal: AbortSignal.timeout(WAIT_MS) });
}
