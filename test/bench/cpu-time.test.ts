// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { parseStat, selectTrees, treesCpuUs } from "../../bench/cpu-time.ts";

const tail = "0 -1 4194304 100 0 0 0 7 3 20 10 20 0 1 0 500";

describe("bench/cpu-time", () => {
  it("reads a process whose name holds blanks and parentheses", () => {
    assert.deepEqual(parseStat(`42 (a) b (c) S 7 1 1 ${tail}`), {
      pid: 42,
      parent: 7,
      cpuUs: 400_000,
    });
  });

  it("selects trees once, also when one root descends from another", () => {
    const process = (pid: number, parent: number) => ({ pid, parent, cpuUs: 1 });
    const all = [process(1, 0), process(2, 1), process(3, 2), process(4, 1), process(5, 0)];
    const chosen = selectTrees(all, [2, 1, 3]).map(({ pid }) => pid);
    assert.deepEqual(chosen.toSorted(), [1, 2, 3, 4]);
    assert.deepEqual(selectTrees(all, [99]), []);
  });

  it("counts what a child of a root has used, also when the child has ended", async () => {
    const burn =
      "const until = process.cpuUsage().user + 300_000; while (process.cpuUsage().user < until);";
    const parent = `const { spawnSync } = require("node:child_process");
      spawnSync(process.execPath, ["-e", ${JSON.stringify(burn)}]);
      console.log("done");
      process.stdin.resume().on("end", () => process.exit());`;
    const child = spawn(process.execPath, ["-e", parent], { stdio: ["pipe", "pipe", "inherit"] });
    try {
      await once(child.stdout, "data");
      assert.ok(treesCpuUs([child.pid ?? 0]) >= 300_000);
    } finally {
      child.stdin.end();
      await once(child, "exit");
    }
    assert.equal(treesCpuUs([child.pid ?? 0]), 0);
  });
});
