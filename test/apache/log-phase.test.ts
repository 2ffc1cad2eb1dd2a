// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HttpdPlaces, PrivateHttpdOptions } from "../../ts/cli/private-httpd.ts";
import { startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { sendLoad } from "../helpers/load-client.ts";
import { alive, waitUntil } from "../helpers/processes.ts";
import { WrittenRecords, waitingBytes } from "../helpers/records.ts";

/** Everything takes several times as long there. */
const sanitized = process.env["TENON_TEST_SANITIZED"] !== undefined;

const FILE = "/file.txt";
const ACCESS_LOG = 'CustomLog logs/access.log "%q"';

describe("the log phase", () => {
  let httpd: TestHttpd | undefined;
  let written: WrittenRecords;

  /** An httpd with one small file, and a pool that gets a record of every request. */
  async function start(
    directives: string,
    text = "",
    options: PrivateHttpdOptions = {},
  ): Promise<TestHttpd> {
    const configure = (places: HttpdPlaces): string => {
      written = new WrittenRecords(places.directory, "log");
      writeFileSync(join(places.htdocs, FILE), "hello\n");
      return `${written.pool("log", directives)}TenonHook log_transaction log order=early\n${text}`;
    };
    httpd = await startHttpd({ ...options, text: configure });
    return httpd;
  }

  /** Numbers of the requests that the access log has. Their records were made before. */
  function loggedNumbers(running: TestHttpd): Set<number> {
    const access = readFileSync(join(running.places.logs, "access.log"), "latin1");
    return new Set([...access.matchAll(/n=(\d+)/g)].map((match) => Number(match[1])));
  }

  /** Sends requests whose hook waits, and returns once their records wait: a client has its answer before. */
  async function hold(running: TestHttpd, count: number): Promise<void> {
    await sendLoad({ port: running.places.port, path: FILE, query: "hold", count });
    await waitUntil("the access log", () => loggedNumbers(running).size === count);
  }

  async function assertAll(running: TestHttpd, count: number): Promise<void> {
    await written.waitFor(count, () => running.log().tail());
    const found = [...written.numbers()].sort((one, other) => one - other);
    assert.deepEqual(
      found,
      Array.from({ length: count }, (_, number) => number),
    );
  }

  afterEach(async () => {
    const running = httpd;
    httpd = undefined;
    await running?.stop();
  });

  it("brings each of 200,000 records to a worker, though ten are killed on the way", async () => {
    const count = sanitized ? 30_000 : 200_000;
    const kills = 10;
    // One more than are killed: a pool whose workers crash waits longer and longer before it starts one.
    const running = await start(`TenonProcesses ${kills + 1}`);
    await running.waitForReady("log", kills + 1);
    running.expectLog("TN0216");
    const victims = new Set<number>();
    const kill = (answered: number): void => {
      if (victims.size === kills || answered < ((victims.size + 1) * count) / (kills + 1)) return;
      // The one that has written last has records now, as a rule.
      const pid = written.all().at(-1)?.pid ?? 0;
      if (victims.has(pid) || !alive(pid)) return;
      victims.add(pid);
      process.kill(pid, "SIGKILL");
    };
    const { port } = running.places;
    await sendLoad({ port, path: FILE, count, depth: 8, onProgress: kill });
    await assertAll(running, count);
    assert.equal(victims.size, kills);
    // A record that comes twice has the id of its request.
    assert.equal(new Set(written.all().map(({ id }) => id)).size, count);
  }).timeout(180_000);

  it("loses no record of processes that end, by graceful restarts and by MaxConnectionsPerChild", async () => {
    const count = sanitized ? 2_000 : 5_000;
    const text = "MaxConnectionsPerChild 20\nMaxKeepAliveRequests 50";
    const running = await start("TenonProcesses 1 2", text);
    const children = new Set<number>();
    let steps = 0;
    let restarting = Promise.resolve();
    const onProgress = (answered: number): void => {
      if (answered < ((steps + 1) * count) / 40) return;
      steps++;
      for (const pid of running.processes().children) children.add(pid);
      if (steps % 10 === 0) restarting = restarting.then(() => running.graceful());
    };
    await sendLoad({ port: running.places.port, path: FILE, count, onProgress });
    await restarting;
    await assertAll(running, count);
    assert.ok(children.size > 4, `only ${children.size} processes were seen`);
  });

  for (const mpm of ["prefork", "worker"] as const) {
    it(`loses no record under ${mpm} that the access log has, when a restart breaks off what is open`, async () => {
      const count = sanitized ? 1_000 : 5_000;
      const running = await start("TenonProcesses 1 2", ACCESS_LOG, { mpm });
      // httpd's own, docs/apache.md: a thread on its way to the next request of a connection that is closed meanwhile.
      if (mpm === "worker") running.expectLog("AH00045", "AH00046");
      const restart = running.restart.bind(running);
      let restarting: Promise<void> | undefined;
      const onProgress = (answered: number): void => {
        if (answered > count / 2) restarting ??= restart();
      };
      await sendLoad({ port: running.places.port, path: FILE, count, onProgress });
      await restarting;
      // A process of prefork that is killed between an answer and its log writes neither.
      const logged = loggedNumbers(running);
      assert.ok(logged.size > count - 20, `only ${logged.size} were logged`);
      await written.waitFor(logged.size, () => running.log().tail());
      await waitUntil("no record waits", () => waitingBytes(running.runtime, "log") === 0);
      const found = written.numbers();
      assert.deepEqual(
        [...logged].filter((number) => !found.has(number)),
        [],
      );
    });
  }

  it("delivers what a killed process of httpd has left", async () => {
    const running = await start("TenonProcesses 1", ACCESS_LOG);
    await hold(running, 100);
    for (const pid of running.processes().children) process.kill(pid, "SIGKILL");
    assert.deepEqual([...written.numbers()], []);
    written.release();
    await assertAll(running, 100);
  });

  it("delivers after a new start what had no worker at the end", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tenon-records-"));
    const runtime = join(folder, "tenon");
    try {
      chmodSync(folder, 0o755);
      const text = `TenonRuntimeDir "${runtime}"\n${ACCESS_LOG}`;
      const first = await start("TenonProcesses 1\nTenonShutdownTimeout 1", text);
      first.expectLog("TN0218");
      await hold(first, 10);
      httpd = undefined;
      await first.stop();
      assert.ok(waitingBytes(runtime, "log") > 0);
      const second = await start("TenonProcesses 1", text);
      written.release();
      await assertAll(second, 10);
      httpd = undefined;
      await second.stop();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
