// SPDX-License-Identifier: Apache-2.0
// CPU time of process trees from /proc (proc_pid_stat(5)).
import { readdirSync, readFileSync } from "node:fs";

/** Length of a tick of /proc's clock: USER_HZ is 100 on every Linux architecture that Node runs on. */
const tickUs = 10_000;

export interface ProcessTimes {
  readonly pid: number;
  readonly parent: number;
  /** User and system time, that of ended and waited-for children included, microseconds. */
  readonly cpuUs: number;
}

/** Reads one line of /proc/PID/stat. The name (second field) may hold blanks and parentheses. */
export function parseStat(line: string): ProcessTimes {
  const fields = line.slice(line.lastIndexOf(")") + 2).split(" ");
  // Fields 14 to 17 of the manual page: utime, stime, cutime, cstime. `fields` begins with the third.
  const ticks = fields.slice(11, 15).reduce((sum, each) => sum + Number(each), 0);
  return { pid: Number.parseInt(line, 10), parent: Number(fields[1]), cpuUs: ticks * tickUs };
}

function readAll(): ProcessTimes[] {
  const found: ProcessTimes[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue;
    try {
      found.push(parseStat(readFileSync(`/proc/${name}/stat`, "latin1")));
    } catch {
      // The process ended between the listing and the reading.
    }
  }
  return found;
}

/** Those of `all` that are one of `roots` or descend from one. */
export function selectTrees(
  all: readonly ProcessTimes[],
  roots: readonly number[],
): ProcessTimes[] {
  const children = new Map<number, ProcessTimes[]>();
  for (const each of all) children.set(each.parent, [...(children.get(each.parent) ?? []), each]);
  const chosen = new Map<number, ProcessTimes>();
  const visit = (process: ProcessTimes): void => {
    if (chosen.has(process.pid)) return;
    chosen.set(process.pid, process);
    for (const child of children.get(process.pid) ?? []) visit(child);
  };
  for (const each of all) if (roots.includes(each.pid)) visit(each);
  return [...chosen.values()];
}

/** CPU time of the trees below `roots` until now, microseconds (in steps of 10 ms). */
export function treesCpuUs(roots: readonly number[]): number {
  return selectTrees(readAll(), roots).reduce((sum, each) => sum + each.cpuUs, 0);
}
