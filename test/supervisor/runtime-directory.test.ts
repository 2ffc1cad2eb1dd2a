// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RuntimeDirectory } from "../../ts/supervisor/runtime-directory.ts";
import { writeSpool } from "../helpers/records.ts";

describe("supervisor/runtime-directory", () => {
  const owner = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-runtime-"));
    path = join(folder, "run");
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  it("takes the place of a supervisor that is dead, also when its pid belongs to another process now", () => {
    // A pid above the largest that there can be, and one that lives but is no supervisor.
    for (const pid of ["4194305", String(process.ppid), "", "no number"]) {
      mkdirSync(path, { recursive: true });
      writeFileSync(join(path, "supervisor.pid"), pid);
      new RuntimeDirectory(path).claim();
      assert.equal(readFileSync(join(path, "supervisor.pid"), "utf8"), `${process.pid}\n`);
    }
  });

  it("refuses what is no directory of its own", () => {
    mkdirSync(join(folder, "other"));
    symlinkSync(join(folder, "other"), path);
    assert.throws(() => new RuntimeDirectory(path).claim(), {
      code: "TENON_ERR_RUNTIME_DIRECTORY",
      message: /is not a directory/,
    });
    assert.deepEqual(readdirSync(join(folder, "other")), []);
  });

  it("takes rights away from a directory that was made with too many", () => {
    const runtime = new RuntimeDirectory(path);
    mkdirSync(path);
    chmodSync(path, 0o777);
    runtime.claim();
    runtime.prepare(owner, new Set());
    assert.equal(statSync(path).mode & 0o7777, 0o710);
  });

  it("removes what a predecessor left, but for the scoreboards of the pools that go on", () => {
    const runtime = new RuntimeDirectory(path);
    runtime.claim();
    for (const pool of ["kept", "gone"]) {
      mkdirSync(join(path, "pools", pool), { recursive: true });
      for (const file of ["scoreboard", "scoreboard.new", "queue", "w0"]) {
        writeFileSync(join(path, "pools", pool, file), "");
      }
    }
    runtime.prepare(owner, new Set(["kept"]));
    assert.deepEqual(readdirSync(join(path, "pools")), ["kept"]);
    assert.equal(runtime.poolDirectory("kept", owner), join(path, "pools/kept"));
    assert.deepEqual(readdirSync(join(path, "pools/kept")), ["scoreboard"]);
  });

  it("leaves log records that no worker has had at the end, and no empty directory of them", () => {
    const runtime = new RuntimeDirectory(path);
    runtime.claim();
    for (const pool of ["behind", "done"]) {
      mkdirSync(join(path, "records", pool), { recursive: true });
    }
    const ended = spawnSync("true").pid;
    const kept = `records/behind/0000000000000001-${ended}`;
    writeSpool(join(path, kept), { written: 300, taken: 100, worth: 200 });
    runtime.remove(undefined);
    assert.deepEqual(readdirSync(path, { recursive: true }).sort(), [
      "records",
      "records/behind",
      kept,
    ]);
    rmSync(join(path, kept));
    runtime.claim();
    runtime.remove(undefined);
    assert.ok(!existsSync(path));
  });

  it("removes files of log records whose writer was killed and that hold nothing to keep", () => {
    const runtime = new RuntimeDirectory(path);
    runtime.claim();
    mkdirSync(join(path, "records/pool"), { recursive: true });
    const ended = spawnSync("true").pid;
    const file = (name: string): string => join(path, "records/pool", name);
    writeSpool(file(`0000000000000001-${ended}`), { written: 300, taken: 300, worth: 300 });
    writeSpool(file(`0000000000000002-${ended}`), { written: 300, taken: 200, worth: 200 });
    // Its writer died before the record was whole.
    writeSpool(file(`0000000000000003-${ended}`), { written: 300, taken: 300, worth: 400 });
    const kept = [`0000000000000004-${process.pid}`, `bad-0000000000000005-${ended}`];
    for (const name of kept) writeSpool(file(name), { written: 64, taken: 64, worth: 0 });
    writeFileSync(file(`0000000000000006-${ended}`), "something else");
    runtime.remove(undefined);
    const left = readdirSync(join(path, "records/pool")).sort();
    assert.deepEqual(left, [kept[0], `0000000000000006-${ended}`, kept[1]]);
  });

  it("leaves nothing at the end, but what is not its own", () => {
    const runtime = new RuntimeDirectory(path);
    runtime.claim();
    runtime.prepare(owner, new Set());
    runtime.remove(1);
    assert.equal(existsSync(path), false);
    runtime.claim();
    writeFileSync(join(path, "strange"), "");
    runtime.remove(1);
    assert.deepEqual(readdirSync(path), ["strange"]);
  });
});
