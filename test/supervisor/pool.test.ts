// SPDX-License-Identifier: Apache-2.0
// Drives the real main.ts with real workers; the test plays httpd's parent and the hosts.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { alive } from "../helpers/processes.ts";
import { BREAKABLE, HELLO, type Supervised, superviseEach } from "./supervised.ts";

describe("supervisor/pool", () => {
  let run: Supervised;
  superviseEach((fresh) => {
    run = fresh;
  });

  async function start(changes: Record<string, unknown>): Promise<void> {
    run.write({ name: "hello", app: run.app("app.ts", HELLO), ...changes });
    run.start();
    await run.log.waitFor(/TN0203/);
  }

  it("costs no process until the first request, which starts one worker", async () => {
    await start({ processesMin: 0 });
    assert.deepEqual(run.workers(), []);
    assert.equal(await run.get("hello"), "hello");
    assert.equal(await run.get("hello"), "hello");
    assert.equal(run.workers().length, 1);
  });

  it("starts as many workers as always run", async () => {
    await start({ processesMin: 3 });
    for (const slot of [0, 1, 2]) await run.log.waitFor(new RegExp(`TN0211: \\[hello ${slot} `));
    assert.equal(run.workers().length, 3);
  });

  it("starts another worker when requests wait and nobody has room, up to the maximum", async () => {
    await start({ processesMin: 0, processesMax: 2, concurrency: 1 });
    const channels = [run.queue("hello"), run.queue("hello"), run.queue("hello")];
    for (const channel of channels) channel.request({ target: "/hang" });
    await run.log.waitFor(/TN0211: \[hello 0 /);
    await run.log.waitFor(/TN0211: \[hello 1 /);
    const served: number[] = [];
    const hellos = channels.map(async (channel) => served.push((await channel.hello()).slot));
    const [first, second, third] = hellos;
    await Promise.any([
      Promise.all([first, second]),
      Promise.all([second, third]),
      Promise.all([first, third]),
    ]);
    assert.deepEqual(served.sort(), [0, 1]);
    assert.equal(run.workers().length, 2);
    for (const channel of channels) channel.socket.destroy();
    await Promise.allSettled(hellos);
  });

  it("does not spin while requests wait that nobody can take", async () => {
    const app = run.app("app.ts", HELLO);
    const one = { app, processesMax: 1, concurrency: 1, shutdownTimeoutMs: 100 };
    // The second pool is the clock: its worker is shed when it has been idle for a second.
    run.write({ name: "hello", ...one }, { name: "clock", app, idleTimeoutMs: 1000 });
    run.start();
    await run.log.waitFor(/TN0203/);
    const busy = run.queue("hello");
    await busy.hello();
    busy.request({ target: "/hang" });
    const waits = run.queue("hello");
    await run.get("clock");
    const before = cpuTicks(run.pid);
    await run.log.waitFor(/TN0222: \[clock/);
    const ticks = cpuTicks(run.pid) - before;
    // A watcher that spins takes all of the second, which is 100 ticks.
    assert.ok(ticks <= 30, `${ticks} ticks of 10 ms`);
    busy.socket.destroy();
    assert.equal((await waits.hello()).slot, 0);
    waits.socket.destroy();
  });

  it("sheds a worker that is idle for the idle time-out, and starts one at the next request", async () => {
    await start({ processesMin: 0, idleTimeoutMs: 1000 });
    assert.equal(await run.get("hello"), "hello");
    const pid = await run.workerPid(/TN0222: \[hello 0 \d+\] asked to exit: idle/);
    await run.log.waitFor(new RegExp(`TN0217: \\[hello 0 ${pid}\\] exited with code 0`));
    assert.equal(alive(pid), false);
    assert.deepEqual(run.workers(), []);
    const since = run.log.mark();
    assert.equal(await run.get("hello"), "hello");
    await run.log.waitFor(/TN0210: \[hello 0 \d+\] started: generation 1, incarnation 2/, {
      since,
    });
  });

  it("keeps as many idle workers as always run", async () => {
    await start({ processesMin: 1, processesMax: 2, concurrency: 1, idleTimeoutMs: 1000 });
    await run.log.waitFor(/TN0211/);
    const first = run.queue("hello");
    await first.hello();
    first.request({ target: "/hang" });
    const second = run.queue("hello");
    second.request({ target: "/hang" });
    await run.log.waitFor(/TN0211: \[hello 1 /);
    await second.hello();
    first.socket.destroy();
    second.socket.destroy();
    await run.log.waitFor(/TN0217: \[hello 1 /);
    assert.equal(run.workers().length, 1);
    assert.equal(await run.get("hello"), "hello");
  });

  it("says when a worker cannot be spawned, backs off and tries again", async () => {
    await start({ processesMin: 0 });
    run.block(run.path("hello", "w0"));
    assert.equal(await run.get("hello"), "hello");
    const lines = run.log.lines().flatMap((line) => /TN02[13]\d/.exec(line)?.[0] ?? []);
    assert.deepEqual(lines.slice(-4), ["TN0219", "TN0233", "TN0210", "TN0211"]);
    await run.log.waitFor(/TN0219: \[hello 0\] a worker could not be started: .*EADDRINUSE.*w0/);
  });

  it("does not say of a generation that serves that it does not start, when a worker of it does not", async () => {
    await start({ processesMin: 2, app: run.app("breakable.ts", BREAKABLE) });
    for (const slot of [0, 1]) await run.log.waitFor(new RegExp(`TN0211: \\[hello ${slot} `));
    run.app("broken", "");
    const pid = await run.workerPid(/TN0211: \[hello 0 /);
    process.kill(pid, "SIGKILL");
    await run.log.waitFor(/TN0212: \[hello 0 \d+\] did not start: .*it is broken/);
    // What is said of the generation is said before.
    await run.log.waitFor(/TN0233: \[hello 0\]/);
    assert.ok(!run.log.lines().some((line) => line.includes("TN0262")));
    assert.equal(await run.get("hello"), "hello");
  });

  it("says when the system does not allow the queue its length", async () => {
    const most = Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
    await start({ queueLength: Math.min(most, 65_535) });
    const lines = run.log.lines().filter((line) => line.includes("TN0234"));
    assert.deepEqual(lines, []);
    if (most >= 65_535) return;
    run.write({ name: "hello", app: run.app("app.ts", HELLO), queueLength: most + 1 });
    run.configure();
    await run.log.waitFor(
      new RegExp(`TN0234: \\[hello\\] .* is ${most + 1}, but the system allows ${most}`),
    );
  });
});

/** Processor time of a process in ticks of 10 ms. */
function cpuTicks(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return Number(fields[11]) + Number(fields[12]);
}
