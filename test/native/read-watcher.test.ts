// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { closeSync, readSync, writeSync } from "node:fs";
import { Worker } from "node:worker_threads";
import { native, type ReadWatcher } from "../../ts/native.ts";
import { nativeUrl, runChild } from "./child.ts";

describe("native/read-watcher", () => {
  let from: number;
  let to: number;
  let watcher: ReadWatcher | undefined;

  beforeEach(() => {
    [from, to] = native().createPipe();
    watcher = undefined;
  });

  afterEach(() => {
    watcher?.close();
    closeSync(from);
    closeSync(to);
  });

  /** Settles after one turn of the event loop's poll phase and all callbacks of it. */
  async function turn(): Promise<void> {
    const [probeFrom, probeTo] = native().createPipe();
    writeSync(probeTo, "x");
    const probe = await new Promise<ReadWatcher>((resolve) => {
      const made: ReadWatcher = native().createReadWatcher(probeFrom, () => resolve(made));
      made.start();
    });
    probe.close();
    closeSync(probeFrom);
    closeSync(probeTo);
  }

  it("is made stopped", async () => {
    let calls = 0;
    watcher = native().createReadWatcher(from, () => calls++);
    writeSync(to, "x");
    await turn();
    assert.equal(calls, 0);
  });

  it("calls back as long as there is something to read", async () => {
    writeSync(to, "abc");
    const read: string[] = [];
    await new Promise<void>((resolve) => {
      watcher = native().createReadWatcher(from, () => {
        const buffer = Buffer.alloc(1);
        readSync(from, buffer);
        read.push(buffer.toString());
        if (read.length === 3) resolve();
      });
      watcher.start();
    });
    await turn();
    assert.deepEqual(read, ["a", "b", "c"]);
  });

  it("can be stopped in its callback, and started again", async () => {
    writeSync(to, "x");
    let calls = 0;
    let called = (): void => {};
    watcher = native().createReadWatcher(from, () => {
      calls += 1;
      watcher?.stop();
      called();
    });
    for (const expected of [1, 2, 3]) {
      const next = new Promise<void>((resolve) => {
        called = resolve;
      });
      watcher.start();
      await next;
      await turn();
      assert.equal(calls, expected);
    }
  });

  it("runs promises and ticks behind its callback", async () => {
    writeSync(to, "x");
    const order: string[] = [];
    await new Promise<void>((resolve) => {
      watcher = native().createReadWatcher(from, () => {
        watcher?.stop();
        process.nextTick(() => order.push("tick"));
        void Promise.resolve().then(() => order.push("promise"));
        setImmediate(resolve);
        order.push("callback");
      });
      watcher.start();
    });
    assert.deepEqual(order, ["callback", "tick", "promise"]);
  });

  it("leaves the descriptor open when it is closed, and can be closed twice", () => {
    watcher = native().createReadWatcher(from, () => {});
    watcher.start();
    watcher.close();
    watcher.close();
    watcher.stop();
    assert.throws(() => watcher?.start(), { code: "EBADF" });
    writeSync(to, "x");
    assert.equal(readSync(from, Buffer.alloc(1)), 1);
  });

  it("lets another one watch the same descriptor once it is closed", async () => {
    native()
      .createReadWatcher(from, () => assert.fail("closed"))
      .close();
    writeSync(to, "x");
    await new Promise<void>((resolve) => {
      watcher = native().createReadWatcher(from, () => {
        watcher?.stop();
        resolve();
      });
      watcher.start();
    });
  });

  it("refuses what is no descriptor that can be watched", () => {
    assert.throws(() => native().createReadWatcher(999_999, () => {}), { code: "EBADF" });
    const wrong = native().createReadWatcher as (...args: unknown[]) => unknown;
    for (const args of [[from], [from, {}], ["0", () => {}], []]) {
      assert.throws(() => wrong(...args), { name: "TypeError", code: "TENON_ERR_ARGUMENT" });
    }
  });

  it("keeps the process alive while started, and not when stopped", async () => {
    // Only the watcher keeps the first one until the shell, which it does not wait for, has written.
    const watched = await runChild(`
      import { spawn } from "node:child_process";
      const [from, to] = native().createPipe();
      const watcher = native().createReadWatcher(from, () => { console.log("read"); watcher.stop(); });
      watcher.start();
      spawn("/bin/sh", ["-c", "echo x >&3"], { stdio: ["ignore", "ignore", "ignore", to] }).unref();`);
    assert.deepEqual([watched.code, watched.stdout], [0, "read\n"]);
    const stopped = await runChild(`
      const watcher = native().createReadWatcher(native().createPipe()[0], () => {});
      watcher.start();
      watcher.stop();`);
    assert.equal(stopped.code, 0);
  });

  it("survives being collected, started or not", async () => {
    const result = await runChild(`
      import v8 from "node:v8";
      import vm from "node:vm";
      v8.setFlagsFromString("--expose-gc");
      const gc = vm.runInNewContext("gc");
      const [from, to] = native().createPipe();
      for (let i = 0; i < 200; i++) {
        const [a, b] = native().createPipe();
        native().createReadWatcher(a, () => {});
        fs.closeSync(b);
      }
      (() => {
        const watcher = native().createReadWatcher(from, () => { console.log("still here"); process.exit(0); });
        watcher.start();
      })();
      gc();
      setImmediate(() => { gc(); setImmediate(() => fs.writeSync(to, "x")); });`);
    assert.deepEqual([result.code, result.signal, result.stdout], [0, null, "still here\n"]);
  });

  it("makes an error in its callback an uncaught exception", async () => {
    const result = await runChild(`
      const [from, to] = native().createPipe();
      process.on("uncaughtException", (error) => { console.log(error.message); watcher.close(); });
      const watcher = native().createReadWatcher(from, () => { throw new Error("thrown"); });
      watcher.start();
      fs.writeSync(to, "x");`);
    assert.deepEqual([result.code, result.stdout], [0, "thrown\n"]);
  });

  it("works in two worker threads at once, which may be ended while it watches", async () => {
    const code = `
      const { parentPort } = require("node:worker_threads");
      const fs = require("node:fs");
      import(${JSON.stringify(nativeUrl)}).then(({ native }) => {
        const [from, to] = native().createPipe();
        const watcher = native().createReadWatcher(from, () => {
          fs.readSync(from, Buffer.alloc(1));
          parentPort.postMessage("read");
        });
        watcher.start();
        native().createReadWatcher(to, () => {});
        fs.writeSync(to, "x");
      });`;
    const threads = [new Worker(code, { eval: true }), new Worker(code, { eval: true })];
    const said = await Promise.all(threads.map((thread) => once(thread, "message")));
    assert.deepEqual(said, [["read"], ["read"]]);
    // Once in order, by the thread's own end, and once in the middle of whatever it does.
    const codes = await Promise.all(threads.map((thread) => thread.terminate()));
    assert.deepEqual(codes, [1, 1]);
    const again = new Worker(`${code}\nparentPort.once("message", () => process.exit(7));`, {
      eval: true,
    });
    await once(again, "message");
    const exit = once(again, "exit");
    again.postMessage("end");
    assert.deepEqual(await exit, [7]);
  });
});
