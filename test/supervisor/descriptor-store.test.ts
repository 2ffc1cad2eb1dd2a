// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { native } from "../../ts/native.ts";
import { DescriptorStore, type StoredDescriptors } from "../../ts/supervisor/descriptor-store.ts";

const child = fileURLToPath(new URL("store-child.ts", import.meta.url));

describe("supervisor/descriptor-store", () => {
  let opened: number[];
  let ends: [number, number];
  let before: number;

  beforeEach(() => {
    before = readdirSync("/proc/self/fd").length;
    ends = native().createSocketPair();
    opened = [...ends];
  });

  afterEach(() => {
    for (const fd of opened) closeSync(fd);
    assert.equal(readdirSync("/proc/self/fd").length, before, "no descriptor is left");
  });

  function pipe(): [number, number] {
    const both = native().createPipe();
    opened.push(...both);
    return both;
  }

  function makeStore(owner: string): DescriptorStore {
    return new DescriptorStore(...ends, owner);
  }

  /** Takes over, and closes at the end of the test what came. */
  function takeOver(owner: string): StoredDescriptors[] {
    const stored = makeStore(owner).takeOver();
    for (const { descriptors } of stored) opened.push(...descriptors);
    return stored;
  }

  function keysOf(stored: readonly StoredDescriptors[]): string[] {
    return stored.map(({ key }) => key).sort();
  }

  it("gives a successor descriptors and facts, the same as often as there is one", () => {
    const [from, to] = pipe();
    assert.equal(makeStore("first").keep("pipe", { pool: "hello", slot: 1 }, [from, to]), true);
    for (const owner of ["second", "third"]) {
      const [found, ...more] = takeOver(owner);
      assert.deepEqual(more, []);
      assert.deepEqual([found?.key, found?.facts], ["pipe", { pool: "hello", slot: 1 }]);
      const [, copy] = found?.descriptors ?? [];
      writeSync(copy as number, owner);
      const bytes = Buffer.alloc(10);
      assert.equal(bytes.toString("utf8", 0, readSync(from, bytes)), owner);
    }
  });

  it("gives nothing when nothing was stored", () => {
    assert.deepEqual(takeOver("first"), []);
  });

  it("keeps what was not dropped, by whomever it was stored", () => {
    const [fd] = pipe();
    const first = makeStore("first");
    for (const key of ["a", "b", "c"]) first.keep(key, {}, [fd]);
    first.drop("b");
    first.drop("none of these");
    const second = makeStore("second");
    for (const { descriptors } of second.takeOver()) opened.push(...descriptors);
    second.keep("d", {}, [fd]);
    second.drop("a");
    assert.deepEqual(keysOf(takeOver("third")), ["c", "d"]);
  });

  it("says when there is no room, and can still be emptied and taken over", () => {
    // libuv makes what it watches non-blocking, as httpd's parent makes the store.
    native()
      .createReadWatcher(ends[0], () => {})
      .close();
    const [fd] = pipe();
    const store = makeStore("first");
    let count = 0;
    while (store.keep(`key ${count}`, {}, [fd])) count += 1;
    assert.ok(count > 50, `${count}`);
    store.drop("key 0");
    assert.equal(takeOver("second").length, count - 1);
  });

  it("loses nothing whenever the one that writes is killed", async () => {
    const [fd] = pipe();
    const store = makeStore("first");
    const keys = Array.from({ length: 20 }, (_, index) => `kept ${index}`).sort();
    for (const key of keys) store.keep(key, {}, [fd]);
    for (let turn = 0; turn < 8; turn++) {
      const writer = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", child], {
        stdio: ["ignore", "pipe", "inherit", ...ends],
      });
      if (writer.stdout === null) throw new Error("no stdout");
      await once(writer.stdout, "data");
      const busyUntil = performance.now() + 7 * turn;
      while (performance.now() < busyUntil);
      writer.kill("SIGKILL");
      await once(writer, "exit");
      const found = takeOver(`after ${turn}`);
      const kept = keysOf(found).filter((key) => key.startsWith("kept"));
      assert.deepEqual(kept, keys);
      const passing = found.filter(({ key }) => key.startsWith("passing"));
      assert.ok(passing.length <= turn + 1, "one of each that was killed at most");
    }
  });

  it("closes what it has only looked at", () => {
    const fd = openSync("/dev/null", "r");
    opened.push(fd);
    const store = makeStore("first");
    for (let count = 0; count < 10; count++) store.keep(`${count}`, {}, [fd, fd]);
    const open = readdirSync("/proc/self/fd").length;
    store.drop("5");
    assert.equal(readdirSync("/proc/self/fd").length, open);
  });
});
