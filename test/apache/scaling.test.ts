// SPDX-License-Identifier: Apache-2.0
// How many workers there are, and for how long, of real pools.
import assert from "node:assert/strict";
import { join } from "node:path";
import { ask, head, open, rest } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

const app = join(root, "test", "apache", "scaling-app.ts");

describe("how many workers a pool has", () => {
  let httpd: TestHttpd;

  async function start(text: string): Promise<void> {
    httpd = await startHttpd({ text });
  }
  afterEach(() => httpd.stop());

  /** Asks a path over and over, so many at once, until something has come about; every answer must be 200. */
  async function askUntil(
    path: string,
    clients: number,
    come: Promise<unknown>,
  ): Promise<string[]> {
    let running = true;
    const texts: string[] = [];
    const client = async (): Promise<void> => {
      while (running) {
        const { status, text } = await ask(`${httpd.url}${path}`);
        assert.equal(status, 200, text);
        texts.push(text);
      }
    };
    const all = Promise.all(Array.from({ length: clients }, client));
    await Promise.race([come, all]).finally(() => {
      running = false;
    });
    await all;
    return texts;
  }

  async function hold(name: string): Promise<() => Promise<string>> {
    const response = await head(open(`${httpd.url}/${name}/hold`).end());
    return async () => {
      process.kill(Number(response.headers["x-pid"]), "SIGUSR2");
      return (await rest(response)).text;
    };
  }

  /** Lines of the log, by tag, of a pool. */
  function lines(name: string, pattern: RegExp): string[] {
    const own = httpd
      .log()
      .lines()
      .filter((line) => line.includes(`[${name} `));
    return own.filter((line) => pattern.test(line));
  }

  it("grows when its workers are busy, and both are used", async () => {
    await start(pool("busy", "TenonProcesses 1 2", app));
    await httpd.waitForReady("busy", 1);
    const grown = httpd.waitForReady("busy", 2);
    await askUntil("/busy/spin", 6, grown);
    await httpd.waitForLog(/TN0271: \[busy\] another worker starts: all its workers are busy/);
    const pids = new Set<string>();
    await waitUntil("answers of both", async () => {
      const texts = await Promise.all([1, 2, 3, 4].map(() => ask(`${httpd.url}/busy/spin`)));
      for (const { text } of texts) pids.add(text);
      return pids.size === 2;
    });
  });

  it("is none at first, grows while requests wait, and sheds what is idle but nothing that is in flight", async () => {
    await start(pool("queue", "TenonProcesses 0 2\nTenonConcurrency 1\nTenonIdleTimeout 1s", app));
    assert.deepEqual(httpd.workersOf("queue"), []);
    const release = await hold("queue");
    const releaseSecond = await hold("queue");
    assert.equal(httpd.workersOf("queue").length, 2);
    const second = await releaseSecond();
    await httpd.waitForLog(new RegExp(`TN0222: \\[queue \\d ${second}\\] asked to exit: idle`));
    await httpd.waitForLog(new RegExp(`TN0217: \\[queue \\d ${second}\\] exited with code 0`));
    const first = await release();
    assert.notEqual(first, second);
    await httpd.waitForLog(new RegExp(`TN0222: \\[queue \\d ${first}\\] asked to exit: idle`));
    await waitUntil("no worker", () => httpd.workersOf("queue").length === 0);
  });

  it("is no more than all pools together may have: one that is idle goes", async () => {
    const pools = ["a", "b", "c"].map((name) => pool(name, "TenonProcesses 0 2", app));
    await start(`TenonProcessesTotal 2\n${pools.join("\n")}`);
    const pids = new Map<string, string>();
    for (const name of ["a", "b"]) pids.set(name, (await ask(`${httpd.url}/${name}/pid`)).text);
    // It waits for one that has been idle for a second.
    httpd.expectLog("TN0272");
    assert.equal((await ask(`${httpd.url}/c/pid`)).status, 200);
    const line = await httpd.waitForLog(/TN0222: \[[ab] 0 \d+\] asked to exit: idle, and another/);
    // Which is idle for longer is known as exactly as they are looked at.
    const [, gone = "", pid] = /\[([ab]) 0 (\d+)\]/.exec(line) ?? [];
    assert.equal(pid, pids.get(gone));
    const other = gone === "a" ? "b" : "a";
    assert.equal((await ask(`${httpd.url}/${other}/pid`)).text, pids.get(other));
  });

  it("says so when all pools together have no room and nobody is idle, and goes on when one is", async () => {
    httpd = await startHttpd({
      text: `TenonProcessesTotal 1\n${pool("has", "TenonProcesses 0 1", app)}${pool("wants", "TenonProcesses 0 1\nTenonQueueTimeout 500ms", app)}`,
    });
    httpd.expectLog("TN0003", "TN0272");
    const release = await hold("has");
    const refused = await ask(`${httpd.url}/wants/pid`);
    assert.equal(refused.status, 503);
    await httpd.waitForLog(/TN0272: \[wants\] .*TenonProcessesTotal/);
    await release();
    await waitUntil("room", async () => (await ask(`${httpd.url}/wants/pid`)).status === 200);
  });

  it("stays the same when workers are replaced after so many requests, and no request fails", async () => {
    await start(pool("many", "TenonProcesses 1 1\nTenonRequests 50 50%", app));
    await httpd.waitForReady("many", 1);
    const pids = new Set(await askUntil("/many/pid", 4, httpd.waitForReady("many", 4)));
    assert.ok(pids.size >= 3, `${pids.size} workers`);
    for (const line of lines("many", /TN0250/)) {
      const served = Number(/it has served (\d+) requests \(TenonRequests\)/.exec(line)?.[1]);
      assert.ok(served >= 25, line);
    }
    assertSuccession("many");
  });

  it("stays the same when workers are replaced at an age, never two at once", async () => {
    await start(pool("old", "TenonProcesses 3 3\nTenonAge 2s", app));
    await httpd.waitForReady("old", 7);
    assert.match(lines("old", /TN0250/)[0] ?? "", /to be replaced: it is 2 s old \(TenonAge\)/);
    assertSuccession("old");
  });

  /** A successor is ready before a worker is asked to go, and each has one of its own. */
  function assertSuccession(name: string): void {
    let spare = 0;
    let started = 0;
    for (const line of lines(name, /TN0211|TN0222/)) {
      if (line.includes("TN0211")) {
        started += 1;
        spare += started > (name === "old" ? 3 : 1) ? 1 : 0;
        assert.ok(spare <= 1, `two successors at once: ${line}`);
      } else {
        spare -= 1;
        assert.ok(spare >= 0, `went before a successor was ready: ${line}`);
      }
    }
  }
});
