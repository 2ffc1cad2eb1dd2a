// SPDX-License-Identifier: Apache-2.0
// Drives the real main.ts with real workers; the test plays httpd's parent.
import assert from "node:assert/strict";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { native } from "../../ts/native.ts";
import { ScoreboardSlot, WorkerState } from "../../ts/wire/protocol.ts";
import { alive, linksOf } from "../helpers/processes.ts";
import { mapBoard } from "./boards.ts";
import { HELLO, isRoot, poolUser, type Supervised, superviseEach } from "./supervised.ts";

describe("supervisor/worker-process", () => {
  let run: Supervised;
  superviseEach((fresh) => {
    run = fresh;
  });

  async function start(text: string, changes: Record<string, unknown> = {}): Promise<void> {
    run.write({ name: "hello", app: run.app("app.ts", text), processesMin: 1, ...changes });
    run.start();
    await run.log.waitFor(/TN0203/);
  }

  it("gives a worker the documented environment and nothing more", async () => {
    await start(HELLO, { environment: { MINE: "yes", LANG: "de_DE.UTF-8" } });
    const environment = JSON.parse(await ready("/env")) as Record<string, string>;
    const page = readFileSync(new URL("../../docs/settings.md", import.meta.url), "utf8");
    const table = page.slice(page.indexOf("## Environment"));
    const documented = [...table.matchAll(/^\| (`[^|]*) \|/gm)].flatMap(([, names]) =>
      [...(names ?? "").matchAll(/`(\w+)`/g)].map(([, name]) => name),
    );
    const expected = documented.filter((name) => name !== "TZ").concat("MINE");
    assert.deepEqual(Object.keys(environment).sort(), expected.sort());
    const account = native().userByName(poolUser);
    assert.deepEqual(environment, {
      PATH: process.env["PATH"],
      HOME: account?.home,
      SHELL: account?.shell,
      USER: poolUser,
      LOGNAME: poolUser,
      LANG: "de_DE.UTF-8",
      NODE_ENV: "production",
      TENON_POOL: "hello",
      MINE: "yes",
    });
  });

  it("spawns a worker with its descriptors, in a session of its own, as the pool's user", async () => {
    await start(HELLO, { umask: 0o027 });
    const pid = await run.workerPid(/TN0211/);
    const link = (fd: number): string => readlinkSync(`/proc/${pid}/fd/${fd}`);
    assert.equal(link(0), "/dev/null");
    // What it writes goes to pipes that it reads from too: they outlive the supervisor.
    assert.deepEqual([link(1), link(2)], [link(7), link(8)]);
    assert.match(link(1), /^pipe:/);
    // The scoreboard's file could be cut short by who has it open for writing.
    assert.deepEqual(
      linksOf(pid).filter((target) => target.includes("scoreboard")),
      [],
    );
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    const field = (name: string): string =>
      new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1] ?? "";
    const uid = isRoot ? native().userByName(poolUser)?.uid : process.getuid?.();
    assert.deepEqual(field("Uid").split("\t"), Array(4).fill(String(uid)));
    assert.equal(field("Umask"), "0027");
    assert.equal(field("NSsid").split("\t").at(-1), field("NSpid").split("\t").at(-1));
    if (isRoot) assert.equal(field("NoNewPrivs"), "1");
  });

  it("shows a worker's states in the scoreboard", async () => {
    await start(HELLO, { concurrency: 7 });
    const pid = await run.workerPid(/TN0211/);
    const board = mapBoard(run.path("hello", "scoreboard"));
    const word = (which: ScoreboardSlot): number => board.slot(0, which);
    assert.deepEqual(
      [ScoreboardSlot.STATE, ScoreboardSlot.PID, ScoreboardSlot.INCARNATION].map(word),
      [WorkerState.READY, pid, 1],
    );
    assert.deepEqual([ScoreboardSlot.GENERATION, ScoreboardSlot.CAPACITY].map(word), [1, 7]);
    await run.stop();
    assert.equal(word(ScoreboardSlot.STATE), WorkerState.EXITED);
  });

  it("logs what a worker writes, stdout at info and stderr at notice", async () => {
    await start(HELLO);
    assert.equal(await ready("/print"), "hello");
    await run.log.waitFor(/\[tenon:info\] \[pid \d+\] TN0220: \[hello 0 \d+\] said on stdout$/);
    await run.log.waitFor(/\[tenon:notice\] \[pid \d+\] TN0221: \[hello 0 \d+\] said on stderr$/);
  });

  it("logs no line that a worker could forge, and cuts one that is too long", async () => {
    const forged =
      "console.log('a\\r[x] TN0001: \\u001b[31mred'); console.log('y'.repeat(100000));";
    await start(forged + HELLO);
    await run.log.waitFor(/TN0220: \[hello 0 \d+\] a\\x0d\[x\] TN0001: \\x1b\[31mred$/);
    const cut = await run.log.waitFor(/TN0220: .* y+ \(cut\)$/);
    assert.equal(/y+/.exec(cut.slice(cut.indexOf("] y")))?.[0].length, 8192);
  });

  it("replaces a worker that was killed while it served, at once", async () => {
    await start(HELLO);
    const pid = await run.workerPid(/TN0211/);
    const channel = run.queue("hello");
    await channel.hello();
    channel.request({ target: "/print" });
    await run.log.waitFor(/TN0221/);
    process.kill(pid, "SIGKILL");
    const crash = await run.log.waitFor(/TN0216/);
    assert.match(
      crash,
      /\[tenon:error\] \[pid \d+\] TN0216: \[hello 0 \d+\] crashed: killed by SIGKILL, /,
    );
    assert.match(
      crash,
      /\d exchanges? in flight, after \d+\.\d s; last line on stderr: said on stderr$/,
    );
    await run.log.waitFor(/TN0211: \[hello 0 \d+\] ready/, {
      since: run.log.lines().indexOf(crash),
    });
    assert.equal(
      run.log.lines().some((line) => line.includes("TN0233")),
      false,
      "no backoff",
    );
    channel.socket.destroy();
    assert.equal(await run.get("hello"), "hello");
  });

  it("names the exit code of a worker that exits unasked", async () => {
    await start(HELLO, { processesMin: 0 });
    const channel = run.queue("hello");
    channel.request({ target: "/exit" });
    await run.log.waitFor(/TN0216: .* crashed: exited with code 3, 0 exchanges in flight/);
    await channel.closed();
  });

  it("logs why an application does not load, backs off, and serves when it does", async () => {
    await start("const wrong: number = 1;\nthrow new TypeError('it is broken');\n");
    const line = await run.log.waitFor(/TN0212/);
    assert.match(
      line,
      /\[tenon:error\].* TN0212: \[hello 0 \d+\] did not start: TENON_ERR_\w+: .*it is broken/,
    );
    await run.log.waitFor(/TN0213: \[hello 0 \d+\]\s+at .*app\.ts:2:7/);
    await run.log.waitFor(/TN0233: \[hello 0\] backs off: the next worker starts in \d+ ms/);
    run.app("app.ts", HELLO);
    await run.log.waitFor(/TN0211/);
    assert.equal(await run.get("hello"), "hello");
  });

  it("logs the exit of a worker before it was ready, with its last line", async () => {
    await start("console.error('no database');\nprocess.exit(5);\n");
    await run.log.waitFor(
      /TN0214: \[hello 0 \d+\] did not start: exited with code 5, .*; last line on stderr: no database$/,
    );
  });

  it("kills a worker that is not ready within the startup time-out", async () => {
    await start("setInterval(() => {}, 1000);\nawait new Promise(() => {});\n", {
      startupTimeoutMs: 500,
    });
    const pid = await run.workerPid(/TN0215: \[hello 0 \d+\] killed: not ready within 500 ms/);
    await run.log.waitFor(new RegExp(`TN0217: \\[hello 0 ${pid}\\] killed by SIGKILL`));
    assert.equal(alive(pid), false);
  });

  it("ends the processes that a worker leaves behind", async () => {
    const child = `
      import { spawn } from "node:child_process";
      const child = spawn("sleep", ["1000"], { stdio: "inherit" });
      console.log("child", child.pid);`;
    await start(child + HELLO);
    const line = await run.log.waitFor(/child \d+/);
    const sleeper = Number(/child (\d+)/.exec(line)?.[1]);
    const pid = await run.workerPid(/TN0211/);
    assert.equal(alive(sleeper), true);
    process.kill(pid, "SIGKILL");
    await run.log.waitFor(/TN0216/);
    await run.goneOf(sleeper);
  });

  it("removes the endpoint of a worker that has exited", async () => {
    await start(HELLO, { processesMin: 0 });
    await run.get("hello");
    assert.equal(existsSync(join(run.runtime, "pools/hello/w0")), true);
    process.kill(await run.workerPid(/TN0211/), "SIGKILL");
    await run.log.waitFor(/TN0216/);
    assert.equal(existsSync(join(run.runtime, "pools/hello/w0")), false);
  });

  it("starts no worker that could be root, whatever its groups", async function () {
    if (!isRoot) this.skip();
    await start(HELLO, { group: "root" });
    const pid = await run.workerPid(/TN0211/);
    const status = readFileSync(`/proc/${pid}/status`, "utf8");
    assert.match(status, /^Gid:\t0\t0\t0\t0$/m);
    assert.doesNotMatch(status, /^Uid:.*\b0\b/m);
  });

  async function ready(target: string): Promise<string> {
    await run.log.waitFor(/TN0211/);
    return run.get("hello", target);
  }
});
