// SPDX-License-Identifier: Apache-2.0
// Ends the time of decisions in the cache of a running httpd, by the words in its pools' scoreboards that httpd's processes read. Called by main.ts.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { fail } from "../errors.ts";
import { openBoard } from "../supervisor/scoreboard-file.ts";
import { ScoreboardHeader } from "../wire/protocol.ts";

function poolsIn(path: string): string[] {
  try {
    return readdirSync(path).sort();
  } catch (error) {
    const reason = (error as NodeJS.ErrnoException).code ?? String(error);
    throw fail("TENON_ERR_RUNTIME_DIRECTORY", { path, reason }, error);
  }
}

/** Pools' names do not know case. */
function findPool(pools: readonly string[], wanted: string, path: string): string {
  const found = pools.find((name) => name.toLowerCase() === wanted.toLowerCase());
  if (found !== undefined) return found;
  const there = pools.length === 0 ? "it has none" : `it has ${pools.join(", ")}`;
  throw fail("TENON_ERR_POOL_UNKNOWN", { pool: wanted, path, pools: there });
}

function purgePool(path: string, exportName: string | undefined): void {
  for (;;) {
    const board = openBoard(path);
    board?.purge(Date.now(), exportName);
    // Another file has taken the path meanwhile: httpd reads that.
    if (board?.header(ScoreboardHeader.REPLACED) !== 1) return;
  }
}

/**
 * Purges decisions.
 * @param runtime directory of the httpd's pools (TenonRuntimeDir)
 * @param targets each `pool` or `pool#export`; none: all pools
 * @returns a line for each
 * @throws {TENON_ERR_RUNTIME_DIRECTORY} when it cannot be read
 * @throws {TENON_ERR_POOL_UNKNOWN}
 */
export function purge(runtime: string, targets: readonly string[]): string[] {
  const folder = join(runtime, "pools");
  const pools = poolsIn(folder);
  const chosen = (targets.length === 0 ? pools : targets).map((target) => {
    const [wanted = "", exportName] = target.split("#", 2);
    return { pool: findPool(pools, wanted, folder), exportName };
  });
  return chosen.map(({ pool, exportName }) => {
    purgePool(join(folder, pool, "scoreboard"), exportName);
    return `purged the decisions of ${pool}${exportName === undefined ? "" : `#${exportName}`}`;
  });
}
