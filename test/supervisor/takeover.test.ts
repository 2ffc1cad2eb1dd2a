// SPDX-License-Identifier: Apache-2.0
// A supervisor that dies and its successor, with real workers; the test plays httpd's parent, which holds the store, and the hosts.
import assert from "node:assert/strict";
import { rmSync } from "node:fs";
import { setImmediate } from "node:timers/promises";
import {
  ScoreboardHeader,
  ScoreboardSlot,
  WireError,
  WorkerState,
} from "../../ts/wire/protocol.ts";
import { alive, waitUntil } from "../helpers/processes.ts";
import { mapBoard } from "./boards.ts";
import { BREAKABLE, HELLO, type PoolEntry, type Supervised, superviseEach } from "./supervised.ts";

/** Has a supervisor throw where nobody catches. */
const THROWS = `--import=data:text/javascript,${encodeURIComponent(
  'process.on("SIGUSR2", () => { throw new Error("an error of its own"); });',
)}`;

describe("supervisor/takeover", () => {
  let run: Supervised;
  superviseEach((fresh) => {
    run = fresh;
  });

  function hello(changes: PoolEntry = {}): PoolEntry {
    return { name: "hello", app: run.app("app.ts", HELLO), processesMin: 1, ...changes };
  }

  /** Starts a supervisor and waits until it has been configured. */
  async function start(...pools: readonly PoolEntry[]): Promise<void> {
    if (pools.length > 0) run.write(...pools);
    const since = run.log.mark();
    run.start();
    await run.log.waitFor(/TN0203/, { since });
  }

  async function kill(): Promise<void> {
    run.signal("SIGKILL");
    assert.equal(await run.exited(), "SIGKILL");
  }

  /** Waits until the worker in slot 0 of hello knows that it is to drain. */
  async function toldToDrain(): Promise<void> {
    const board = mapBoard(run.path("hello", "scoreboard"));
    const shown = (): number => board.slot(0, ScoreboardSlot.STATE);
    await waitUntil("the worker drains", () => shown() === WorkerState.DRAINING);
  }

  it("goes on with the same workers, scoreboard and queue", async () => {
    await start(hello({ processesMin: 2 }));
    for (const slot of [0, 1]) await run.log.waitFor(new RegExp(`TN0211: \\[hello ${slot} `));
    const workers = run.workers().sort();
    const board = mapBoard(run.path("hello", "scoreboard"));
    const open = run.queue("hello");
    await open.hello();
    await kill();
    const since = run.log.mark();
    await start();
    await run.log.waitFor(/TN0243: \[hello\] taken over .*: generation 1, workers: 2$/, { since });
    await run.log.waitFor(/TN0203: configured: 1 pools, 1 of them as before$/, { since });
    assert.deepEqual(run.workers().sort(), workers);
    assert.equal(board.header(ScoreboardHeader.REPLACED), 0);
    assert.equal(board.header(ScoreboardHeader.SUPERVISOR), run.pid);
    assert.equal((await open.ask({})).text, "hello");
    open.socket.destroy();
    assert.ok(workers.includes(Number(await run.get("hello", "/pid"))));
  });

  it("serves while there is no supervisor", async () => {
    await start(hello());
    const pid = await run.workerPid(/TN0211/);
    await kill();
    assert.equal(await run.get("hello", "/pid"), String(pid));
    await start();
    assert.equal(await run.get("hello", "/pid"), String(pid));
  });

  it("keeps what waits in the queue of a pool without workers", async () => {
    await start(hello({ processesMin: 0 }));
    await kill();
    const waits = run.queue("hello");
    const answer = waits.ask({});
    await start();
    assert.equal((await answer).text, "hello");
    waits.socket.destroy();
  });

  it("knows that a generation starts whose workers it finds ready", async () => {
    await start(hello({ processesMin: 2, app: run.app("breakable.ts", BREAKABLE) }));
    for (const slot of [0, 1]) await run.log.waitFor(new RegExp(`TN0211: \\[hello ${slot} `));
    const pid = await run.workerPid(/TN0211: \[hello 0 /);
    await kill();
    await start();
    run.app("broken", "");
    process.kill(pid, "SIGKILL");
    await run.log.waitFor(/TN0212: \[hello 0 \d+\] did not start: .*it is broken/);
    // What is said of the generation is said before.
    await run.log.waitFor(/TN0233: \[hello 0\]/);
    assert.ok(!run.log.lines().some((line) => line.includes("TN0262")));
  });

  it("goes on with a worker that is starting", async () => {
    const slow = `await new Promise((done) => setTimeout(done, 1500));\n${HELLO}`;
    await start(hello({ app: run.app("slow.ts", slow) }));
    const pid = await run.workerPid(/TN0210/);
    await kill();
    const since = run.log.mark();
    await start();
    await run.log.waitFor(new RegExp(`TN0244: \\[hello 0 ${pid}\\] taken over: starting`), {
      since,
    });
    await run.log.waitFor(new RegExp(`TN0211: \\[hello 0 ${pid}\\] ready after`), { since });
    assert.equal(await run.get("hello", "/pid"), String(pid));
    assert.deepEqual(run.workers(), [pid]);
  });

  it("holds a worker that it finds starting to the startup time-out", async () => {
    const app = run.app("never.ts", "await new Promise(() => setInterval(() => {}, 1000));");
    await start(hello({ app, startupTimeoutMs: 2000 }));
    const pid = await run.workerPid(/TN0210/);
    await kill();
    const since = run.log.mark();
    await start();
    await run.log.waitFor(new RegExp(`TN0215: \\[hello 0 ${pid}\\] killed: not ready`), { since });
  });

  it("lets a worker that drains finish, and kills it at its time-out", async () => {
    const limits = { gracefulTimeoutMs: 3_600_000, shutdownTimeoutMs: 100 };
    await start(hello(limits));
    const pid = await run.workerPid(/TN0211/);
    const open = run.queue("hello");
    await open.hello();
    open.request({ target: "/hang" });
    run.write(hello({ ...limits, environment: { CHANGED: "yes" } }));
    run.configure();
    await toldToDrain();
    await kill();
    const since = run.log.mark();
    await start();
    await run.log.waitFor(/TN0243: .*generation 2, workers: 2/, { since });
    await run.log.waitFor(
      new RegExp(`TN0244: \\[hello 0 ${pid}\\] taken over: draining, generation 1`),
      {
        since,
      },
    );
    assert.ok(alive(pid), "its request is open");
    open.socket.destroy();
    await run.log.waitFor(new RegExp(`TN0217: \\[hello 0 ${pid}\\]`), { since });
    assert.equal(
      run.log.lines(since).some((line) => line.includes("TN0233")),
      false,
      "no backoff",
    );
  });

  it("replaces a worker that died while there was no supervisor", async () => {
    await start(hello());
    const pid = await run.workerPid(/TN0211/);
    await kill();
    process.kill(pid, "SIGKILL");
    await run.goneOf(pid);
    const since = run.log.mark();
    await start();
    await run.log.waitFor(new RegExp(`TN0216: \\[hello 0 ${pid}\\] crashed: (killed|ended)`), {
      since,
    });
    const next = await run.workerPid(/TN0211/, since);
    assert.equal(await run.get("hello", "/pid"), String(next));
    assert.deepEqual(run.workers(), [next]);
    const board = mapBoard(run.path("hello", "scoreboard"));
    assert.equal(board.slot(0, ScoreboardSlot.INCARNATION), 2);
  });

  it("replaces a worker that is killed after it was taken over", async () => {
    await start(hello());
    const pid = await run.workerPid(/TN0211/);
    await kill();
    await start();
    const since = run.log.mark();
    process.kill(pid, "SIGKILL");
    await run.log.waitFor(new RegExp(`TN0216: \\[hello 0 ${pid}\\] crashed: `), { since });
    const next = await run.workerPid(/TN0211/, since);
    assert.equal(await run.get("hello", "/pid"), String(next));
  });

  it("reads what a worker has written meanwhile, and writes from then on", async () => {
    await start(hello());
    await run.log.waitFor(/TN0211/);
    await kill();
    assert.equal(await run.get("hello", "/print"), "hello");
    const since = run.log.mark();
    await start();
    await run.log.waitFor(/TN0220: \[hello 0 \d+\] said on stdout$/, { since });
    await run.log.waitFor(/TN0221: \[hello 0 \d+\] said on stderr$/, { since });
    const again = run.log.mark();
    assert.equal(await run.get("hello", "/print"), "hello");
    await run.log.waitFor(/TN0221: \[hello 0 \d+\] said on stderr$/, { since: again });
  });

  it("ends a flood that found the pipe full when a successor reads it", async () => {
    await start(hello());
    await run.log.waitFor(/TN0211/);
    const channel = run.queue("hello");
    const answer = channel.ask({ target: "/flood" });
    await run.log.waitFor(/TN0220: \[hello 0 \d+\] x/);
    await kill();
    await start();
    assert.equal((await answer).text, "hello");
    channel.socket.destroy();
  });

  it("rescues a worker that it has taken over", async () => {
    await start(hello({ stallTimeoutMs: 1000 }));
    const pid = await run.workerPid(/TN0211/);
    await kill();
    const channel = run.queue("hello");
    const answer = channel.ask({ target: "/loop" });
    const since = run.log.mark();
    await start();
    await run.log.waitFor(new RegExp(`TN0240: \\[hello 0 ${pid}\\] stalled .*GET /loop`), {
      since,
    });
    assert.equal((await answer).abort?.error, WireError.STALLED);
    channel.socket.destroy();
    await run.log.waitFor(
      new RegExp(`TN0217: \\[hello 0 ${pid}\\] exited with code 0|TN0217.*ended`),
      {
        since,
      },
    );
  });

  it("sheds, grows and stops as ever", async () => {
    await start(hello({ processesMin: 0, processesMax: 2, concurrency: 1, idleTimeoutMs: 1000 }));
    assert.equal(await run.get("hello"), "hello");
    const first = await run.workerPid(/TN0211/);
    const held = run.queue("hello");
    await held.hello();
    held.request({ target: "/hang" });
    await kill();
    await start();
    const more = run.queue("hello");
    assert.notEqual(Number((await more.ask({ target: "/pid" })).text), first);
    more.socket.destroy();
    held.socket.destroy();
    await run.log.waitFor(new RegExp(`TN0222: \\[hello 0 ${first}\\] asked to exit: idle`));
    assert.equal(await run.stop(), 0);
    assert.equal(alive(first), false);
  });

  it("takes over again and again, also right after its start", async () => {
    await start(hello({ processesMin: 2 }));
    for (const slot of [0, 1]) await run.log.waitFor(new RegExp(`TN0211: \\[hello ${slot} `));
    const workers = run.workers().sort();
    for (const line of [/TN0200/, /TN0243/, /TN0200/, /TN0203/]) {
      await kill();
      const since = run.log.mark();
      run.start();
      await run.log.waitFor(line, { since });
    }
    await kill();
    await start();
    assert.deepEqual(run.workers().sort(), workers);
    assert.ok(workers.includes(Number(await run.get("hello", "/pid"))));
  });

  it("takes over from a supervisor that ended by an error of its own", async () => {
    run.write(hello());
    run.start({ NODE_OPTIONS: THROWS });
    const pid = await run.workerPid(/TN0211/);
    run.signal("SIGUSR2");
    assert.equal(await run.exited(), 1);
    await run.log.waitFor(/\[tenon:crit\].* TN0208: .*an error of its own/);
    await start();
    assert.equal(await run.get("hello", "/pid"), String(pid));
    assert.deepEqual(run.workers(), [pid]);
  });

  describe("with a configuration that changed meanwhile", () => {
    it("replaces the workers of changed pools, removes and adds others", async () => {
      const same = hello({ name: "same" });
      await start(same, hello({ name: "changed" }), hello({ name: "removed" }));
      const pid = await run.workerPid(/TN0211: \[same/);
      const changed = await run.workerPid(/TN0211: \[changed/);
      const removed = await run.workerPid(/TN0211: \[removed/);
      const slow = run.queue("changed");
      await slow.hello();
      slow.request({ target: "/hang" });
      await kill();
      const environment = { CHANGED: "yes" };
      const since = run.log.mark();
      await start(same, hello({ name: "changed", environment }), hello({ name: "added" }));
      await run.log.waitFor(/TN0230: \[changed\] new configuration: generation 2/, { since });
      await run.log.waitFor(new RegExp(`TN0222: \\[changed 0 ${changed}\\]`), { since });
      await run.log.waitFor(/TN0232: \[removed\]/, { since });
      await run.log.waitFor(/TN0211: \[added/, { since });
      assert.equal(await run.get("same", "/pid"), String(pid));
      const { CHANGED } = JSON.parse(await run.get("changed", "/env")) as { CHANGED?: string };
      assert.equal(CHANGED, "yes");
      assert.ok(alive(changed), "the open request keeps the old worker");
      assert.equal(alive(removed), false);
      slow.socket.destroy();
      await run.goneOf(changed);
    });

    it("goes on with the old one while the new one is wrong", async () => {
      await start(hello());
      const pid = await run.workerPid(/TN0211/);
      await kill();
      const since = run.log.mark();
      run.write(hello({ concurrency: 0 }));
      run.start();
      await run.log.waitFor(/TN0201/, { since });
      assert.equal(await run.get("hello", "/pid"), String(pid));
      process.kill(pid, "SIGKILL");
      await run.log.waitFor(/TN0216/, { since });
      assert.equal(await run.get("hello"), "hello");
      assert.notEqual(await run.get("hello", "/pid"), String(pid));
    });

    it("grows the scoreboard, and goes on with workers that have the old one", async () => {
      const least = { processesMin: 1, processesMax: 1 };
      await start(hello(least));
      const old = await run.workerPid(/TN0211/);
      const slow = run.queue("hello");
      await slow.hello();
      slow.request({ target: "/hang" });
      run.write(hello({ ...least, processesMax: 9 }));
      run.configure();
      await toldToDrain();
      await kill();
      const since = run.log.mark();
      await start();
      await run.log.waitFor(new RegExp(`TN0244: \\[hello 0 ${old}\\] taken over: draining`), {
        since,
      });
      assert.equal(mapBoard(run.path("hello", "scoreboard")).slots, 18);
      slow.socket.destroy();
      await run.goneOf(old);
      assert.equal(await run.get("hello"), "hello");
    });
  });

  it("has the files watched that a worker has loaded, and sees what changed meanwhile", async () => {
    await start(hello());
    const pid = await run.workerPid(/TN0211/);
    await kill();
    run.app("app.ts", HELLO.replace('Response("hello")', 'Response("changed")'));
    let since = run.log.mark();
    await start();
    await run.log.waitFor(new RegExp(`TN0217: \\[hello 0 ${pid}\\]`), { since });
    assert.equal(await run.get("hello"), "changed");
    since = run.log.mark();
    run.app("app.ts", HELLO.replace('Response("hello")', 'Response("once more")'));
    await run.log.waitFor(/TN0217: \[hello \d/, { since });
    assert.equal(await run.get("hello"), "once more");
  });

  it("starts anew where a pool's files are gone, and lets the old workers drain", async () => {
    await start(hello());
    const pid = await run.workerPid(/TN0211/);
    await kill();
    rmSync(run.path("hello", "generation-1.json"));
    const since = run.log.mark();
    await start();
    await run.log.waitFor(/TN0245: \[hello\] the pool cannot be taken over/, { since });
    const next = await run.workerPid(/TN0211/, since);
    await run.goneOf(pid);
    assert.equal(await run.get("hello", "/pid"), String(next));
  });

  describe("a worker that nobody takes over", () => {
    /** Kills the supervisor and gives up the store, as when httpd's parent dies with it. */
    async function abandon(): Promise<void> {
      await kill();
      run.dropStore();
    }

    it("finishes what is open within the shutdown time-out", async () => {
      await start(hello());
      const pid = await run.workerPid(/TN0211/);
      const channel = run.queue("hello");
      const answer = channel.ask({ target: "/flood" });
      await run.log.waitFor(/TN0220: \[hello 0 \d+\] x/);
      await abandon();
      assert.equal((await answer).text, "hello");
      channel.socket.destroy();
      await run.goneOf(pid);
      rmSync(run.runtime, { recursive: true });
    });

    it("breaks off what is still open then", async () => {
      await start(hello({ shutdownTimeoutMs: 200 }));
      const pid = await run.workerPid(/TN0211/);
      const channel = run.queue("hello");
      const answer = channel.ask({ target: "/hang" });
      const board = mapBoard(run.path("hello", "scoreboard"));
      while (board.slot(0, ScoreboardSlot.IN_FLIGHT) === 0) await setImmediate();
      await abandon();
      assert.equal((await answer).abort?.error, WireError.STOPPING);
      channel.socket.destroy();
      await run.goneOf(pid);
      rmSync(run.runtime, { recursive: true });
    });

    it("is killed where its event loop does not turn", async () => {
      await start(hello({ shutdownTimeoutMs: 200 }));
      const pid = await run.workerPid(/TN0211/);
      const channel = run.queue("hello");
      channel.ask({ target: "/loop" }).catch(() => {});
      const board = mapBoard(run.path("hello", "scoreboard"));
      while (board.slot(0, ScoreboardSlot.IN_FLIGHT) === 0) await setImmediate();
      await abandon();
      await run.goneOf(pid);
      assert.equal(board.slot(0, ScoreboardSlot.STATE), WorkerState.READY);
      channel.socket.destroy();
      rmSync(run.runtime, { recursive: true });
    });
  });
});
