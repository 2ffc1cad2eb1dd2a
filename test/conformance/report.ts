// SPDX-License-Identifier: Apache-2.0
// Results become a table and totals (for people) and rows (for --json).
import type { Result, Verdict } from "./run.ts";

/** One row of --json, as the benchmark writes them. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Largest value that is good enough, null when there is no limit. */
  readonly limit: number | null;
}

const words: Readonly<Record<Verdict, string>> = {
  same: "as expected",
  listed: "differs, listed",
  failed: "FAILED",
};

function line({ case: of, host, verdict, text }: Result): string {
  const first = `${words[verdict].padEnd(16)}${host.padEnd(7)}${of.area}: ${of.name}`;
  return verdict === "failed" ? `${first}\n${text.replaceAll(/^/gm, "    ")}` : first;
}

/** A line for each result; below a failed one, what is wrong. */
export function toTable(results: readonly Result[]): string {
  return results.map(line).join("\n");
}

function count(results: readonly Result[], host: string, verdict: Verdict): number {
  return results.filter((each) => each.host === host && each.verdict === verdict).length;
}

function hostsOf(results: readonly Result[]): string[] {
  return [...new Set(results.map(({ host }) => host))];
}

/** A line for each host. */
export function toTotals(results: readonly Result[]): string {
  const totals = hostsOf(results).map((host) => {
    const counts = (["same", "listed", "failed"] as const).map(
      (verdict) => `${count(results, host, verdict)} ${words[verdict]}`,
    );
    return `${host}: ${counts.join(", ")}`;
  });
  return totals.join("\n");
}

/** Cases a host, and those that differ or fail. */
export function toRows(results: readonly Result[]): Row[] {
  return hostsOf(results).flatMap((host) => {
    const row = (what: Verdict, limit: number | null): Row => {
      const value = count(results, host, what);
      return { name: `conformance.${host}.${what}`, value, unit: "cases", limit };
    };
    return [row("same", null), row("listed", null), row("failed", 0)];
  });
}
