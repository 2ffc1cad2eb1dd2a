// SPDX-License-Identifier: Apache-2.0
// The application's end of the wire to the runner (observer.ts), and the notebook of each run.
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Seen } from "./case.ts";
import { deferred } from "./deferred.ts";
import type { FromApplication, ToApplication } from "./observer.ts";

/** What JSON has no word for. A Buffer would give its own. */
function plain(this: Record<string, unknown>, key: string): unknown {
  const value = this[key];
  if (value === undefined) return "(undefined)";
  if (value instanceof Uint8Array) return Buffer.from(value).toString("latin1");
  if (value instanceof Error) return (value as NodeJS.ErrnoException).code ?? value.name;
  return value;
}

/** Connection of one application to the runner. */
export class Notebook {
  readonly #socket: Socket;
  readonly #signals = new Map<string, () => void>();
  readonly #given = new Set<string>();

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("error", () => undefined);
    createInterface({ input: socket }).on("line", (line) =>
      this.#take(JSON.parse(line) as ToApplication),
    );
    socket.unref();
  }

  static async open(port: number): Promise<Notebook> {
    const socket = connect(port, "127.0.0.1");
    await once(socket, "connect");
    return new Notebook(socket);
  }

  say(message: FromApplication): void {
    this.#socket.write(`${JSON.stringify(message, plain)}\n`);
  }

  /** The notebook of one run. */
  seen(run: number): Seen {
    const note = (event: string, ...value: unknown[]): void => {
      this.say({ run, note: value.length === 0 ? event : [event, value[0]] });
    };
    const attempt = (what: string, action: () => unknown): void => {
      try {
        action();
        note(what, "no error");
      } catch (error) {
        note(what, error);
      }
    };
    return Object.assign(note, { attempt, signal: (word: string) => this.#signal(run, word) });
  }

  #signal(run: number, word: string): Promise<void> {
    const key = `${run} ${word}`;
    if (this.#given.has(key)) return Promise.resolve();
    const { promise, resolve } = deferred();
    this.#signals.set(key, resolve);
    return promise;
  }

  #take(message: ToApplication): void {
    if ("flush" in message) {
      this.say({ flushed: message.flush });
      return;
    }
    const key = `${message.run} ${message.signal}`;
    this.#given.add(key);
    this.#signals.get(key)?.();
  }
}
