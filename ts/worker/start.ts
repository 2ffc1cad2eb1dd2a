// SPDX-License-Identifier: Apache-2.0
// The messages of the control socket, one JSON object a line (docs/architecture.md). Used by main.ts and runtime.ts.
import type { Socket } from "node:net";
import type { Shape } from "../adapter/adapter.ts";
import { fail } from "../errors.ts";
import type { Identity } from "../native.ts";

/** What the supervisor tells a worker that it has spawned. */
export interface StartMessage {
  readonly type: "start";
  readonly pool: string;
  readonly slot: number;
  readonly incarnation: number;
  readonly generation: number;
  /** Absolute path of the application's file. */
  readonly app: string;
  readonly directory: string;
  readonly umask: number;
  /** Whom to become; null: stay who we are. */
  readonly identity: Identity | null;
  /** RLIMIT_NOFILE. */
  readonly openFiles: number;
  /** Users whose processes may open channels. */
  readonly hostUids: readonly number[];
  /** Exchanges that the worker takes at once. */
  readonly concurrency: number;
  readonly gracefulTimeoutMs: number;
}

export type SupervisorMessage = StartMessage | { readonly type: "drain" };

export type WorkerMessage =
  | { readonly type: "ready"; readonly shape: Shape }
  | {
      readonly type: "failed";
      readonly code: string;
      readonly message: string;
      readonly stack: string;
    }
  | { readonly type: "draining"; readonly inFlight: number };

/** The worker's end of the control socket. */
export class ControlSocket {
  readonly #socket: Socket;
  #rest = "";

  /** @param onGone called when the supervisor has died */
  constructor(socket: Socket, onMessage: (message: SupervisorMessage) => void, onGone: () => void) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("data", (text: string) => {
      const lines = (this.#rest + text).split("\n");
      this.#rest = lines.pop() ?? "";
      for (const line of lines) onMessage(JSON.parse(line) as SupervisorMessage);
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

/** Checks the first message. @throws {TENON_ERR_ARGUMENT} */
export function asStart(message: SupervisorMessage): StartMessage {
  if (message.type === "start") return message;
  throw fail("TENON_ERR_ARGUMENT", {
    what: "the first message of the control socket",
    expected: "start",
    got: message.type,
  });
}
