// SPDX-License-Identifier: Apache-2.0
// What the kernel tells of processes (proc(5)).
import assert from "node:assert/strict";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";

export interface ProcessFacts {
  readonly pid: number;
  readonly parent: number;
  readonly session: number;
  /** One letter; Z is a zombie. */
  readonly state: string;
  readonly command: string;
}

/** Reads /proc/PID/stat; undefined when there is no such process. */
export function processFacts(pid: number): ProcessFacts | undefined {
  const text = readProc(pid, "stat");
  if (text === undefined) return undefined;
  // The command stands in parentheses and may hold any byte, a parenthesis too.
  const end = text.lastIndexOf(")");
  const fields = text.slice(end + 2).split(" ");
  const command = text.slice(text.indexOf("(") + 1, end);
  return {
    pid,
    command,
    state: fields[0] ?? "",
    parent: Number(fields[1]),
    session: Number(fields[3]),
  };
}

export function allProcesses(): ProcessFacts[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.flatMap((pid) => processFacts(Number(pid)) ?? []);
}

/** Tells whether a process runs (a zombie does not). */
export function alive(pid: number): boolean {
  const facts = processFacts(pid);
  return facts !== undefined && facts.state !== "Z";
}

export function childrenOf(pid: number): number[] {
  return allProcesses().flatMap((facts) => (facts.parent === pid ? facts.pid : []));
}

/** Finds the processes that have something to do with a folder: in their arguments, as working directory or open file. */
export function processesIn(directory: string): ProcessFacts[] {
  return allProcesses().filter(({ pid }) => pid !== process.pid && refersTo(pid, directory));
}

function refersTo(pid: number, directory: string): boolean {
  if (readProc(pid, "cmdline")?.includes(directory) === true) return true;
  if (readProc(pid, "maps")?.includes(directory) === true) return true;
  return linksOf(pid).some((target) => target.startsWith(directory));
}

/** Gives what the descriptors and the working directory of a process refer to. */
export function linksOf(pid: number): string[] {
  const links = [`/proc/${pid}/cwd`];
  try {
    for (const fd of readdirSync(`/proc/${pid}/fd`)) links.push(`/proc/${pid}/fd/${fd}`);
  } catch {
    // Gone meanwhile, or another user's.
  }
  return links.flatMap((link) => {
    try {
      return readlinkSync(link);
    } catch {
      return []; // Gone meanwhile, or another user's.
    }
  });
}

/** Gives a process's private resident memory, bytes (smaps_rollup: Private_Clean and Private_Dirty). */
export function privateMemory(pid: number): number {
  const text = readProc(pid, "smaps_rollup");
  assert.ok(text, `process ${pid} is gone`);
  const sizes = [...text.matchAll(/^Private_(?:Clean|Dirty):\s+(\d+) kB$/gm)];
  return sizes.reduce((sum, match) => sum + Number(match[1]) * 1024, 0);
}

/** Gives the environment that a process was started with. */
export function environmentOf(pid: number): NodeJS.Dict<string> {
  const pairs = (readProc(pid, "environ") ?? "").split("\0").filter((pair) => pair !== "");
  return Object.fromEntries(pairs.map((pair) => pair.split(/=(.*)/s, 2)));
}

/** Gives the path of the program that a process runs; undefined when it is gone. */
export function executableOf(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return undefined; // Gone meanwhile, or another user's.
  }
}

function readProc(pid: number, name: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "latin1");
  } catch {
    return undefined; // Gone meanwhile, or another user's.
  }
}

/** Looks every 10 ms until something is true, for states that nothing announces. @param explain is called when it does not come */
export async function waitUntil(
  what: string,
  test: () => boolean | Promise<boolean>,
  options: { timeoutMs?: number; explain?: () => string } = {},
): Promise<void> {
  const deadline = Date.now() + (options.timeoutMs ?? 20_000);
  while (!(await test())) {
    if (Date.now() > deadline) assert.fail(`${what}: not in time\n${options.explain?.() ?? ""}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/** Bytes that a process has read by system calls. */
export function readBytes(pid: number): number {
  return Number(/^rchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "latin1"))?.[1]);
}
