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
import { contendersOf, findMissing, measure, startContenders } from "./measure.ts";
import { helpText, type Options, parseOptions } from "./options.ts";
import { missed, type Row, toRows, toTables } from "./report.ts";

/** First requests that a row of first-hit is the median of. */
const firstHits = 10;

const interrupt = new AbortController();
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.on(name, () => interrupt.abort(new Error(`stopped by ${name}`)));
}

/** Runs `body` with a temporary folder and a table of running contenders; both are gone when it returns. */
async function withContenders(
  body: (folder: string, running: Map<ContenderName, Contender>) => Promise<void>,
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "tenon-bench-"));
  // httpd's children run as another user and must get through to their sockets.
  chmodSync(folder, 0o711);
  const running = new Map<ContenderName, Contender>();
  try {
    await body(folder, running);
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

async function run(options: Options): Promise<boolean> {
  const wanted = new Set(
    options.scenarios.flatMap((scenario) => contendersOf(scenario, options.contenders)),
  );
  let reached = true;
  const common = {
    signal: interrupt.signal,
    onProgress: (line: string): void => console.error(line),
  };
  await withContenders(async (folder, running) => {
    const rows: Row[] = [];
    if (options.firstHit) {
      // Before anything else runs: it is about what one request waits for.
      rows.push(...(await measureFirstHits({ ...common, folder, hits: firstHits })));
      console.log(`\n${toFirstHitTable(rows)}`);
    }
    if (wanted.size > 0) {
      const missing = findMissing([...wanted]);
      const here = [...wanted].filter((name) => !missing.has(name));
      await startContenders(here, folder, running, interrupt.signal);
      const samples = await measure(running, { ...options, ...common, folder });
      console.log(`\n${toTables(samples)}`);
      for (const line of missing.values()) console.log(line);
      rows.push(...toRows(samples));
    }
    reached = missed(rows).length === 0;
    if (options.json !== undefined) {
      writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
    }
  });
  return reached;
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
