// SPDX-License-Identifier: Apache-2.0
// Samples become rows (for --json) and tables (for people).
import type { ContenderName } from "./contenders.ts";
import type { Sample, Samples } from "./measure.ts";
import { type Figure, figures, type Ratio, ratios, scenarios } from "./scenarios.ts";

/** One row of --json. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Largest value that is good enough, null when there is no limit. */
  readonly limit: number | null;
}

/** The middle value, the mean of the two middle ones of an even number. NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** The median over the rounds of one figure over another of the same round; undefined when one of the two was not measured. */
export function ratioOf(samples: Samples, ratio: Ratio): number | undefined {
  const scenario = samples.get(ratio.scenario);
  const numerators = scenario?.get(ratio.of);
  const denominators = scenario?.get(ratio.over);
  if (!numerators?.length || numerators.length !== denominators?.length) return undefined;
  return median(
    numerators.map((sample, round) => {
      const other = denominators[round];
      return other === undefined ? Number.NaN : sample[ratio.figure] / other[ratio.figure];
    }),
  );
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}

const figureNames = Object.keys(figures) as Figure[];

function medians(samples: readonly Sample[]): Record<Figure, number> {
  const of = (figure: Figure): number => median(samples.map((sample) => sample[figure]));
  return { cpu: of("cpu"), rate: of("rate"), p50: of("p50"), p99: of("p99") };
}

interface Verdict {
  readonly ratio: Ratio;
  readonly value: number;
}

function verdicts(samples: Samples): Verdict[] {
  return ratios.flatMap((ratio) => {
    const value = ratioOf(samples, ratio);
    return value === undefined ? [] : [{ ratio, value }];
  });
}

/** All figures and ratios as rows. */
export function toRows(samples: Samples): Row[] {
  const absolute = [...samples].flatMap(([scenario, ofScenario]) =>
    [...ofScenario].flatMap(([contender, taken]) => {
      const middle = medians(taken);
      return figureNames.map((figure) => ({
        name: `${scenario}.${contender}.${figure}`,
        value: round(middle[figure]),
        unit: figures[figure],
        limit: null,
      }));
    }),
  );
  const relative = verdicts(samples).map(({ ratio, value }) => ({
    name: `${ratio.scenario}.${ratio.of}/${ratio.over}.${ratio.figure}`,
    value: round(value),
    unit: "ratio",
    limit: ratio.limit ?? null,
  }));
  return [...absolute, ...relative];
}

/** Whether a measured ratio is within its limit. */
export function missed(rows: readonly Row[]): Row[] {
  return rows.filter(({ value, limit }) => limit !== null && !(value <= limit));
}

function alignedLine(cells: readonly string[]): string {
  return cells.map((cell, at) => (at === 0 ? cell.padEnd(40) : cell.padStart(12))).join("");
}

function contenderLine(name: ContenderName, taken: readonly Sample[]): string {
  const { cpu, rate, p50, p99 } = medians(taken);
  return alignedLine([
    `  ${name}`,
    cpu.toFixed(1),
    rate < 100 ? rate.toFixed(2) : rate.toFixed(0),
    p50.toFixed(0),
    p99.toFixed(0),
  ]);
}

function ratioLine({ ratio, value }: Verdict): string {
  const { limit, aim } = ratio;
  const verdict = limit === undefined ? "" : value <= limit ? "reached" : "MISSED";
  return alignedLine([
    `  ${ratio.of} / ${ratio.over}`,
    `${ratio.scenario}`,
    ratio.figure,
    value.toFixed(2),
    limit === undefined ? "" : `<= ${limit}`,
    aim === undefined ? "" : `aim ${aim}`,
    verdict,
  ]);
}

/** The tables that are printed at the end of a run. */
export function toTables(samples: Samples): string {
  const lines: string[] = [];
  for (const [scenario, ofScenario] of samples) {
    lines.push(`${scenario}: ${scenarios[scenario].text}`);
    lines.push(alignedLine(["", "CPU µs/req", "req/s", "p50 µs", "p99 µs"]));
    for (const [contender, taken] of ofScenario) lines.push(contenderLine(contender, taken));
    lines.push("");
  }
  lines.push("ratios");
  lines.push(...verdicts(samples).map(ratioLine));
  return lines.join("\n");
}
