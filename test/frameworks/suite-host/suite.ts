// SPDX-License-Identifier: Apache-2.0
// Declares a framework's own test files as tests of ours: each runs inside a worker, its servers behind a real httpd.
import assert from "node:assert/strict";
import { EventEmitter, once } from "node:events";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { freePort } from "../../../ts/cli/private-httpd.ts";
import { head, open } from "../../helpers/http-client.ts";
import { root, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";
import type { FileEnd } from "./application.ts";
import type { RunnerName, TestResult } from "./runners.ts";

/** Tests that fail behind another server, by file and title, with the reason. */
export type Exclusions = Readonly<Record<string, Reasons>>;

/** A framework's own tests. */
export interface Suite {
  readonly runner: RunnerName;
  /** Folder of the test files. */
  readonly folder: string;
  /** Working folder; unset: the system's temporary one. */
  readonly directory?: string;
  readonly files: readonly string[];
  /** Tests that must fail: one that passes is to be taken from the list. */
  readonly exclusions: Exclusions;
  /** Tests whose outcome is a matter of time behind another server, with the reason: they may fail. */
  readonly races?: Exclusions;
  /** Longest time for one test, ms; unset: 4,000. */
  readonly testTimeoutMs?: number;
  /** At least so many tests, so that none are lost unseen. */
  readonly tests: number;
  /** Tags of lines in httpd's log that the tests cause on purpose. */
  readonly tags?: readonly string[];
  /** Workers side by side; unset: 1. */
  readonly lanes?: number;
}

interface FileResult extends FileEnd {
  readonly results: readonly TestResult[];
}

const application = join(root, "test", "frameworks", "suite-host", "application.ts");
const PORTS = 48;
const FILE_TIMEOUT_MS = 120_000;
const TEST_TIMEOUT_MS = 4000;

type Reasons = Readonly<Record<string, string>>;

async function hasLoopback6(): Promise<boolean> {
  const server = createServer().listen(0, "::1");
  return new Promise((resolve) => {
    server.once("error", () => resolve(false));
    server.once("listening", () => server.close(() => resolve(true)));
  });
}

/** A pool with ports of its own, since a server of a test is in one process. */
function laneConfig(
  name: string,
  ports: readonly number[],
  loopback6: boolean,
  directory: string,
): string {
  const addresses = ports.flatMap((port) =>
    loopback6 ? [`127.0.0.1:${port}`, `[::1]:${port}`] : [`127.0.0.1:${port}`],
  );
  return `<TenonPool ${name}>
  TenonApp "${application}"
  TenonDirectory "${directory}"
  TenonProcesses 1 1
  TenonConcurrency 1000
  TenonRequestTimeout ${FILE_TIMEOUT_MS / 1000}
  TenonEnv TENON_SUITE_PORTS ${ports.join(",")}
  TenonEnv NODE_ENV test
</TenonPool>
${addresses.map((address) => `Listen ${address}`).join("\n")}
<VirtualHost ${addresses.join(" ")}>
  AllowEncodedSlashes NoDecode
  KeepAliveTimeout 2
  <Location "/">
    SetHandler tenon:${name}
  </Location>
</VirtualHost>
`;
}

async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

async function runFile(controlPort: number, suite: Suite, file: string): Promise<FileResult> {
  const query = new URLSearchParams({
    runner: suite.runner,
    file: join(suite.folder, file),
    timeout: String(suite.testTimeoutMs ?? TEST_TIMEOUT_MS),
  });
  const request = open(`http://127.0.0.1:${controlPort}/?${query}`, { timeoutMs: FILE_TIMEOUT_MS });
  request.end();
  const results: TestResult[] = [];
  let end: FileEnd | undefined;
  for await (const line of createInterface({ input: await head(request) })) {
    const message = JSON.parse(line) as TestResult | FileEnd;
    if ("requests" in message) end = message;
    else results.push(message);
  }
  assert.ok(end !== undefined, `${file} did not come to its end`);
  return { results, requests: end.requests };
}

/** Fails on tests that failed unexpectedly, and on listed ones that did not. */
function judge({ results }: FileResult, excluded: Reasons, racing: Reasons): void {
  const failed = results.filter(({ outcome }) => outcome === "failed");
  const titles = new Set(failed.map(({ title }) => title));
  const known = [...Object.keys(excluded), ...Object.keys(racing)];
  // A test above the one that failed fails with it.
  const expected = (title: string): boolean =>
    known.some((one) => one === title || one.startsWith(`${title} > `));
  const surprising = failed.filter(({ title }) => !expected(title));
  assert.deepEqual(
    surprising.map(({ title, error }) => `${title}: ${error}`),
    [],
    "tests failed that pass on plain Node",
  );
  const passing = Object.keys(excluded).filter((title) => !titles.has(title));
  assert.deepEqual(passing, [], "excluded tests did not fail: take them from the list");
}

/**
 * Declares a mocha suite with a test for each file.
 *
 * @param title of the mocha suite
 */
export function describeSuite(title: string, suite: Suite): void {
  describe(title, function () {
    // The first test may wait until files before its own have run in its lane.
    this.timeout(2 * FILE_TIMEOUT_MS);
    let httpd: TestHttpd;
    const ran = new EventEmitter().setMaxListeners(0);
    const runs = new Map<string, Promise<FileResult>>();

    async function runLane(controlPort: number, files: string[]): Promise<void> {
      for (let file = files.shift(); file !== undefined; file = files.shift()) {
        const run = runFile(controlPort, suite, file);
        runs.set(file, run);
        ran.emit(file);
        await run.catch(() => undefined);
      }
    }

    async function resultOf(file: string): Promise<FileResult> {
      if (!runs.has(file)) await once(ran, file);
      return runs.get(file) as Promise<FileResult>;
    }

    before(async () => {
      const loopback6 = await hasLoopback6();
      const all = await freePorts(PORTS * (suite.lanes ?? 1));
      const lanes = Array.from({ length: suite.lanes ?? 1 }, () => all.splice(0, PORTS));
      httpd = await startHttpd({
        text: lanes
          .map((ports, index) =>
            laneConfig(`lane${index}`, ports, loopback6, suite.directory ?? tmpdir()),
          )
          .join("\n"),
      });
      httpd.expectLog(...(suite.tags ?? []));
      const files = [...suite.files];
      for (const ports of lanes) void runLane(ports[0] ?? 0, files);
    });
    after(() => httpd.stop());

    for (const file of suite.files) {
      it(`passes ${file}`, async () => {
        judge(await resultOf(file), suite.exclusions[file] ?? {}, suite.races?.[file] ?? {});
      });
    }

    it(`runs at least ${suite.tests} tests through httpd`, async () => {
      const all = await Promise.all(suite.files.map(resultOf));
      const passed = all.flatMap(({ results }) => results).filter(isPassed);
      assert.ok(passed.length >= suite.tests, `${passed.length} passed`);
      const requests = all.reduce((sum, file) => sum + file.requests, 0);
      assert.ok(requests > 0, "no request came through httpd");
    });
  });
}

function isPassed({ outcome }: TestResult): boolean {
  return outcome === "passed";
}
