// SPDX-License-Identifier: Apache-2.0
// npm run chaos. Exit status: 0, or 1 when a limit was missed or a scenario failed, 2 when nothing could be run; by the signal that interrupted it.
import { writeFileSync } from "node:fs";
import type { Row } from "../../bench/report.ts";
import { compare, toCompareTable } from "./compare/compare.ts";
import { Interruption } from "./interruption.ts";
import { type ChaosOptions, chaosHelp, parseChaosOptions } from "./options.ts";
import { complaintsOf, toRows, toTable } from "./report.ts";
import { type Result, runScenario } from "./run.ts";
import { scenarios } from "./scenarios.ts";

const interrupt = new Interruption();

async function runAll(options: ChaosOptions, results: Result[]): Promise<void> {
  for (const mpm of options.mpms) {
    for (const name of options.scenarios) {
      const scenario = scenarios.get(name);
      if (scenario === undefined || scenario.mpms?.includes(mpm) === false) continue;
      console.error(`${mpm} ${name}: ${scenario.text}`);
      const result = await runScenario(name, scenario, mpm, options.seed, interrupt.signal);
      results.push(result);
      for (const complaint of complaintsOf(result)) console.error(complaint);
    }
  }
}

function writeRows(path: string | undefined, rows: readonly Row[]): void {
  if (path !== undefined) writeFileSync(path, `${JSON.stringify(rows, null, 2)}\n`);
}

async function runScenarios(options: ChaosOptions): Promise<void> {
  const results: Result[] = [];
  console.error(`seed ${options.seed}`);
  try {
    await runAll(options, results);
  } finally {
    console.log(toTable(results));
    writeRows(options.json, results.flatMap(toRows));
  }
  if (results.some((result) => complaintsOf(result).length > 0)) process.exitCode = 1;
}

async function runComparison(options: ChaosOptions): Promise<void> {
  const results = await compare(options.faults, interrupt.signal, (line) => console.error(line));
  console.log(toCompareTable(results));
  writeRows(
    options.json,
    results.flatMap(({ rows }) => rows),
  );
}

try {
  const options = parseChaosOptions(process.argv.slice(2));
  if (options.help) console.log(chaosHelp());
  else if (options.compare) await runComparison(options);
  else await runScenarios(options);
} catch (error) {
  console.error(error instanceof Error ? `chaos: ${error.message}` : error);
  process.exitCode = 2;
} finally {
  interrupt.end();
}
