// SPDX-License-Identifier: Apache-2.0
// Runs a piece of code in a Node process of its own, with native() at hand: for what changes or ends a process.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { text } from "node:stream/consumers";

/** Address of ts/native.ts, to import from. */
export const nativeUrl: string = new URL("../../ts/native.ts", import.meta.url).href;

export interface ChildResult {
  readonly code: number | null;
  readonly signal: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs code; `native()`, `fs` and `spawnSync` are imported. */
export async function runChild(code: string): Promise<ChildResult> {
  const head = `import { native } from ${JSON.stringify(nativeUrl)};
    import fs from "node:fs";
    import { spawnSync } from "node:child_process";`;
  const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module"];
  const child = spawn(process.execPath, [...flags, "-e", head + code], {
    stdio: ["ignore", "pipe", "pipe"],
    cwd: "/",
  });
  const exit = once(child, "exit") as Promise<[number | null, string | null]>;
  const [[exitCode, signal], stdout, stderr] = await Promise.all([
    exit,
    text(child.stdout),
    text(child.stderr),
  ]);
  return { code: exitCode, signal, stdout, stderr };
}

/** Runs code that prints JSON, and gives that. */
export async function askChild(code: string): Promise<unknown> {
  const result = await runChild(code);
  if (result.code !== 0) throw new Error(`exit ${result.code} ${result.signal}: ${result.stderr}`);
  return JSON.parse(result.stdout);
}
