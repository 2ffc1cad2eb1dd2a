// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { root } from "../helpers/httpd.ts";
import { allProcesses, environmentOf, waitUntil } from "../helpers/processes.ts";

/** Faults that take a while, and what says that they are being done. */
const commands = {
  chaos: ["main.ts", "--only", "kill,loop,creep-buffers"],
  soak: ["soak-main.ts", "--minutes", "5", "--seed", "1"],
} as const;

/** What tells, in an environment, the processes of one run. */
const MARK = "TENON_TEST_INTERRUPTED";

describe("Ctrl-C of npm run chaos and npm run soak", () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "interrupted-"));
    // Workers are another user's.
    chmodSync(folder, 0o755);
  });
  afterEach(() => {
    // The run is among them; one that went well has left none.
    for (const pid of descendants()) process.kill(pid, "SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  /** Processes of httpd, of Tenon and of the run: httpd hands its environment on, Tenon's workers have a path below the folder. */
  function descendants(): number[] {
    return allProcesses().flatMap(({ pid, state }) => {
      if (state === "Z" || pid === process.pid) return [];
      const environment = Object.entries(environmentOf(pid));
      return environment.some(([name, value]) => name === MARK || value?.includes(folder))
        ? pid
        : [];
    });
  }

  /** Starts a run in a process group of its own. */
  function start(name: keyof typeof commands): ChildProcess {
    const [main, ...options] = commands[name];
    const flags = ["--disable-warning=ExperimentalWarning", join(root, "test", "chaos", main)];
    return spawn(process.execPath, [...flags, ...options], {
      detached: true,
      stdio: "ignore",
      env: { ...process.env, TMPDIR: folder, [MARK]: "1" },
    });
  }

  for (const name of Object.keys(commands) as (keyof typeof commands)[]) {
    for (const whom of ["the process", "its whole process group"] as const) {
      it(`leaves nothing of ${name} where ${whom} gets it, and ends by it`, async () => {
        const run = start(name);
        const exit = once(run, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
        await waitUntil("the load", () => isLoaded(), { timeoutMs: 40_000 });
        assert.ok(descendants().length > 3, "httpd, supervisor and workers run");
        process.kill(whom === "the process" ? Number(run.pid) : -Number(run.pid), "SIGINT");
        assert.deepEqual(await exit, [null, "SIGINT"]);
        assert.deepEqual(readdirSync(folder), []);
        await waitUntil("the end of all processes", () => descendants().length === 0);
      });
    }
  }

  /** Whether the application of the run has begun many requests. */
  function isLoaded(): boolean {
    const paths = readdirSync(folder, { recursive: true, encoding: "utf8" });
    const journal = paths.find((path) => path.endsWith("/logs/journal"));
    return journal !== undefined && statSync(join(folder, journal)).size > 4096;
  }
});
