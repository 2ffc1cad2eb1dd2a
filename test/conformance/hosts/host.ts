// SPDX-License-Identifier: Apache-2.0
// What the runner needs of a host: one file of this folder each.
import type { SetupName } from "../setups.ts";

export interface RunningHost {
  /** Loopback port where the application of a setup is reached, with the Host field of client.ts. */
  port(setup: SetupName): number;
  /** The same over TLS. */
  tlsPort(setup: SetupName): number;
  /** Ends everything. @throws when the host has complained of something that cases do not cause on purpose */
  stop(): Promise<void>;
}

export interface Host {
  readonly text: string;
  /** Whether it serves applications of this setup. */
  serves(setup: SetupName): boolean;
  /** Starts it with the applications of these setups, which report to a port of the runner's. @param signal ends the waiting */
  start(
    setups: readonly SetupName[],
    observer: ObserverPort,
    signal: AbortSignal,
  ): Promise<RunningHost>;
}

/** What a host needs of the runner. */
export interface ObserverPort {
  readonly port: number;
  connected(setups: readonly SetupName[], signal: AbortSignal): Promise<void>;
  application(setup: SetupName): { readonly port: number; readonly tlsPort: number };
}
