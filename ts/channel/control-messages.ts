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
  /** What becomes of the worker when a file that it has loaded changes. */
  readonly reload: "graceful" | "strict" | "off";
  /** TenonWatch: files and directories that the application is made from beside those that it loads. */
  readonly watch: readonly string[];
}

/** A file that an application is made from: its path, and what it was before it was loaded (ts/file-watch.ts). */
export type FileStamp = readonly [path: string, stamp: string];

/** The event loop turns again: what ran was terminated. */
export interface RescuedMessage {
  readonly type: "rescued";
  /** What was passed: the time that it may keep the event loop (its request is answered with 504), or the memory that it may take (500). */
  readonly limit: "stall" | "memory";
  /** For the log of the request's virtual host; empty: nothing was terminated. */
  readonly why: string;
}

/** Another supervisor has taken the worker over, and knows nothing of what was said to the one before: what still holds is to be said again. */
export interface AdoptedMessage {
  readonly type: "adopted";
  /** Its pid: by then it may have begun a rescue itself. */
  readonly supervisor: number;
}

/** What a supervisor says. */
export type SupervisorMessage =
  | StartMessage
  | { readonly type: "drain" }
  | RescuedMessage
  | AdoptedMessage;

/** Key in a worker's `process` of the function that a supervisor calls through the inspector while what runs is paused: names the request. */
export const rescueKey: unique symbol = Symbol.for("tenon.rescue") as never;
/** The call of that function. @param whatever also when no request is found @param supervisor pid of the one that calls */
export function rescueExpression(whatever: boolean, supervisor: number): string {
  return `process[Symbol.for("tenon.rescue")](${whatever}, ${supervisor})`;
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
  /** Files that the application is made from; as often as there are more. */
  | { readonly type: "loaded"; readonly files: readonly FileStamp[] }
  /** A file has changed: a strict worker begins nothing more. */
  | { readonly type: "outdated"; readonly file: string }
  /** The worker's scoreboard is not the pool's any more: decisions of the export, or all, are to be purged in that. */
  | { readonly type: "purge"; readonly export?: string };
