// SPDX-License-Identifier: Apache-2.0
// The faults that every run of the suites does; all of them: npm run chaos.
import assert from "node:assert/strict";
import { missed } from "../../bench/report.ts";
import { complaintsOf, toSoakRows, toSoakTable } from "./report.ts";
import { runScenario } from "./run.ts";
import { scenarios } from "./scenarios.ts";
import { soak } from "./soak.ts";

/** Of docs/reliability.md: what must lose no request at all. */
const lossless = ["kill", "kill-supervisor", "loop"];
const SOAK_MINUTES = 1;
/** Its faults may be slow ones, and what drains must end. */
const LONGEST_MS = 300_000;

describe("chaos", () => {
  const seed = (Date.now() % 1_000_000) + 1;
  const { signal } = new AbortController();

  for (const name of lossless) {
    const scenario = scenarios.get(name);
    assert.ok(scenario);
    it(`loses no request: ${scenario.text}`, async () => {
      const result = await runScenario(name, scenario, "event", seed, signal);
      assert.deepEqual(complaintsOf(result), [], `seed ${seed}`);
    });
  }

  it("leaks nothing, and loses only what a fault must cost, in a random mix of faults", async function () {
    this.timeout(LONGEST_MS);
    const lines: string[] = [];
    const onProgress = (line: string): number => lines.push(line);
    const options = { mpm: "event", minutes: SOAK_MINUTES, seed, signal, onProgress } as const;
    const result = await soak(options);
    const told = `seed ${seed}\n${toSoakTable(result)}\n${lines.join("\n")}`;
    assert.deepEqual(missed(toSoakRows(result)), [], told);
  });
});
