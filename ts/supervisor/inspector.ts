// SPDX-License-Identifier: Apache-2.0
// A client of the inspector of a worker (Chrome DevTools Protocol over WebSocket), as far as a rescue needs it. What comes is a worker's, so
// hostile: of bounded size, and nothing of it is believed. Called by rescue.ts.
import type { WebSocket } from "ws";

/** One message: a pause tells all frames of the stack, and a recursion without end has ten thousand of a kilobyte or two. */
const LONGEST_MESSAGE_BYTES = 67_108_864;
const LONGEST_TEXT_CHARACTERS = 1000;

/** The line in which Node tells the address; nobody else hears it (--inspect-publish-uid=stderr). */
const listening = /^Debugger listening on (ws:\/\/127\.0\.0\.1:\d{1,5}\/[0-9a-f-]{36})$/;
const chatter = /^(?:Debugger (?:attached|ending)|For help, see: https:\/\/nodejs\.org)/;

/** What a line of stderr says of the inspector: its address, nothing of interest (""), or that it is another's line (undefined). */
export function readInspectorLine(line: string): string | undefined {
  const address = listening.exec(line)?.[1];
  return address ?? (chatter.test(line) ? "" : undefined);
}

type Json = Readonly<Partial<Record<string, unknown>>>;

function asObject(value: unknown): Json {
  return typeof value === "object" && value !== null ? (value as Json) : {};
}

function asText(value: unknown): string {
  return typeof value === "string" ? value.slice(0, LONGEST_TEXT_CHARACTERS) : "";
}

function asNumber(value: unknown): number {
  return typeof value === "number" ? value : 0;
}

/** A function that runs, and where. */
export interface StackFrame {
  readonly name: string;
  /** Path or URL of the file. */
  readonly file: string;
  /** From 1. */
  readonly line: number;
  readonly column: number;
}

/** A connection to one inspector. Ended by `close`. */
export class Inspector {
  readonly #socket: WebSocket;
  readonly #replies = new Map<number, (result: Json) => void>();
  /** Files by the inspector's ids. */
  readonly #files = new Map<string, string>();
  #last = 0;
  #onPaused: (frames: readonly StackFrame[]) => void = () => {};
  #onResumed: () => void = () => {};

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.on("message", (data) => this.#take(String(data)));
    // A connection that fails answers nothing; who waits has a time limit.
    socket.on("error", () => {});
  }

  /** Connects. Settles when commands can be sent; never when the peer does not answer. */
  static async connect(address: string): Promise<Inspector> {
    const { WebSocket } = await import("ws");
    const socket = new WebSocket(address, {
      maxPayload: LONGEST_MESSAGE_BYTES,
      perMessageDeflate: false,
    });
    const inspector = new Inspector(socket);
    await new Promise((resolve) => socket.once("open", resolve));
    return inspector;
  }

  /** Sends a command. Settles with its result; never when none comes. */
  send(method: string, params: Json = {}): Promise<Json> {
    this.#last += 1;
    const id = this.#last;
    this.#socket.send(JSON.stringify({ id, method, params }));
    return new Promise((resolve) => this.#replies.set(id, resolve));
  }

  /** Pauses what runs. Settles with its stack, innermost first. */
  async pause(): Promise<readonly StackFrame[]> {
    const paused = new Promise<readonly StackFrame[]>((resolve) => {
      this.#onPaused = resolve;
    });
    void this.send("Debugger.enable");
    void this.send("Debugger.pause");
    return paused;
  }

  /** Lets it run on. Settles when it does: a pause that is asked for before has no effect. */
  async resume(): Promise<void> {
    const resumed = new Promise<void>((resolve) => {
      this.#onResumed = resolve;
    });
    void this.send("Debugger.resume");
    return resumed;
  }

  /** Evaluates an expression that gives a text. */
  async evaluate(expression: string): Promise<string> {
    const { result } = await this.send("Runtime.evaluate", { expression, returnByValue: true });
    return asText(asObject(result)["value"]);
  }

  /** Has the worker tell no more of what it does. Without this no worker on Node 22 survives `close`: it sends into a connection that has ended. */
  async quiet(): Promise<void> {
    await this.send("Debugger.disable");
  }

  close(): void {
    this.#socket.terminate();
  }

  #take(text: string): void {
    let message: Json;
    try {
      message = asObject(JSON.parse(text));
    } catch {
      return;
    }
    const params = asObject(message["params"]);
    if (message["method"] === "Debugger.scriptParsed") {
      this.#files.set(asText(params["scriptId"]), asText(params["url"]));
    } else if (message["method"] === "Debugger.paused") {
      this.#onPaused(this.#framesOf(params["callFrames"]));
    } else if (message["method"] === "Debugger.resumed") {
      this.#onResumed();
    } else {
      const id = asNumber(message["id"]);
      this.#replies.get(id)?.(asObject(message["result"]));
      this.#replies.delete(id);
    }
  }

  #framesOf(frames: unknown): StackFrame[] {
    if (!Array.isArray(frames)) return [];
    return frames.map((value: unknown) => {
      const frame = asObject(value);
      const location = asObject(frame["location"]);
      return {
        name: asText(frame["functionName"]),
        file: (this.#files.get(asText(location["scriptId"])) ?? "").replace(/^file:\/\//, ""),
        line: asNumber(location["lineNumber"]) + 1,
        column: asNumber(location["columnNumber"]) + 1,
      };
    });
  }
}
