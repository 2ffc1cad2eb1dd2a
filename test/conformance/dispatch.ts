// SPDX-License-Identifier: Apache-2.0
// Calls the case that a request names, and tells the runner when it is called and when it has done.
import { once } from "node:events";
import type { IncomingMessage, RequestListener, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import { setImmediate } from "node:timers/promises";
import { CASE_HEADER, type Case, type Seen } from "./case.ts";
import type { Notebook } from "./notebook.ts";

const caseHeader = CASE_HEADER.toLowerCase();

interface Called {
  readonly asked: Case;
  readonly run: number;
  readonly seen: Seen;
}

function onceSafely(emitter: NodeJS.EventEmitter, event: string): Promise<unknown> {
  return once(emitter, event).catch(() => undefined);
}

/** The cases of one application. */
export class Dispatch {
  readonly #cases: ReadonlyMap<string, Case>;
  readonly #notebook: Notebook;
  /** The notebook of the request whose connection this is, for events of a server. */
  readonly #seenOf: WeakMap<object, Seen> = new WeakMap();

  constructor(cases: readonly Case[], notebook: Notebook) {
    this.#cases = new Map(cases.map((each) => [each.id, each]));
    this.#notebook = notebook;
  }

  /** A listener that calls the case's `serve`. @param event what is noted first; unset: nothing */
  messages(event?: string): RequestListener {
    return (request, response) => {
      const called = this.#call(String(request.headers[caseHeader]));
      this.#seenOf.set(request.socket, called.seen);
      if (event !== undefined) called.seen(event);
      void this.#serve(called, request, response);
    };
  }

  upgrade(request: IncomingMessage, socket: Duplex): void {
    const called = this.#call(String(request.headers[caseHeader]));
    const { upgrade } = called.asked;
    called.seen("upgrade");
    socket.on("error", () => undefined);
    // A socket that nobody reads never closes; a case that is about its end waits for it.
    const serve = async (): Promise<void> => upgrade?.(request, socket, called.seen);
    void this.#finish(called, serve, Promise.resolve());
  }

  timeout(socket: object): void {
    this.#seenOf.get(socket)?.("server timeout");
    (socket as Duplex).destroy();
  }

  async fetch(request: Request): Promise<Response> {
    const called = this.#call(request.headers.get(caseHeader) ?? "");
    const { fetch } = called.asked;
    if (fetch === undefined) throw new Error(`${called.asked.name} has no fetch`);
    // An error is the host's to answer. What happens behind the answer, a case waits for with `client.saw`.
    const response = (async () => fetch(request, called.seen))();
    void this.#finish(called, () => response.catch(() => undefined), Promise.resolve());
    return response;
  }

  async #serve(called: Called, request: IncomingMessage, response: ServerResponse): Promise<void> {
    const closed = response.closed ? Promise.resolve() : onceSafely(response, "close");
    const { serve } = called.asked;
    const answer = async (): Promise<void> => {
      try {
        await serve?.(request, response, called.seen);
      } catch (error) {
        called.seen("thrown", error);
        response.destroy();
      }
    };
    await this.#finish(called, answer, closed);
  }

  async #finish(
    called: Called,
    action: () => Promise<unknown>,
    closed: Promise<unknown>,
  ): Promise<void> {
    try {
      await action();
    } catch (error) {
      called.seen("thrown", error);
    }
    await closed;
    // Events of the same turn, and those that they cause, are still noted.
    await setImmediate();
    await setImmediate();
    this.#notebook.say({ run: called.run, state: "done" });
  }

  #call(value: string): Called {
    const [id = "", run] = value.split(" ");
    const asked = this.#cases.get(id);
    if (asked === undefined) throw new Error(`no case ${JSON.stringify(value)}`);
    this.#notebook.say({ run: Number(run), state: "called" });
    return { asked, run: Number(run), seen: this.#notebook.seen(Number(run)) };
  }
}
