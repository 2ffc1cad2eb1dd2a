// SPDX-License-Identifier: Apache-2.0
// Runs one test file of a framework in this process, by the test runner that it is written for. Used by application.ts.
import { run } from "node:test";
import Mocha from "mocha";

/** What became of one test. */
export interface TestResult {
  /** Titles from the outermost on. */
  readonly title: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Of a failed one: what it threw. */
  readonly error?: string;
}

/** Test runners that suites are written for. */
export type RunnerName = "node-test" | "mocha";

/** @param timeoutMs longest time for one test */
type Run = (
  file: string,
  timeoutMs: number,
  onResult: (result: TestResult) => void,
) => Promise<void>;

function textOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return textOf(error.cause instanceof Error ? error.cause : (error.stack ?? error.message));
}

/** Several calls in a process share node:test's root, one after another. */
async function runNodeTest(
  file: string,
  timeoutMs: number,
  onResult: (result: TestResult) => void,
): Promise<void> {
  const titles: string[] = [];
  const stream = run({
    files: [file],
    isolation: "none",
    concurrency: 1,
    timeout: timeoutMs,
  });
  // The first test begins when the file is loaded. A run ends when the process has nothing left to do, which a worker always has: node:test's listener
  // waits for the tests, then ends the run.
  stream.once("test:dequeue", () => process.emit("beforeExit", 0));
  for await (const { type, data } of stream) {
    if (type !== "test:start" && type !== "test:pass" && type !== "test:fail") continue;
    titles.length = data.nesting;
    titles[data.nesting] = data.name;
    if (type === "test:start") continue;
    const title = titles.join(" > ");
    if (type === "test:fail") {
      onResult({ title, outcome: "failed", error: textOf(data.details.error) });
    } else {
      onResult({ title, outcome: data.skip === undefined ? "passed" : "skipped" });
    }
  }
}

class NoReport extends Mocha.reporters.Base {}

async function runMocha(
  file: string,
  timeoutMs: number,
  onResult: (result: TestResult) => void,
): Promise<void> {
  const mocha = new Mocha({ timeout: timeoutMs, reporter: NoReport });
  mocha.addFile(file);
  await mocha.loadFilesAsync();
  await new Promise<void>((resolve) => {
    const runner = mocha.run(() => resolve());
    const titleOf = (test: Mocha.Test): string => test.titlePath().join(" > ");
    runner.on("pass", (test) => onResult({ title: titleOf(test), outcome: "passed" }));
    runner.on("pending", (test) => onResult({ title: titleOf(test), outcome: "skipped" }));
    runner.on("fail", (test, error) =>
      onResult({ title: titleOf(test), outcome: "failed", error: textOf(error) }),
    );
  });
}

/** The runners by name. */
export const runners: Readonly<Record<RunnerName, Run>> = {
  "node-test": runNodeTest,
  mocha: runMocha,
};
