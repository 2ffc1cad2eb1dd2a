// SPDX-License-Identifier: Apache-2.0
// Runs the checks and the suites and adds up what came out; the last line is `N passed, N failed, N skipped`.
// Called by scripts/test.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

const root = fileURLToPath(new URL("..", import.meta.url));
const bin = (name: string): string => join(root, "node_modules", ".bin", name);

/** Folders whose code runs in a worker, so under the user's Node and not ours. */
const WORKER_SUITES = ["channel", "adapter", "worker", "wire", "native"];
const WORKER_NODES = ["node-22", "node-26"];

const total: Counts = { passed: 0, failed: 0, skipped: 0 };
const failures: string[] = [];

function add(title: string, counts: Counts): void {
  total.passed += counts.passed;
  total.failed += counts.failed;
  total.skipped += counts.skipped;
  if (counts.failed > 0) failures.push(`${title}: ${counts.failed} failed`);
}

function check(title: string, command: string, args: readonly string[]): void {
  console.log(`==> ${title}`);
  const result = spawnSync(command, args, { cwd: root, encoding: "utf8", stdio: "pipe" });
  const passed = result.status === 0;
  if (!passed) console.log(`${result.stdout}${result.stderr}${result.error ?? ""}`);
  add(title, { passed: passed ? 1 : 0, failed: passed ? 0 : 1, skipped: 0 });
}

function sourcesInC(): string[] {
  const listed = spawnSync("git", ["ls-files", "*.c", "*.h", "*.cc"], { cwd: root });
  return listed.stdout.toString().split("\n").filter(existsInRoot);
}

function existsInRoot(path: string): boolean {
  return path !== "" && existsSync(join(root, path));
}

function mocha(title: string, node: string, args: readonly string[]): void {
  console.log(`==> ${title}`);
  const folder = mkdtempSync(join(tmpdir(), "tenon-counts-"));
  const path = join(folder, "counts.json");
  try {
    const result = spawnSync(node, [join(root, "node_modules/mocha/bin/mocha.js"), ...args], {
      cwd: root,
      stdio: ["ignore", "inherit", "inherit"],
      env: { ...process.env, TENON_TEST_COUNTS: path },
    });
    const counts: Counts = existsSync(path)
      ? JSON.parse(readFileSync(path, "utf8"))
      : { passed: 0, failed: 0, skipped: 0 };
    // A runner that dies, or that finds no test, is a failure that no test can count.
    if (counts.failed === 0 && (result.status !== 0 || counts.passed === 0)) counts.failed = 1;
    add(title, counts);
  } finally {
    rmSync(folder, { recursive: true });
  }
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
  for (const name of WORKER_NODES) {
    const node = join(root, "test/node-versions/node_modules", name, "bin/node");
    const suites = WORKER_SUITES.map((suite) => `test/${suite}/**/*.test.ts`);
    mocha(`the worker's suites, ${name}`, node, suites);
  }
}

const args = process.argv.slice(2);
if (args.length > 0) mocha(`mocha ${args.join(" ")}`, process.execPath, args);
else everything();
for (const line of failures) console.log(line);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exitCode = total.failed === 0 ? 0 : 1;
