// SPDX-License-Identifier: Apache-2.0
// The benchmark: node bench/main.ts (npm run bench), see docs/performance.md. Calls scenarios on contenders (measure.ts),
// prints tables and ratios (report.ts). Exit status: 0, or 1 after an error, a wrong response or (--strict) a missed limit.

import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ContenderName } from "./contenders.ts";
import { measureFirstHits, toFirstHitTable } from "./first-hit.ts";
import type { Contender } from "./httpd.ts";
import { contendersOf, findMissing, measure, type Samples, startContenders } from "./measure.ts";
import { helpText, type Options, parseOptions } from "./options.ts";
import { missed, type Row, toRows, toTables } from "./report.ts";
import type { ScenarioName } from "./scenarios.ts";

/** First requests that a row of first-hit is the median of. */
const firstHits = 10;

const interrupt = new AbortController();
const common = {
  signal: interrupt.signal,
  onProgress: (line: string): void => console.error(line),
};
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => interrupt.abort(new Error(`stopped by ${name}`)));
}

/** Runs `body` with a temporary folder and a table of running contenders; both are gone when it returns. */
async function withContenders<T>(
  body: (folder: string, running: Map<ContenderName, Contender>) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), "tenon-bench-"));
  // httpd's children run as another user and must get through to their sockets.
  chmodSync(folder, 0o711);
  const running = new Map<ContenderName, Contender>();
  try {
    return await body(folder, running);
  } finally {
    const stopped = await Promise.allSettled([...running.values()].map((each) => each.stop()));
    for (const outcome of stopped) {
      if (outcome.status === "fulfilled") continue;
      console.error("bench: a contender did not stop in order:", outcome.reason);
      process.exitCode = 1;
    }
    rmSync(folder, { recursive: true, force: true });
  }
}

async function hold(name: ContenderName): Promise<void> {
  await withContenders(async (folder, running) => {
    await startContenders([name], folder, running, interrupt.signal);
    const contender = running.get(name);
    console.log(`${contender?.url} processes ${contender?.roots().join(" ")} folder ${folder}`);
    if (!interrupt.signal.aborted) await once(interrupt.signal, "abort");
  });
}

/** Measures one scenario; nothing else of ours runs beside its contenders. */
async function measureScenario(scenario: ScenarioName, options: Options): Promise<Samples> {
  const wanted = contendersOf(scenario, options.contenders);
  const missing = findMissing(wanted);
  for (const line of missing.values()) console.log(line);
  const here = wanted.filter((name) => !missing.has(name));
  return withContenders(async (folder, running) => {
    await startContenders(here, folder, running, interrupt.signal);
    return measure(running, { ...options, ...common, folder, scenarios: [scenario] });
  });
}

async function run(options: Options): Promise<boolean> {
  const rows: Row[] = [];
  if (options.firstHit) {
    // Before anything else runs: it is about what one request waits for.
    const hits = await withContenders((folder) =>
      measureFirstHits({ ...common, folder, hits: firstHits }),
    );
    rows.push(...hits);
    console.log(`\n${toFirstHitTable(hits)}`);
  }
  const samples: Samples = new Map();
  for (const scenario of options.scenarios) {
    if (contendersOf(scenario, options.contenders).length === 0) continue;
    for (const [name, taken] of await measureScenario(scenario, options)) samples.set(name, taken);
  }
  if (samples.size > 0) {
    console.log(`\n${toTables(samples)}`);
    rows.push(...toRows(samples));
  }
  if (options.json !== undefined) {
    writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
  }
  return missed(rows).length === 0;
}

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) console.log(helpText());
  else if (options.hold !== undefined) await hold(options.hold);
  else if (!(await run(options)) && options.strict) process.exitCode = 1;
} catch (error) {
  const reason: unknown = interrupt.signal.aborted ? interrupt.signal.reason : error;
  console.error(reason instanceof Error ? `bench: ${reason.message}` : reason);
  process.exitCode = 1;
}
