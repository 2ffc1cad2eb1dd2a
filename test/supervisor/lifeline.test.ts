// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { closeSync, fstatSync, readSync, writeSync } from "node:fs";
import { native } from "../../ts/native.ts";
import { Lifeline } from "../../ts/supervisor/lifeline.ts";

describe("supervisor/lifeline", () => {
  let parent: number;
  let ours: number;
  let lifeline: Lifeline | undefined;

  beforeEach(() => {
    [parent, ours] = native().createSocketPair();
  });

  afterEach(() => {
    lifeline?.close();
    closeSync(ours);
  });

  /** Gathers what a lifeline tells until httpd's end. */
  function listen(): Promise<(number | undefined)[]> {
    const logs: (number | undefined)[] = [];
    return new Promise((resolve) => {
      lifeline = new Lifeline(ours, {
        onConfigure: (log) => logs.push(log),
        onEnd: () => resolve(logs),
      });
    });
  }

  it("tells of each configuration with its log, then of the end", async () => {
    const [from, to] = native().createPipe();
    const told = listen();
    native().sendDescriptors(parent, Buffer.from("C"), [to]);
    native().sendDescriptors(parent, Buffer.from("C"), [from, to]);
    native().sendDescriptors(parent, Buffer.from("C"), []);
    closeSync(parent);
    const [first, second, third] = await told;
    assert.ok(first !== undefined && second !== undefined && third === undefined);
    for (const fd of [first, second]) {
      assert.equal(fstatSync(fd).ino, fstatSync(to).ino);
      writeSync(fd, "x");
      closeSync(fd);
    }
    closeSync(from);
    closeSync(to);
  });

  it("passes over messages that it does not know, and closes what came with them", async () => {
    const [from, to] = native().createPipe();
    const told = listen();
    native().sendDescriptors(parent, Buffer.from("?"), [to]);
    closeSync(to);
    closeSync(parent);
    assert.deepEqual(await told, []);
    assert.equal(readSync(from, Buffer.alloc(1)), 0, "no writing end of the pipe is open");
    closeSync(from);
  });
});
