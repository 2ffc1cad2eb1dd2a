// SPDX-License-Identifier: Apache-2.0
// The messages of the control socket between supervisor and worker, one JSON object a line (docs/architecture.md, "A worker's start").
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
  /** Functions that the configuration names as hooks. */
  readonly exports: readonly string[];
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
  readonly shutdownTimeoutMs: number;
}

/** The event loop turns again: what ran was terminated. */
export interface RescuedMessage {
  readonly type: "rescued";
  /** For the log of the virtual host of the request that is answered with 504. */
  readonly why: string;
}

/** What a supervisor says. */
export type SupervisorMessage = StartMessage | { readonly type: "drain" } | RescuedMessage;

/** Key in a worker's `process` of the function that a supervisor calls through the inspector while what runs is paused: names the request. */
export const rescueKey: unique symbol = Symbol.for("tenon.rescue") as never;
/** The call of that function. @param whatever also when no request is found */
export function rescueExpression(whatever: boolean): string {
  return `process[Symbol.for("tenon.rescue")](${whatever})`;
}

/** What a worker says. */
export type WorkerMessage =
  | { readonly type: "ready"; readonly shape: string }
  | {
      readonly type: "failed";
      readonly code: string;
      readonly message: string;
      readonly stack: string;
    }
  | { readonly type: "draining"; readonly inFlight: number }
  /** The worker's scoreboard is not the pool's any more: decisions of the export, or all, are to be purged in that. */
  | { readonly type: "purge"; readonly export?: string };
