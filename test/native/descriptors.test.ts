// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { closeSync, fstatSync, openSync, readSync, writeSync } from "node:fs";
import { native } from "../../ts/native.ts";

/** Whether a descriptor is closed by exec: what a spawned process sees of it. */
function isInherited(fd: number): boolean {
  // stdio is given only as far as the descriptor is not: libuv leaves the others to their close-on-exec flag.
  const found = spawnSync("/bin/sh", ["-c", `test -e /proc/self/fd/${fd}`], { stdio: "ignore" });
  return found.status === 0;
}

describe("native/descriptors", () => {
  let opened: number[];

  beforeEach(() => {
    opened = [];
  });

  afterEach(() => {
    for (const fd of opened) closeSync(fd);
  });

  function pair(): [number, number] {
    const ends = native().createSocketPair();
    opened.push(...ends);
    return ends;
  }

  function pipe(): [number, number] {
    const ends = native().createPipe();
    opened.push(...ends);
    return ends;
  }

  function read(fd: number): string {
    const buffer = Buffer.alloc(64);
    return buffer.toString("utf8", 0, readSync(fd, buffer));
  }

  it("makes pipes and socket pairs that no spawned process inherits", () => {
    const [from, to] = pipe();
    writeSync(to, "piped");
    assert.equal(read(from), "piped");
    const [a, b] = pair();
    writeSync(a, "there");
    writeSync(b, "back");
    assert.deepEqual([read(b), read(a)], ["there", "back"]);
    assert.deepEqual([from, to, a, b].map(isInherited), [false, false, false, false]);
  });

  it("tells that a peer has hung up, though it has left something to read", () => {
    const [a, b] = pair();
    writeSync(a, "last");
    assert.equal(native().hasHungUp(b), false);
    const [c, d] = native().createSocketPair();
    opened.push(d);
    writeSync(c, "last");
    closeSync(c);
    assert.equal(native().hasHungUp(d), true);
    assert.equal(read(d), "last");
    assert.throws(() => native().hasHungUp(-1), TypeError);
  });

  it("passes descriptors with a message", () => {
    const [a, b] = pair();
    const [from, to] = pipe();
    native().sendDescriptors(a, Buffer.from("C"), [to, from]);
    const message = native().receiveDescriptors(b);
    assert.ok(message);
    opened.push(...message.descriptors);
    assert.equal(message.data.toString(), "C");
    const [received] = message.descriptors;
    assert.ok(received !== undefined && received !== to);
    writeSync(received, "through");
    assert.equal(read(from), "through");
    assert.deepEqual(message.descriptors.map(isInherited), [false, false]);
  });

  it("keeps messages with descriptors apart, and says when nothing waits", () => {
    const [a, b] = pair();
    assert.equal(native().receiveDescriptors(b), undefined);
    const [from] = pipe();
    native().sendDescriptors(a, Buffer.from("1"), [from]);
    native().sendDescriptors(a, Buffer.from("2"), [from]);
    const messages = [native().receiveDescriptors(b), native().receiveDescriptors(b)];
    for (const message of messages) opened.push(...(message?.descriptors ?? []));
    assert.deepEqual(
      messages.map((message) => [message?.data.toString(), message?.descriptors.length]),
      [
        ["1", 1],
        ["2", 1],
      ],
    );
  });

  it("takes 16 descriptors at once", () => {
    const [a, b] = pair();
    native().sendDescriptors(
      a,
      Buffer.from("x"),
      Array.from({ length: 16 }, () => a),
    );
    const message = native().receiveDescriptors(b);
    opened.push(...(message?.descriptors ?? []));
    assert.equal(new Set(message?.descriptors).size, 16);
  });

  it("tells the end of the file by a message without data", () => {
    const [a, b] = native().createSocketPair();
    closeSync(a);
    assert.deepEqual(native().receiveDescriptors(b), { data: Buffer.alloc(0), descriptors: [] });
    assert.throws(() => native().sendDescriptors(b, Buffer.from("C"), []), { code: "EPIPE" });
    closeSync(b);
  });

  it("makes one descriptor another, which a spawned process inherits", () => {
    const [, to] = pipe();
    const target = openSync("/dev/null", "r");
    opened.push(target);
    native().duplicateOnto(to, target);
    assert.equal(fstatSync(target).ino, fstatSync(to).ino);
    assert.equal(isInherited(target), true);
    native().setCloseOnExec(target);
    assert.equal(isInherited(target), false);
    native().duplicateOnto(target, target);
    assert.equal(isInherited(target), true);
  });

  it("says what the system refused", () => {
    assert.throws(() => native().setCloseOnExec(999_999), { code: "EBADF", syscall: "fcntl" });
    assert.throws(() => native().duplicateOnto(999_999, 1), { code: "EBADF", syscall: "dup2" });
    assert.throws(() => native().receiveDescriptors(999_999), {
      code: "EBADF",
      syscall: "recvmsg",
    });
  });

  it("refuses arguments of a wrong type or range", () => {
    const wrong = native() as unknown as Record<string, (...args: unknown[]) => unknown>;
    const [a] = pair();
    const cases: [string, unknown[]][] = [
      ["sendDescriptors", [a, "C", []]],
      ["sendDescriptors", [a, Buffer.alloc(0), []]],
      ["sendDescriptors", [a, new Uint16Array(1), []]],
      ["sendDescriptors", [a, Buffer.alloc(32769), []]],
      ["sendDescriptors", [a, Buffer.from("C"), undefined]],
      ["sendDescriptors", [a, Buffer.from("C"), [-1]]],
      ["sendDescriptors", [a, Buffer.from("C"), Array.from({ length: 17 }, () => a)]],
      ["receiveDescriptors", [null]],
      ["duplicateOnto", [a]],
      ["setCloseOnExec", [{}]],
    ];
    for (const [name, args] of cases) {
      assert.throws(
        () => wrong[name]?.(...args),
        { name: "TypeError", code: "TENON_ERR_ARGUMENT" },
        name,
      );
    }
  });
});
