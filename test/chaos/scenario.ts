// SPDX-License-Identifier: Apache-2.0
// What a scenario is. The tables are in scenarios/.
import type { Mpm } from "../../ts/cli/httpd-config.ts";
import type { HttpdPlaces } from "../../ts/cli/private-httpd.ts";
import type { Site } from "./site.ts";
import type { Kind } from "./work.ts";

/** Most of something that is good enough. */
export interface Limits {
  /** Requests of the load that may be answered otherwise than right, by kind; unset: 0. */
  readonly failed?: Readonly<Partial<Record<Kind, number>>>;
  /** The only outcomes that failed requests may have; unset: 502, cut, broken. */
  readonly outcomes?: readonly string[];
  /** ms until every client has been served again; unset: nobody is. */
  readonly recoveryMs?: number;
  /** Requests beside the load, for a file and another pool, that may fail; unset: 0. */
  readonly beside?: number;
  /** ms that one of those may take; unset: 3,000, which is much for a busy machine and little for who hangs. */
  readonly besideMs?: number;
}

/** One fault, or several of a kind, under load. */
export interface Scenario {
  readonly text: string;
  /** Directives of the pool that is attacked; unset: two workers. */
  readonly pool?: string;
  /** Makes the application of that pool and gives its path; unset: application.ts. */
  readonly application?: (places: HttpdPlaces) => string;
  /** Further directives of httpd. */
  readonly directives?: string | ((places: HttpdPlaces) => string);
  /** Tags of lines of level warn or above that belong to the fault. */
  readonly expects: readonly string[];
  /** Unset: all kinds, GETs most. */
  readonly mix?: readonly Kind[];
  /** Unset: 16. */
  readonly connections?: number;
  /** Each request has a connection of its own: httpd itself is what is attacked. */
  readonly fresh?: boolean;
  /** How long the application works on a GET, ms; unset: not at all. */
  readonly workMs?: number;
  /** How often the fault is done; unset: once. */
  readonly turns?: number;
  /** The fault is httpd's end: nobody is served behind it. */
  readonly ends?: boolean;
  /** Only these; unset: all. */
  readonly mpms?: readonly Mpm[];
  /** Does the fault, and settles when it has happened. */
  readonly fault: (site: Site, turn: number) => Promise<void>;
  /** Asserts what must be so when the load has ended. */
  readonly after?: (site: Site) => Promise<void>;
  readonly limits: Limits;
}
