// SPDX-License-Identifier: Apache-2.0
// The worker's end of the control socket. Used by main.ts.
import type { Socket } from "node:net";
import type {
  StartMessage,
  SupervisorMessage,
  WorkerMessage,
} from "../channel/control-messages.ts";
import { fail } from "../errors.ts";

/** The worker's end of the control socket. */
export class ControlSocket {
  readonly #socket: Socket;
  #rest = "";

  /** @param onGone called when no supervisor will come any more */
  constructor(socket: Socket, onMessage: (message: SupervisorMessage) => void, onGone: () => void) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) {
        const message = parseMessage(line);
        if (message !== undefined) onMessage(message);
      }
    });
    // What is wrong with the socket is told by 'close' too.
    socket.on("error", () => {});
    socket.on("close", onGone);
  }

  /** Sends a message. @param sent called when the socket has it or is broken */
  say(message: WorkerMessage, sent?: () => void): void {
    if (this.#socket.destroyed) sent?.();
    else this.#socket.write(`${JSON.stringify(message)}\n`, sent);
  }

  /** Whether the socket keeps the event loop alive. */
  keepAlive(alive: boolean): void {
    if (alive) this.#socket.ref();
    else this.#socket.unref();
  }
}

/** Undefined for what a supervisor had not written whole when it died. */
function parseMessage(line: string): SupervisorMessage | undefined {
  try {
    return JSON.parse(line) as SupervisorMessage;
  } catch {
    return undefined;
  }
}

/** Checks the first message. @throws {TENON_ERR_ARGUMENT} */
export function asStart(message: SupervisorMessage): StartMessage {
  if (message.type === "start") return message;
  throw fail("TENON_ERR_ARGUMENT", {
    what: "the first message of the control socket",
    expected: "start",
    got: message.type,
  });
}
