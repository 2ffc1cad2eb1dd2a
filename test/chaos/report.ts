// SPDX-License-Identifier: Apache-2.0
// Results become a table (for people) and rows (for --json).
import { missed, type Row } from "../../bench/report.ts";
import type { Result } from "./run.ts";
import type { SoakResult } from "./soak.ts";

/** All figures of a result as rows. */
export function toRows(result: Result): Row[] {
  const { name, mpm, figures, own, error } = result;
  const prefix = `chaos.${mpm}.${name}`;
  const all = [...figures, ...own];
  const rows = all.map((figure) => ({ ...figure, name: `${prefix}.${figure.name}` }));
  const value = error === undefined ? 0 : 1;
  return [...rows, { name: `${prefix}.errors`, value, unit: "errors", limit: 0 }];
}

/** What of a result is beyond its limit, in words; empty: all is well. */
export function complaintsOf(result: Result): string[] {
  const beyond = missed(toRows(result)).map(
    ({ name, value, unit, limit }) => `${name}: ${value} ${unit}, at most ${limit}`,
  );
  return result.error === undefined ? beyond : [...beyond, result.error];
}

/** The figures of a soak as rows. */
export function toSoakRows({ figures, errors }: SoakResult): Row[] {
  const rows = figures.map((figure) => ({ ...figure, name: `soak.${figure.name}` }));
  return [...rows, { name: "soak.errors", value: errors.length, unit: "errors", limit: 0 }];
}

/** The table of a soak, and what went wrong. */
export function toSoakTable(result: SoakResult): string {
  const faults = [...result.faults].map(([name, count]) => `${name} ${count}`);
  const rows = toSoakRows(result).map(({ name, value, unit, limit }) => {
    const verdict =
      limit === null ? "" : value <= limit ? `at most ${limit}` : `MISSED: at most ${limit}`;
    return `${name.padEnd(32)}${String(value).padStart(10)} ${unit.padEnd(12)}${verdict}`.trimEnd();
  });
  return [...result.errors, `faults: ${faults.join(", ")}`, ...rows].join("\n");
}

const columns = ["sent", "right", "duplicated", "replayed", "recovery"] as const;

function cellsOf(result: Result): string[] {
  const value = (name: string): string =>
    String(result.figures.find((figure) => figure.name === name)?.value ?? "");
  const own = result.own.map((each) => `${each.name} ${each.value} ${each.unit}`);
  const notes = [result.failures, ...own];
  return [
    result.name,
    result.mpm,
    ...columns.map(value),
    value("beside-slowest"),
    complaintsOf(result).length === 0 ? "as promised" : "MISSED",
    notes.filter(Boolean).join("; "),
  ];
}

/** The table that is printed at the end. Recovery and the slowest answer beside the attacked pool are in ms. */
export function toTable(results: readonly Result[]): string {
  const head = ["scenario", "MPM", ...columns, "beside", "verdict", "not answered right"];
  const lines = [head, ...results.map(cellsOf)];
  const widths = head.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd(),
    )
    .join("\n");
}
