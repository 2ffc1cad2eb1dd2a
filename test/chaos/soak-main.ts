// SPDX-License-Identifier: Apache-2.0
// npm run soak. Exit status: 0, or 1 when something went wrong or leaked, 2 when nothing could be run; by the signal that interrupted it.
import { writeFileSync } from "node:fs";
import { missed } from "../../bench/report.ts";
import { Interruption } from "./interruption.ts";
import { parseSoakOptions, soakHelp } from "./options.ts";
import { toSoakRows, toSoakTable } from "./report.ts";
import { soak } from "./soak.ts";

const interrupt = new Interruption();

try {
  const options = parseSoakOptions(process.argv.slice(2));
  if (options.help) {
    console.log(soakHelp);
  } else {
    console.error(`seed ${options.seed}, ${options.mpm}, ${options.minutes} minutes`);
    const onProgress = (line: string): void => console.error(line);
    const result = await soak({ ...options, signal: interrupt.signal, onProgress });
    console.log(toSoakTable(result));
    const rows = toSoakRows(result);
    if (options.json !== undefined) {
      writeFileSync(options.json, `${JSON.stringify(rows, null, 2)}\n`);
    }
    if (missed(rows).length > 0) process.exitCode = 1;
  }
} catch (error) {
  console.error(error instanceof Error ? `soak: ${error.message}` : error);
  process.exitCode = 2;
} finally {
  interrupt.end();
}
