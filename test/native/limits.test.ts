// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { native } from "../../ts/native.ts";
import { askChild } from "./child.ts";

describe("native/limits", () => {
  it("sets soft and hard limits", async () => {
    const limits = (await askChild(`
      native().setLimits({ openFiles: 123, coreBytes: 0, processes: 2345 });
      console.log(JSON.stringify(fs.readFileSync("/proc/self/limits", "utf8").split("\\n")));`)) as string[];
    const line = (name: string): string[] =>
      limits
        .find((text) => text.startsWith(name))
        ?.slice(name.length)
        .trim()
        .split(/\s+/) ?? [];
    assert.deepEqual(line("Max open files"), ["123", "123", "files"]);
    assert.deepEqual(line("Max core file size"), ["0", "0", "bytes"]);
    assert.deepEqual(line("Max processes"), ["2345", "2345", "processes"]);
  });

  it("leaves alone what is not given", async () => {
    const same = await askChild(`
      const before = fs.readFileSync("/proc/self/limits", "utf8");
      native().setLimits({});
      native().setLimits({ openFiles: undefined });
      console.log(before === fs.readFileSync("/proc/self/limits", "utf8"));`);
    assert.equal(same, true);
  });

  it("refuses arguments of a wrong type or range", () => {
    const wrong = native().setLimits as (limits: unknown) => void;
    for (const limits of [
      undefined,
      5,
      { openFiles: "1" },
      { coreBytes: -1 },
      { processes: 0.5 },
    ]) {
      assert.throws(() => wrong(limits), { name: "TypeError", code: "TENON_ERR_ARGUMENT" });
    }
  });
});
