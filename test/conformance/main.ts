// SPDX-License-Identifier: Apache-2.0
// npm run conformance: runs cases on hosts, prints what came of them. Exit status: 0, or 1 when a case failed, 2 when nothing could be run.
import { writeFileSync } from "node:fs";
import { cases } from "./cases.ts";
import { helpText, parseOptions } from "./options.ts";
import { toRows, toTable, toTotals } from "./report.ts";
import { runCases } from "./run.ts";

try {
  const options = parseOptions(process.argv.slice(2));
  if (options.help) {
    console.log(helpText());
  } else {
    const chosen = cases.filter(({ area, name }) => `${area} ${name}`.includes(options.grep));
    if (chosen.length === 0)
      throw new Error(`no case has ${JSON.stringify(options.grep)} in its name`);
    const { results, complaints } = await runCases(chosen, options.hosts);
    console.log(`${toTable(results)}\n\n${toTotals(results)}`);
    if (options.json !== undefined) {
      writeFileSync(options.json, `${JSON.stringify(toRows(results), null, 2)}\n`);
    }
    for (const complaint of complaints) console.error(complaint);
    if (complaints.length > 0 || results.some(({ verdict }) => verdict === "failed"))
      process.exitCode = 1;
  }
} catch (error) {
  console.error(error instanceof Error ? `conformance: ${error.message}` : error);
  process.exitCode = 2;
}
