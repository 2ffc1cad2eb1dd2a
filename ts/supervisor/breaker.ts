// SPDX-License-Identifier: Apache-2.0
// The breaker of a pool: when its workers fail one after another and none is left, hosts refuse its requests at once instead of having them wait,
// and one worker at a time is tried (docs/reliability.md, "Crash loops"). Made by pool.ts,
// asked by reconciler.ts.
import { renameSync, rmSync, writeFileSync } from "node:fs";
import type { Log } from "../log.ts";
import { BreakerState } from "../wire/protocol.ts";
import { type Backoff, backoffAfter, type Failed, noBackoff, SERVED_WELL_MS } from "./backoff.ts";
import type { Clock } from "./clock.ts";
import { type FileOwner, giveTo } from "./scoreboard-file.ts";

/** So many failures in a row, of workers that have answered nobody, open it. */
export const OPENS_AFTER = 3;
const LONGEST_REASON = 8192;
const REASON_MODE = 0o640;

/** A worker as the breaker sees it. */
export interface TriedWorker {
  /** How long it has been ready, ms; undefined while it starts. */
  readonly readyMs: number | undefined;
  /** It has finished an exchange. */
  readonly served: boolean;
}

/** What a pool is to do. */
export interface Verdict {
  readonly state: BreakerState;
  /** A worker has shown that it works: failures are forgotten. */
  readonly healed: boolean;
  /** Most workers to start now. */
  readonly mayStart: number;
  /** When to look again if nothing happens before; monotonic ms. */
  readonly wakeAt: number | undefined;
}

const CLOSED: Verdict = {
  state: BreakerState.CLOSED,
  healed: false,
  mayStart: Number.POSITIVE_INFINITY,
  wakeAt: undefined,
};

/** Judges a pool. Pure. @param failedAt when the last worker failed @param workers that are ready, or start with the present code */
export function judge(
  backoff: Backoff,
  failedAt: number,
  workers: readonly TriedWorker[],
  now: number,
): Verdict {
  if (backoff.barren < OPENS_AFTER) return CLOSED;
  const serves = workers.some(({ readyMs }) => readyMs !== undefined);
  // One from before the failures proves nothing of a worker that would be started now.
  const trials = workers.filter(({ readyMs }) => (readyMs ?? 0) <= now - failedAt);
  if (trials.some(isProven)) return { ...CLOSED, healed: true };
  const state = serves ? BreakerState.CLOSED : BreakerState.HALF_OPEN;
  const [trial] = trials;
  if (trial !== undefined) {
    const wakeAt = trial.readyMs === undefined ? undefined : now + SERVED_WELL_MS - trial.readyMs;
    return { ...CLOSED, state, mayStart: 0, wakeAt };
  }
  if (now >= backoff.notBefore) return { ...CLOSED, state, mayStart: 1 };
  const shut = serves ? BreakerState.CLOSED : BreakerState.OPEN;
  return { ...CLOSED, state: shut, mayStart: 0, wakeAt: backoff.notBefore };
}

function isProven({ readyMs, served }: TriedWorker): boolean {
  return readyMs !== undefined && (served || readyMs >= SERVED_WELL_MS);
}

export interface BreakerOptions {
  readonly pool: string;
  /** File that holds why workers fail, for hosts. */
  readonly path: string;
  readonly owner: FileOwner;
  readonly log: Log;
  readonly clock: Clock;
  /** Called when hosts are to see another state. @param until of OPEN, monotonic ms */
  readonly onState: (state: BreakerState, until: number) => void;
}

/** Backoff and breaker of one pool, and why its workers fail. */
export class Breaker {
  readonly #options: BreakerOptions;
  #backoff: Backoff = noBackoff;
  #failedAt = 0;
  #state: BreakerState = BreakerState.CLOSED;
  #until = 0;
  #reason = "";

  constructor(options: BreakerOptions) {
    this.#options = options;
  }

  /** No worker is started before this time, monotonic ms. */
  get notBefore(): number {
    return this.#backoff.notBefore;
  }

  get isOpen(): boolean {
    return this.#state === BreakerState.OPEN;
  }

  /** Takes note of a worker that exited unasked or did not start. */
  failed(failed: Failed, slot: number): void {
    const { log, clock, pool } = this.#options;
    const now = clock.now();
    this.#failedAt = now;
    this.#backoff = backoffAfter(this.#backoff, failed, now, clock.random());
    const ms = Math.round(this.#backoff.notBefore - now);
    if (ms <= 0) return;
    const text = `backs off: the next worker starts in ${ms} ms at the earliest`;
    log.line("notice", "TN0233", { pool, slot }, text);
  }

  /** Takes note of why a worker failed. @param reason its first line is for logs */
  explain(reason: string): void {
    this.#reason = reason.slice(0, LONGEST_REASON);
    const { path, owner } = this.#options;
    try {
      writeFileSync(`${path}.new`, this.#reason, { mode: REASON_MODE });
      giveTo(`${path}.new`, owner);
      renameSync(`${path}.new`, path);
    } catch {
      // Hosts then say no more than that workers fail; the log has it anyway.
    }
  }

  /** A worker of the present generation is ready: what failed before is of interest to nobody who looks. */
  started(): void {
    rmSync(this.#options.path, { force: true });
  }

  /** Judges, and shows the state. @param workers that are ready, or start with the present code */
  judge(workers: readonly TriedWorker[]): Verdict {
    const now = this.#options.clock.now();
    const verdict = judge(this.#backoff, this.#failedAt, workers, now);
    if (verdict.healed) this.#forget();
    this.#change(verdict.state);
    return verdict;
  }

  /** Forgets what failed: other code, or another configuration, has its chance at once. */
  heal(): void {
    this.#forget();
    this.#change(BreakerState.CLOSED);
  }

  /** Shows the state once more, such as to a new scoreboard. */
  show(): void {
    this.#options.onState(this.#state, this.#until);
  }

  #forget(): void {
    this.#backoff = noBackoff;
    this.#reason = "";
    rmSync(this.#options.path, { force: true });
  }

  #change(state: BreakerState): void {
    const until = state === BreakerState.OPEN ? this.#backoff.notBefore : 0;
    if (state === this.#state && until === this.#until) return;
    const before = this.#state;
    this.#state = state;
    this.#until = until;
    this.show();
    if (state !== before) this.#logState(state);
  }

  #logState(state: BreakerState): void {
    const { log, pool, clock } = this.#options;
    if (state === BreakerState.OPEN) {
      const ms = Math.round(this.#until - clock.now());
      const [reason] = this.#reason.split("\n", 1);
      const text = `${this.#backoff.barren} workers failed in a row: requests get 503 for ${ms} ms, then one worker is tried: ${reason}`;
      log.line("error", "TN0255", { pool }, text);
      return;
    }
    const half = state === BreakerState.HALF_OPEN;
    const text = half ? "tries one worker" : "takes requests again";
    log.line("notice", "TN0256", { pool }, text);
  }
}
