// SPDX-License-Identifier: Apache-2.0
// What a running httpd holds of the system, counted from outside, before and after. Called by soak.ts.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import type { TestHttpd } from "../helpers/httpd.ts";
import { allProcesses, linksOf, privateMemory } from "../helpers/processes.ts";
import type { Figure } from "./site.ts";

/** What is held, by name. */
export type Holdings = Readonly<Record<string, number>>;

const MIB = 1024 * 1024;

/** Units, and how much more of each is no leak: memory is warm after a while only. */
const kinds: Readonly<Record<string, { unit: string; more: number }>> = {
  processes: { unit: "processes", more: 0 },
  "parent-descriptors": { unit: "descriptors", more: 0 },
  // One more for each worker that was taken over: how it ends is watched by a descriptor (pidfd_open(2)).
  "supervisor-descriptors": { unit: "descriptors", more: 10 },
  // Channels that are kept, at both ends: how many depends on how requests come together.
  "child-descriptors": { unit: "descriptors", more: 4 },
  "worker-descriptors": { unit: "descriptors", more: 4 },
  "unix-sockets": { unit: "sockets", more: 0 },
  "shared-memory": { unit: "segments", more: 0 },
  "runtime-files": { unit: "files", more: 0 },
  "parent-memory": { unit: "MiB", more: 6 },
  "child-memory": { unit: "MiB", more: 16 },
  // A rescue hears of each frame of the stack: ten thousand of a recursion stay until V8 collects them.
  "supervisor-memory": { unit: "MiB", more: 64 },
};

function descriptors(pid: number): number {
  // Its working directory is a link too.
  return linksOf(pid).length - 1;
}

function mebibytes(pid: number): number {
  return Math.round(privateMemory(pid) / MIB);
}

function countLines(path: string, test: (line: string) => boolean): number {
  return readFileSync(path, "latin1").split("\n").filter(test).length;
}

/** Listening sockets below a folder; channels come and go with the load. */
function listeners(directory: string): number {
  // Flags (proc(5)): __SO_ACCEPTCON.
  const listening = / 00010000 /;
  return countLines("/proc/net/unix", (line) => listening.test(line) && line.includes(directory));
}

/** Files in the runtime directory, but what Node compiled, which is kept, and why a worker failed last. */
export function runtimeFiles({ runtime }: TestHttpd): string[] {
  const files = readdirSync(runtime, { recursive: true }).map(String);
  return files.filter((path) => !/^(?:compile|application)-cache\/|\/failure$/.test(path));
}

function sharedSegments(pid: number): number {
  const named = existsSync("/dev/shm") ? readdirSync("/dev/shm").length : 0;
  return named + countLines(`/proc/${pid}/maps`, (line) => line.includes("/dev/zero"));
}

/** Counts what an httpd holds. */
export function holdings(httpd: TestHttpd): Holdings {
  const { parent, supervisor, children, workers } = httpd.processes();
  const { directory } = httpd.places;
  const session = allProcesses().filter((facts) => facts.session === parent);
  const zombies = session.filter(({ state }) => state === "Z").length;
  return {
    processes: 2 + workers.length + zombies,
    "parent-descriptors": descriptors(parent),
    "supervisor-descriptors": descriptors(supervisor),
    "child-descriptors": Math.max(...children.map(descriptors)),
    "worker-descriptors": Math.max(...workers.map(descriptors)),
    "unix-sockets": listeners(directory),
    "shared-memory": sharedSegments(parent),
    "runtime-files": runtimeFiles(httpd).length,
    "parent-memory": mebibytes(parent),
    "child-memory": Math.max(...children.map(mebibytes)),
    "supervisor-memory": mebibytes(supervisor),
  };
}

/** What there is more of than before, as figures with limits. */
export function growth(before: Holdings, after: Holdings): Figure[] {
  return Object.entries(kinds).map(([name, { unit, more }]) => ({
    name: `more-${name}`,
    value: (after[name] ?? 0) - (before[name] ?? 0),
    unit,
    limit: more,
  }));
}
