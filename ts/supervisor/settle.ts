// SPDX-License-Identifier: Apache-2.0
// When files have changed: how long to wait for more before a new generation begins. Pure: called by reload.ts.
import type { ReloadMode } from "../settings/settings.ts";

/** Changes that no generation has been begun for yet. Times are monotonic ms. */
export interface Unsettled {
  readonly since: number;
  readonly last: number;
  /** How many were noticed, at least 1. */
  readonly count: number;
  /** The first. */
  readonly file: string;
}

/** Without a change for so long, all are there: a checkout or an installation writes the next file within a few ms. */
export const QUIET_MS = { graceful: 250, strict: 30 } as const;
/** Behind so many quiet times it begins in any case: somebody may write for ever. */
export const MOST_QUIET_TIMES = 40;

/** Takes note of changes. @param files at least one */
export function noteChanges(
  state: Unsettled | undefined,
  files: readonly string[],
  now: number,
): Unsettled {
  return {
    since: state?.since ?? now,
    last: now,
    count: (state?.count ?? 0) + files.length,
    file: state?.file ?? files[0] ?? "",
  };
}

/** When a new generation begins if nothing more changes. */
export function settlesAt(state: Unsettled, mode: Exclude<ReloadMode, "off">): number {
  const quiet = QUIET_MS[mode];
  return Math.min(state.last + quiet, state.since + MOST_QUIET_TIMES * quiet);
}
