// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { native } from "../../ts/native.ts";
import { runChild } from "./child.ts";

describe("native/scoreboard", () => {
  let folder: string;
  let fd: number;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-scoreboard-"));
    fd = openSync(join(folder, "scoreboard"), "w+");
    ftruncateSync(fd, 8192);
  });

  afterEach(() => {
    closeSync(fd);
    rmSync(folder, { recursive: true });
  });

  it("maps a file that all who map it share", () => {
    const writer = new Uint32Array(native().mapScoreboard(fd, 8192, true));
    const reader = new Uint32Array(native().mapScoreboard(fd, 4096, false));
    assert.deepEqual([writer.length, reader.length], [2048, 1024]);
    Atomics.store(writer, 7, 0xdead_beef);
    assert.equal(Atomics.load(reader, 7), 0xdead_beef);
    const bytes = Buffer.alloc(4);
    readSync(fd, bytes, 0, 4, 28);
    assert.equal(new Uint32Array(new Uint8Array(bytes).buffer)[0], 0xdead_beef);
  });

  it("outlives the descriptor, and is unmapped when nobody holds it", async () => {
    const result = await runChild(`
      import v8 from "node:v8";
      import vm from "node:vm";
      v8.setFlagsFromString("--expose-gc");
      const gc = vm.runInNewContext("gc");
      const path = ${JSON.stringify(join(folder, "scoreboard"))};
      const mapped = () => fs.readFileSync("/proc/self/maps", "utf8").includes(path);
      let words;
      (() => {
        const fd = fs.openSync(path, "r+");
        words = new Uint32Array(native().mapScoreboard(fd, 8192, true));
        fs.closeSync(fd);
      })();
      words[3] = 5;
      console.log(words[3], mapped());
      words = undefined;
      const timer = setInterval(() => { gc(); if (!mapped()) { console.log("unmapped"); clearInterval(timer); } }, 1);`);
    assert.deepEqual([result.code, result.stdout], [0, "5 true\nunmapped\n"]);
  });

  it("cannot be mapped beyond the end of the file", () => {
    for (const length of [0, 8193, -1, 1.5, Number.MAX_SAFE_INTEGER]) {
      assert.throws(() => native().mapScoreboard(fd, length, true), { code: "TENON_ERR_ARGUMENT" });
    }
  });

  it("refuses a descriptor without the rights, or that is none", () => {
    const reading = openSync(join(folder, "scoreboard"), "r");
    assert.throws(() => native().mapScoreboard(reading, 8192, true), {
      code: "EACCES",
      syscall: "mmap",
    });
    closeSync(reading);
    assert.throws(() => native().mapScoreboard(999_999, 8192, false), { code: "EBADF" });
    const wrong = native().mapScoreboard as (...args: unknown[]) => unknown;
    assert.throws(() => wrong(fd, 8192), { name: "TypeError", code: "TENON_ERR_ARGUMENT" });
  });
});
