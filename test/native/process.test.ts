// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync } from "node:fs";
import { Socket } from "node:net";
import { constants } from "node:os";
import { native } from "../../ts/native.ts";
import { alive, waitUntil } from "../helpers/processes.ts";
import { nativeUrl } from "./child.ts";

describe("native/process", () => {
  let opened: number[];
  let children: ChildProcess[];

  beforeEach(() => {
    opened = [];
    children = [];
  });

  afterEach(async () => {
    for (const fd of opened) closeSync(fd);
    for (const child of children) child.kill("SIGKILL");
    await Promise.all(
      children
        .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)
        .map((child) => once(child, "exit")),
    );
  });

  function start(...command: readonly [string, ...string[]]): ChildProcess {
    const [program, ...args] = command;
    const child = spawn(program, args, { stdio: "ignore" });
    children.push(child);
    return child;
  }

  function open(child: ChildProcess): number {
    const fd = native().openProcess(child.pid as number);
    opened.push(fd);
    return fd;
  }

  it("makes the end of a process readable, and tells then that it is no more", async () => {
    const child = start("/bin/sleep", "60");
    const fd = open(child);
    assert.equal(native().signalProcess(fd, 0), true);
    const ended = new Promise<void>((resolve) => {
      const watcher = native().createReadWatcher(fd, () => {
        watcher.close();
        resolve();
      });
      watcher.start();
    });
    assert.equal(native().signalProcess(fd, constants.signals.SIGTERM), true);
    await ended;
    await waitUntil("its parent takes note", () => !native().signalProcess(fd, 0));
    const status = native().exitStatus(fd);
    // Before Linux 6.15 nobody but the parent knows.
    assert.ok(status === undefined || status === constants.signals.SIGTERM, `${status}`);
  });

  it("knows no status of a process that runs", () => {
    assert.equal(native().exitStatus(open(start("/bin/sleep", "60"))), undefined);
  });

  it("says what the system refused", () => {
    assert.throws(() => native().openProcess(4_194_305), { code: /^E(SRCH|INVAL)$/ });
    const [from, to] = native().createPipe();
    opened.push(from, to);
    assert.throws(() => native().signalProcess(from, 0), { code: "EBADF" });
    assert.throws(() => native().endWithPeer(999_999, 1), { code: "EBADF" });
  });

  it("refuses arguments of a wrong type or range", () => {
    const refused = { name: "TypeError", code: "TENON_ERR_ARGUMENT" };
    const { openProcess, signalProcess, exitStatus, endWithPeer } = native();
    assert.throws(() => openProcess(-1), refused);
    assert.throws(() => signalProcess(0, 0.5), refused);
    assert.throws(() => exitStatus(-1), refused);
    assert.throws(() => endWithPeer(0, -1), refused);
    assert.throws(() => native().receiveDescriptors(0, 1 as unknown as boolean), refused);
  });

  describe("endWithPeer", () => {
    /** A process whose event loop does not turn, on the leash of `peer`, which its group's other member outlives by itself. */
    function leashed(peer: number, detached: boolean, ms: number, more = ""): ChildProcess {
      const code = `import { native } from ${JSON.stringify(nativeUrl)};
        import { spawn } from "node:child_process";
        import { writeSync } from "node:fs";
        native().endWithPeer(3, ${ms});
        const { pid } = spawn("/bin/sleep", ["60"], { stdio: "ignore" });
        writeSync(1, String(pid));
        ${more}
        for (;;);`;
      const flags = ["--disable-warning=ExperimentalWarning", "--input-type=module", "-e", code];
      const child = spawn(process.execPath, flags, {
        stdio: ["ignore", "pipe", "inherit", peer],
        detached,
      });
      children.push(child);
      return child;
    }

    it("kills it, too, once it has closed all of its sockets: who is at the other end hears of that", async () => {
      const [ours, theirs] = native().createSocketPair();
      const others = `const fs = await import("node:fs");
        for (const name of fs.readdirSync("/proc/self/fd")) {
          try {
            if (!/^socket:/.test(fs.readlinkSync("/proc/self/fd/" + name))) continue;
            fs.closeSync(Number(name));
            // The number is another file's.
            fs.openSync("/dev/null");
          } catch {}
        }`;
      const child = leashed(theirs, true, 50, others);
      closeSync(theirs);
      const socket = new Socket({ fd: ours });
      const ended = once(socket.resume(), "end");
      const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
      assert.deepEqual([code, signal], [null, "SIGKILL"]);
      await ended;
    });

    for (const detached of [true, false]) {
      const what = detached ? "its whole group" : "the process alone where it leads no group";
      it(`kills ${what}, event loop or not, once the peer has gone`, async () => {
        const [ours, theirs] = native().createSocketPair();
        const child = leashed(theirs, detached, 50);
        closeSync(theirs);
        assert.ok(child.stdout);
        const [said] = (await once(child.stdout, "data")) as [Buffer];
        const other = Number(said.toString());
        closeSync(ours);
        const [code, signal] = (await once(child, "exit")) as [number | null, string | null];
        assert.deepEqual([code, signal], [null, "SIGKILL"]);
        if (detached) await waitUntil("the other's end", () => !alive(other));
        else process.kill(other, "SIGKILL");
      });
    }
  });
});
