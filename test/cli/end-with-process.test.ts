// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { alive, processesIn, waitUntil } from "../helpers/processes.ts";

const module = fileURLToPath(new URL("../../ts/cli/end-with-process.ts", import.meta.url));

/** Starts a child in a folder, says who they are and then what the test asks for. */
const program = `
import { spawn } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
const { endWithProcess } = await import(process.argv[1]);
const folder = mkdtempSync(join(tmpdir(), "tenon-end-"));
const child = spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { cwd: folder, stdio: "ignore" });
endWithProcess({ folder, pid: () => child.pid, signal: "SIGTERM" });
console.log(JSON.stringify({ folder, pid: child.pid }));
setInterval(() => {}, 1000);
process.stdin.once("data", (text) => {
  if (String(text) === "throw") throw new Error("on purpose");
  process.exit(0);
});
`;

interface Started {
  readonly child: ChildProcess;
  readonly folder: string;
  readonly pid: number;
}

describe("cli/end-with-process", () => {
  let started: Started;

  beforeEach(async () => {
    const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module"];
    const child = spawn(process.execPath, [...flags, "-e", program, module], {
      stdio: ["pipe", "pipe", "ignore"],
    });
    assert.ok(child.stdout);
    const [line] = (await once(createInterface({ input: child.stdout }), "line")) as [string];
    started = { child, ...(JSON.parse(line) as { folder: string; pid: number }) };
  });

  afterEach(() => {
    if (alive(started.pid)) process.kill(started.pid, "SIGKILL");
    rmSync(started.folder, { recursive: true, force: true });
  });

  async function assertNothingLeft(): Promise<void> {
    assert.equal(existsSync(started.folder), false);
    // What ended it is not its parent any more; who is takes a moment to notice.
    await waitUntil("the child's end", () => !alive(started.pid));
    assert.deepEqual(processesIn(started.folder), []);
  }

  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
    it(`ends the child and removes the folder at ${signal}, and dies of it`, async () => {
      started.child.kill(signal);
      const [, reason] = await once(started.child, "exit");
      assert.equal(reason, signal);
      await assertNothingLeft();
    });
  }

  for (const [how, code] of [
    ["throw", 1],
    ["exit", 0],
  ] as const) {
    it(`does so at ${how === "throw" ? "an uncaught exception" : "process.exit()"}`, async () => {
      started.child.stdin?.write(how);
      const [exitCode] = await once(started.child, "exit");
      assert.equal(exitCode, code);
      await assertNothingLeft();
    });
  }
});
