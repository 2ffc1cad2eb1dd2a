// SPDX-License-Identifier: Apache-2.0
// All that one generation of a pool's workers is made from. Two that are equal need no restart.
import { isDeepStrictEqual } from "node:util";
import type { Config } from "../settings/load.ts";
import type { PoolSettings } from "../settings/settings.ts";
import { type Account, findAccount, workerEnvironment } from "./identity.ts";
import type { FileOwner } from "./scoreboard-file.ts";

/** A pool's settings with everything looked up. */
export interface PoolConfiguration {
  readonly settings: PoolSettings;
  readonly account: Account;
  readonly environment: Readonly<Record<string, string>>;
  /** Owner of what hosts must reach. */
  readonly owner: FileOwner;
  /** Users that a worker takes channels from. */
  readonly hostUids: readonly number[];
}

/** Looks everything up for all pools. @throws what findAccount throws: then nothing has changed */
export function configurePools(
  config: Config,
  supervisorUid: number,
  own: Readonly<Record<string, string | undefined>>,
): PoolConfiguration[] {
  const owner = { uid: config.parent.uid, gid: config.host.gid };
  const hostUids = [...new Set([config.host.uid, config.parent.uid])];
  return config.pools.map((settings) => {
    const account = findAccount(settings, supervisorUid);
    const environment = workerEnvironment(settings, account, own);
    return { settings, account, environment, owner, hostUids };
  });
}

/** Whether workers of the one are workers of the other. Either may come from a file (generations.ts). */
export function sameConfiguration(a: PoolConfiguration, b: PoolConfiguration): boolean {
  return isDeepStrictEqual(plain(a), plain(b));
}

function plain(configuration: PoolConfiguration): unknown {
  return JSON.parse(JSON.stringify(configuration));
}
