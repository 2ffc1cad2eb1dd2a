// SPDX-License-Identifier: Apache-2.0
// Drives the real main.ts with real workers; the test plays httpd's parent.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { LogFollower } from "../../ts/cli/log-follower.ts";
import { ScoreboardHeader, ScoreboardSlot } from "../../ts/wire/protocol.ts";
import { HostChannel } from "../helpers/fake-host.ts";
import { alive } from "../helpers/processes.ts";
import { mapBoard } from "./boards.ts";
import { HELLO, isRoot, type PoolEntry, Supervised, superviseEach } from "./supervised.ts";

describe("supervisor/supervisor", () => {
  let run: Supervised;
  superviseEach((fresh) => {
    run = fresh;
  });

  async function start(...pools: PoolEntry[]): Promise<void> {
    const since = run.log.mark();
    run.write(...pools);
    run.start();
    await run.log.waitFor(/TN0203/, { since });
  }

  function hello(changes: Record<string, unknown> = {}): Record<string, unknown> {
    return { name: "hello", app: run.app("app.ts", HELLO), ...changes };
  }

  it("gives the runtime directory the owners and modes that are documented", async () => {
    await start(hello({ processesMin: 1 }));
    await run.log.waitFor(/TN0211/);
    const [uid, gid] = isRoot ? [0, 33] : [process.getuid?.(), process.getgid?.()];
    const facts = (path: string): unknown[] => {
      const found = statSync(join(run.runtime, path));
      return [path, found.uid, found.gid, (found.mode & 0o7777).toString(8)];
    };
    const expected = [
      ["", uid, gid, "710"],
      ["compile-cache", uid, process.getgid?.(), "700"],
      ["control", uid, process.getgid?.(), "600"],
      ["pools", uid, gid, "710"],
      ["pools/hello", uid, gid, "710"],
      ["pools/hello/scoreboard", uid, gid, "640"],
      ["pools/hello/queue", uid, gid, "660"],
      ["pools/hello/w0", uid, gid, "660"],
    ];
    assert.deepEqual(
      expected.map(([path]) => facts(String(path))),
      expected,
    );
    const pidFile = statSync(join(run.runtime, "supervisor.pid"));
    assert.deepEqual([pidFile.uid, pidFile.mode & 0o7777], [uid, 0o600]);
    assert.equal(readFileSync(join(run.runtime, "supervisor.pid"), "utf8"), `${run.pid}\n`);
    const names = [
      "application-cache",
      "compile-cache",
      "config.json",
      "control",
      "pools",
      "supervisor.pid",
    ];
    assert.deepEqual(readdirSync(run.runtime).sort(), names);
  });

  it("removes everything when httpd goes, and exits with 0", async () => {
    await start(hello({ processesMin: 2 }));
    const pids = [
      await run.workerPid(/TN0211: \[hello 0 /),
      await run.workerPid(/TN0211: \[hello 1 /),
    ];
    assert.equal(await run.stop(), 0);
    assert.equal(existsSync(run.runtime), false);
    assert.deepEqual(pids.map(alive), [false, false]);
    await run.log.waitFor(/\[tenon:notice\] \[pid \d+\] TN0205:/);
  });

  it("stops in the same way when it is asked to by a signal", async () => {
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      await start(hello({ processesMin: 1 }));
      const since = run.log.mark();
      run.signal(signal);
      assert.equal(await run.exited(), 0);
      await run.log.waitFor(new RegExp(`TN0204: the supervisor stops: ${signal}`), { since });
      assert.equal(existsSync(run.runtime), false);
    }
  });

  it("kills workers that do not exit within the shutdown time-out", async () => {
    await start(hello({ processesMin: 1, shutdownTimeoutMs: 200 }));
    const pid = await run.workerPid(/TN0211/);
    const channel = run.queue("hello");
    await channel.hello();
    channel.request({ target: "/loop" });
    const board = mapBoard(run.path("hello", "scoreboard"));
    while (board.slot(0, ScoreboardSlot.IN_FLIGHT) === 0) await setImmediate();
    assert.equal(await run.stop(), 0);
    assert.equal(alive(pid), false);
    await run.log.waitFor(
      /\[tenon:warn\].* TN0218: \[hello 0 \d+\] killed: .* 1 exchange in flight/,
    );
    channel.socket.destroy();
  });

  it("leaves the directory to another httpd that has put its configuration there", async () => {
    await start(hello());
    const path = join(run.runtime, "config.json");
    writeFileSync(path, readFileSync(path, "utf8").replace(/"pid":\d+/, '"pid":1'));
    await run.stop();
    assert.deepEqual(readdirSync(run.runtime), ["config.json"]);
  });

  it("does not start where a living supervisor is, which goes on", async () => {
    await start(hello());
    const second = new Supervised(run.runtime);
    second.start();
    assert.equal(await second.exited(), 1);
    await second.log.waitFor(new RegExp(`TN0207:.*another supervisor \\(pid ${run.pid}\\)`));
    await second[Symbol.asyncDispose]();
    assert.equal(await run.get("hello"), "hello");
  });

  it("does not use a runtime directory that is no directory", async () => {
    writeFileSync(run.runtime, "a file");
    run.start();
    assert.equal(await run.exited(), 1);
    await run.log.waitFor(/TN0207:.*(EEXIST|not a directory)/);
  });

  it("writes to the log that the last message brought", async () => {
    await start(hello());
    const path = join(run.folder, "rotated.log");
    writeFileSync(path, "");
    run.configure(path);
    await new LogFollower(path).waitFor(/TN0203: configured: 1 pools, 1 of them as before/);
  });

  describe("a new configuration", () => {
    it("leaves unchanged pools alone, begins new ones and removes others", async () => {
      const kept = hello({ name: "kept", processesMin: 1 });
      await start(kept, hello({ name: "removed", processesMin: 1 }));
      const pid = await run.workerPid(/TN0211: \[kept/);
      const removed = await run.workerPid(/TN0211: \[removed/);
      run.write(kept, hello({ name: "added", processesMin: 1 }));
      run.configure();
      await run.log.waitFor(/TN0211: \[added/);
      await run.log.waitFor(/TN0232: \[removed\]/);
      assert.equal(alive(removed), false);
      assert.deepEqual(readdirSync(join(run.runtime, "pools")).sort(), ["added", "kept"]);
      assert.equal(await run.get("kept", "/pid"), String(pid));
    });

    it("takes a removed pool back while it still drains", async () => {
      await start(hello({ processesMin: 1 }));
      await run.log.waitFor(/TN0211/);
      const channel = run.queue("hello");
      await channel.hello();
      channel.request({ target: "/hang" });
      run.write();
      run.configure();
      await run.log.waitFor(/TN0222: \[hello 0 \d+\] asked to exit: the pool was removed/);
      const since = run.log.mark();
      run.write(hello({ processesMin: 1 }));
      run.configure();
      const pid = await run.workerPid(/TN0211/, since);
      assert.equal(await run.get("hello", "/pid"), String(pid));
      channel.socket.destroy();
      await run.log.waitFor(/TN0217: \[hello 0/, { since });
      assert.equal(await run.get("hello", "/pid"), String(pid));
    });

    it("replaces the workers of a changed pool when a new one is ready, and lets them finish", async () => {
      await start(hello({ processesMin: 1 }));
      const old = await run.workerPid(/TN0211/);
      const slow = run.queue("hello");
      await slow.hello();
      slow.request({ target: "/hang" });
      const since = run.log.mark();
      run.write(hello({ processesMin: 1, environment: { CHANGED: "yes" } }));
      run.configure();
      await run.log.waitFor(/TN0230: \[hello\] new configuration: generation 2/, { since });
      await run.log.waitFor(/TN0222: \[hello 0 \d+\] asked to exit: generation 2 takes over/, {
        since,
      });
      const ready = run.log.lines(since).findIndex((line) => line.includes("TN0211"));
      const asked = run.log.lines(since).findIndex((line) => line.includes("TN0222"));
      assert.ok(ready >= 0 && ready < asked, "first ready, then drained");
      const successor = new HostChannel(run.path("hello", "w1"));
      const answer = await successor.ask({ target: "/env" });
      successor.socket.destroy();
      const { CHANGED } = JSON.parse(answer.text) as { CHANGED?: string };
      assert.equal(CHANGED, "yes");
      assert.equal(alive(old), true, "the open request keeps the old worker");
      const board = mapBoard(run.path("hello", "scoreboard"));
      assert.equal(board.header(ScoreboardHeader.GENERATION), 2);
      slow.socket.destroy();
      await run.log.waitFor(new RegExp(`TN0217: \\[hello 0 ${old}\\] exited with code 0`), {
        since,
      });
    });

    it("starts nothing when nothing ran", async () => {
      await start(hello());
      run.write(hello({ environment: { CHANGED: "yes" } }));
      run.configure();
      await run.log.waitFor(/TN0203: configured: 1 pools, 0 of them/, { since: 3 });
      assert.deepEqual(
        run.log.lines().filter((line) => line.includes("TN0210")),
        [],
      );
      assert.equal(await run.get("hello"), "hello");
    });

    it("keeps the old workers while the new ones do not start", async () => {
      await start(hello({ processesMin: 1 }));
      const pid = await run.workerPid(/TN0211/);
      run.write(
        hello({ processesMin: 1, app: run.app("broken.ts", "throw new Error('broken');") }),
      );
      run.configure();
      await run.log.waitFor(/TN0233/);
      assert.equal(await run.get("hello", "/pid"), String(pid));
      assert.equal(
        run.log.lines().some((line) => line.includes("TN0222")),
        false,
      );
      run.app("broken.ts", HELLO);
      await run.log.waitFor(new RegExp(`TN0217: \\[hello 0 ${pid}\\]`));
      assert.equal(await run.get("hello"), "hello");
    });

    it("grows the scoreboard into a new file and tells those that have the old one mapped", async () => {
      await start(hello({ processesMin: 1, processesMax: 1 }));
      await run.log.waitFor(/TN0211/);
      const old = mapBoard(run.path("hello", "scoreboard"));
      assert.deepEqual([old.slots, old.header(ScoreboardHeader.REPLACED)], [16, 0]);
      run.write(hello({ processesMin: 1, processesMax: 9, queueLength: 7 }));
      run.configure();
      await run.log.waitFor(/TN0217/);
      assert.equal(old.header(ScoreboardHeader.REPLACED), 1);
      const board = mapBoard(run.path("hello", "scoreboard"));
      assert.deepEqual([board.slots, board.header(ScoreboardHeader.REPLACED)], [18, 0]);
      assert.equal(await run.get("hello"), "hello");
    });

    it("changes nothing when it is wrong, and says what is wrong", async () => {
      await start(hello({ processesMin: 1 }));
      const pid = await run.workerPid(/TN0211/);
      const wrong: [Record<string, unknown>, RegExp][] = [
        [{ concurrency: 0 }, /TN0201:.*pool 'hello': concurrency must be .*, not 0/],
        [{ user: "nobody-at-all" }, /TN0201:.*pool 'hello': there is no user 'nobody-at-all'/],
        [{ user: "root" }, isRoot ? /TN0201:.*user 'root' is root/ : /TN0201:.*user 'root' needs/],
      ];
      for (const [changes, line] of wrong) {
        run.write(hello(changes));
        run.configure();
        await run.log.waitFor(line);
      }
      assert.equal(await run.get("hello", "/pid"), String(pid));
    });

    it("sets up the other pools when one of them cannot be", async () => {
      await start(hello());
      run.write(hello({ name: "blocked", processesMin: 1 }), hello({ name: "free" }));
      run.block(run.path("blocked", "scoreboard"));
      run.configure();
      await run.log.waitFor(/TN0203: configured: 2 pools/);
      await run.log.waitFor(/TN0202: \[blocked\] the pool could not be set up: EISDIR/);
      assert.equal(await run.get("free"), "hello");
    });
  });
});
