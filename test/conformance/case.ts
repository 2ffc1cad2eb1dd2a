// SPDX-License-Identifier: Apache-2.0
// What one behaviour is: what a client asks, what the application does, and what both must see. Written in cases/, run by observe.ts.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Duplex } from "node:stream";
import type { Client } from "./client/client.ts";
import type { Observation } from "./observation.ts";
import type { SetupName } from "./setups.ts";

/** The application's notebook: what it notes is compared between hosts, in order. */
export interface Seen {
  /** Notes an event, or a value. Errors become their code, bytes latin-1. */
  (event: string, value?: unknown): void;
  /** Notes what became of an action: the code of the error that it threw, or "no error". */
  attempt(what: string, action: () => unknown): void;
  /** Waits until the client of the case says this word. */
  signal(word: string): Promise<void>;
}

export type Serve = (
  request: IncomingMessage,
  response: ServerResponse,
  seen: Seen,
) => void | Promise<void>;

export type ServeUpgrade = (
  request: IncomingMessage,
  socket: Duplex,
  seen: Seen,
) => void | Promise<void>;

export type ServeFetch = (request: Request, seen: Seen) => Response | Promise<Response>;

/** One request, exact to the byte. */
export interface Ask {
  /** Unset: GET. */
  readonly method?: string;
  /** Unset: `/`. */
  readonly target?: string;
  /** Unset: 1.1. */
  readonly version?: string;
  /** Value of Host; unset: the name of the case's setup; null: no such field. */
  readonly host?: string | null;
  /** Further lines of the head as they are sent, latin-1. */
  readonly headers?: readonly string[];
  /** Body as it is sent, latin-1; with a Content-Length unless a line says how long it is. */
  readonly body?: string;
}

/** What the first final answer and the application's notes must be; fields that are absent are not looked at. */
export interface Expectation {
  readonly status?: number;
  readonly reason?: string;
  /** By lower-case name: the only value, or all of them; null: there is none. */
  readonly headers?: Readonly<Record<string, string | readonly string[] | null>>;
  readonly body?: string;
  readonly trailers?: Readonly<Record<string, readonly string[]>>;
  /** Status of the interim answers before it. */
  readonly interim?: readonly number[];
  readonly whole?: boolean;
  /** All notes of the application. A note without a value is its name, one with a value a pair. */
  readonly seen?: readonly unknown[];
  /** All notes of the client. */
  readonly notes?: readonly unknown[];
}

export interface Behaviour {
  /** A sentence that is true; no other case has it. */
  readonly name: string;
  /** Unset: "listener". */
  readonly setup?: SetupName;
  /** The client comes over TLS. */
  readonly tls?: boolean;
  readonly serve?: Serve;
  readonly upgrade?: ServeUpgrade;
  readonly fetch?: ServeFetch;
  readonly ask: Ask | ((client: Client) => Promise<void>);
  /** What is true under every host, node:http among them, where differences.ts does not say otherwise. */
  readonly expect: Expectation | ((observation: Observation) => void);
}

/** A behaviour with its place in the list. */
export interface Case extends Behaviour {
  /** Name of its file in cases/. */
  readonly area: string;
  readonly setup: SetupName;
  /** How a request names it. */
  readonly id: string;
}

/** The field by which a request says which case of the application it is for, and which run of it. */
export const CASE_HEADER = "X-Case";
