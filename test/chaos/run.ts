// SPDX-License-Identifier: Apache-2.0
// Runs a scenario and says what came of it. Called by main.ts and the suites.
import assert from "node:assert/strict";
import type { Mpm } from "../../ts/cli/httpd-config.ts";
import type { Load } from "./load.ts";
import { Random } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import { type Figure, Site } from "./site.ts";
import { type Kind, kinds } from "./work.ts";

/** What came of a scenario. */
export interface Result {
  readonly name: string;
  readonly mpm: Mpm;
  readonly figures: readonly Figure[];
  /** Figures of this scenario alone. */
  readonly own: readonly Figure[];
  /** Requests that were not answered right, in words. */
  readonly failures: string;
  /** What was not as it must be; undefined: nothing. */
  readonly error: string | undefined;
}

/** A reset may overtake a head that it follows at once: then the client sees neither. */
const DEFAULT_OUTCOMES = ["502", "cut", "broken"];
const MORE_ANSWERS = 150;
const BESIDE_MS = 3000;

/** Requests that were run more than once: as promise P2 lets idempotent ones be, and beyond that. */
export function countAgain(site: Site): { replayed: number; duplicated: number } {
  let replayed = 0;
  let duplicated = 0;
  for (const [id, times] of site.journal.read()) {
    const most = site.loads.some((load) => load.hasPosted(id)) ? 1 : 2;
    replayed += Math.min(times, most) - 1;
    duplicated += Math.max(0, times - most);
  }
  return { replayed, duplicated };
}

/** What the load of a site shows: the figures that every scenario has. */
export function tally(site: Site, limits: Scenario["limits"]): Figure[] {
  const { load, beside } = site;
  const begun = site.journal.read();
  const unknown = load.right.filter((id) => !begun.has(id)).length;
  const again = countAgain(site);
  const failed = (kind: Kind): Figure => ({
    name: `failed-${kind}`,
    value: load.failed(kind),
    unit: "requests",
    limit: limits.failed?.[kind] ?? 0,
  });
  const wrong = kinds.reduce((sum, kind) => sum + (load.outcomes[kind]["wrong"] ?? 0), unknown);
  const besideFailed = beside.flatMap((each) => kinds.map((kind) => each.failed(kind)));
  const sum = besideFailed.reduce((one, other) => one + other, 0);
  const count = (name: string, value: number, limit: number | null): Figure => {
    return { name, value, unit: "requests", limit };
  };
  const ms = (name: string, value: number, limit: number | null): Figure => {
    return { name, value: Math.round(value), unit: "ms", limit };
  };
  return [
    count("sent", load.sent, null),
    count("right", load.right.length, null),
    ...kinds.map(failed),
    count("wrong", wrong, 0),
    count("duplicated", again.duplicated, 0),
    count("replayed", again.replayed, null),
    ms("recovery", load.recoveryMs, limits.recoveryMs ?? null),
    count("beside-failed", sum, limits.beside ?? 0),
    ms(
      "beside-slowest",
      Math.max(...beside.map((each) => each.slowestMs)),
      limits.besideMs ?? BESIDE_MS,
    ),
  ];
}

/** @throws {AssertionError} when a request failed in another way than the scenario lets it */
function checkOutcomes(load: Load, allowed: readonly string[]): void {
  for (const kind of kinds) {
    for (const outcome of Object.keys(load.outcomes[kind])) {
      const known = outcome === "right" || outcome === "wrong" || allowed.includes(outcome);
      assert.ok(known, `${kind}: ${load.describeFailures()}; allowed are ${allowed.join(", ")}`);
    }
  }
}

async function attack(site: Site, scenario: Scenario, signal: AbortSignal): Promise<void> {
  for (let turn = 0; turn < (scenario.turns ?? 1); turn++) {
    signal.throwIfAborted();
    site.load.fault();
    await scenario.fault(site, turn);
    if (scenario.ends === true) break;
    await site.load.recovered();
    await site.load.more(MORE_ANSWERS);
  }
  await site.endLoad();
  await scenario.after?.(site);
  checkOutcomes(site.load, scenario.limits.outcomes ?? DEFAULT_OUTCOMES);
}

/** Runs a scenario under an MPM. Whatever goes wrong is in the result; throws only what `signal` was aborted with. */
export async function runScenario(
  name: string,
  scenario: Scenario,
  mpm: Mpm,
  seed: number,
  signal: AbortSignal,
): Promise<Result> {
  const errors: unknown[] = [];
  let site: Site | undefined;
  let figures: Figure[] = [];
  try {
    site = await Site.open(scenario, mpm, new Random(seed));
    await attack(site, scenario, signal);
  } catch (error) {
    errors.push(error);
  }
  if (site !== undefined) {
    try {
      await site.endLoad();
      figures = tally(site, scenario.limits);
      await site.httpd.stop();
    } catch (error) {
      errors.push(error);
    }
  }
  signal.throwIfAborted();
  const failures = site?.loads.map((load) => load.describeFailures()).filter(Boolean) ?? [];
  const error = errors.length === 0 ? undefined : errors.map(String).join("\n");
  const own = site?.figures ?? [];
  return { name, mpm, figures, own, failures: failures.join("; "), error };
}
