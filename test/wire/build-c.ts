// SPDX-License-Identifier: Apache-2.0
// Builds the C programs of the wire's tests into a temporary folder and runs them.
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/** The project's root, with a slash at its end. */
export const root: string = fileURLToPath(new URL("../../", import.meta.url));

/** Flags that all C of the wire is built with. */
export const warnings: readonly string[] = [
  "-Wall",
  "-Wextra",
  "-Wpedantic",
  "-Wshadow",
  "-Wconversion",
  "-Werror",
];

const sanitizers = ["-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"];

/** Files of native/wire with this ending, as paths. */
export function wireFiles(ending: string): string[] {
  return readdirSync(`${root}native/wire`)
    .filter((file) => file.endsWith(ending))
    .sort()
    .map((file) => `${root}native/wire/${file}`);
}

/** Makes a temporary folder, hands it out, removes it. */
export function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "tenon-wire-"));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Runs a compiler; throws with what it said when it fails. */
export function compile(compiler: string, args: readonly string[]): void {
  execFileSync(compiler, args, { cwd: root, stdio: ["ignore", "pipe", "pipe"], encoding: "utf8" });
}

/** Builds test/wire/<sources> with the codec under sanitizers, runs it, and returns the lines that it printed. */
export function runProgram(
  sources: readonly string[],
  input: string,
  args: readonly string[] = [],
): string[] {
  return withFolder((folder) => {
    const files = sources.map((source) => `${root}test/wire/${source}`);
    const program = join(folder, "program");
    compile("gcc", [
      "-std=c11",
      ...warnings,
      ...sanitizers,
      `-I${root}native/wire`,
      ...files,
      ...wireFiles(".c"),
      "-o",
      program,
    ]);
    const run = spawnSync(program, args, { input, encoding: "utf8", timeout: 60_000 });
    if (run.status !== 0)
      throw new Error(`${sources[0]}: status ${run.status}, signal ${run.signal}\n${run.stderr}`);
    return run.stdout.trimEnd().split("\n");
  });
}

/** A line of tap.h. */
export interface Result {
  readonly passed: boolean;
  readonly sentence: string;
}

/** Runs a program that prints the lines of tap.h and "done". */
export function runChecks(sources: readonly string[], input: string): Result[] {
  const lines = runProgram(sources, input);
  if (lines.pop() !== "done") throw new Error(`${sources[0]} did not come to its end`);
  return lines.map((line) => {
    const match = /^(not )?ok - (.*)$/.exec(line);
    if (match === null) throw new Error(`${sources[0]} printed ${line}`);
    return { passed: match[1] === undefined, sentence: match[2] ?? "" };
  });
}
