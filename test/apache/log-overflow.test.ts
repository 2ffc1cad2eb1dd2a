// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import type { HttpdPlaces } from "../../ts/cli/private-httpd.ts";
import { ask } from "../helpers/http-client.ts";
import { startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { sendLoad } from "../helpers/load-client.ts";
import { alive, privateMemory, waitUntil } from "../helpers/processes.ts";
import {
  recordsApplication,
  spoolFiles,
  WrittenRecords,
  waitingBytes,
} from "../helpers/records.ts";

/** One process, so that its limits are those of all. */
const ONE_CHILD = `ServerLimit 1
StartServers 1
ThreadLimit 64
ThreadsPerChild 64
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64`;

const POOLS = {
  spill: "TenonLogMemory 64K",
  bounded: "TenonLogMemory 64K\nTenonLogSpill 512K",
  drop: "TenonLogMemory 64K\nTenonLogOverflow drop",
  wait: "TenonLogMemory 64K\nTenonLogOverflow wait 300ms",
  hung: "",
  "hung-again": "",
  failing: "TenonProcesses 3",
  lacking: "",
};

/** An application that lacks the hook at first. */
function lackingApplication(places: HttpdPlaces): string {
  const path = join(places.directory, "lacking.ts");
  writeFileSync(path, "export default () => {};\n", { mode: 0o644 });
  return path;
}

describe("log records that a pool does not keep up with", () => {
  let httpd: TestHttpd;
  const written = new Map<string, WrittenRecords>();

  const recordsOf = (pool: string): WrittenRecords => {
    const found = written.get(pool);
    assert.ok(found !== undefined);
    return found;
  };

  before(async () => {
    const text = (places: HttpdPlaces): string =>
      Object.entries(POOLS)
        .map(([name, directives]) => {
          const records = new WrittenRecords(places.directory, name);
          written.set(name, records);
          writeFileSync(join(places.htdocs, `${name}.txt`), "hello\n");
          if (name === "lacking") records.application = lackingApplication(places);
          return `${records.pool(name, `TenonProcesses 1\n${directives}`)}<Location "/${name}.txt">
  TenonHook log_transaction ${name}
</Location>`;
        })
        .join("\n");
    httpd = await startHttpd({ size: ONE_CHILD, text });
  });
  after(() => httpd.stop());

  /** Sends requests over one connection, whose hooks wait if they are the first. */
  async function fill(pool: string, count: number): Promise<void> {
    const { port } = httpd.places;
    await ask(`${httpd.url}/${pool}.txt?n=0&hold`);
    await waitUntil("a hook that waits", () => recordsOf(pool).held);
    const load = { port, path: `/${pool}.txt`, first: 1, count: count - 1 };
    await sendLoad({ ...load, connections: 1, depth: 8 });
  }

  /** Sends requests from many clients at once: how long they took, ms. */
  async function timeOf(pool: string, query: string): Promise<number> {
    const load = { port: httpd.places.port, connections: 8, depth: 8, path: `/${pool}.txt` };
    const before = performance.now();
    await sendLoad({ ...load, query, count: 3_000 });
    return performance.now() - before;
  }

  async function nothingWaits(pool: string): Promise<void> {
    const none = (): boolean =>
      spoolFiles(httpd.runtime, pool).every(
        ({ name, waiting }) => waiting === 0 || name.startsWith("refused-"),
      );
    await waitUntil("no record waits", none, { timeoutMs: 40_000 });
  }

  /** Records that were dropped, as the log says. */
  function dropped(pool: string): number {
    const line = new RegExp(`TN0111: \\[${pool}\\] dropped (\\d+) `);
    return httpd
      .log()
      .lines()
      .reduce((sum, text) => sum + Number(line.exec(text)?.[1] ?? 0), 0);
  }

  /** Each record is delivered or counted as dropped. */
  async function assertCounted(pool: string, count: number): Promise<void> {
    recordsOf(pool).release();
    await nothingWaits(pool);
    // A process that ends tells at once what it has not told yet.
    const before = httpd.processes().children;
    await httpd.graceful();
    await waitUntil("the end of the old process", () => !before.some(alive));
    const all = (): boolean => recordsOf(pool).numbers().size + dropped(pool) === count;
    await waitUntil("the count of all dropped", all, { explain: () => httpd.log().tail() });
    assert.ok(recordsOf(pool).numbers().size > 20);
    assert.ok(dropped(pool) > 100);
  }

  it("are spilled to files and delivered in order", async () => {
    const count = 3_000;
    const records = recordsOf("spill");
    await fill("spill", count);
    await waitUntil("files", () => spoolFiles(httpd.runtime, "spill").length > 4);
    records.release();
    await records.waitFor(count, () => httpd.log().tail());
    const numbers = records.all().map(({ number }) => number);
    assert.deepEqual(
      numbers,
      Array.from({ length: count }, (_, number) => number),
    );
    // An idle process keeps the file that it writes to, and one ahead.
    const settled = (): boolean => spoolFiles(httpd.runtime, "spill").length <= 2;
    await waitUntil("no more files than needed", settled);
  });

  it("take no more room than TenonLogSpill says, and what is dropped is counted", async () => {
    httpd.expectLog("TN0111");
    const count = 3_000;
    await fill("bounded", count);
    const folder = join(httpd.runtime, "records", "bounded");
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    // Files are made larger than what is in them.
    assert.ok(bytes < 2 * 1024 * 1024, `${bytes} bytes of files`);
    const waiting = waitingBytes(httpd.runtime, "bounded");
    assert.ok(waiting > 500 * 1024 && waiting <= (512 + 64) * 1024, `${waiting} bytes wait`);
    await assertCounted("bounded", count);
  });

  it("are dropped and counted where that is wanted", async () => {
    const count = 500;
    await fill("drop", count);
    assert.ok(waitingBytes(httpd.runtime, "drop") <= 64 * 1024);
    await assertCounted("drop", count);
  });

  it("hold up the thread that has the request, as long as TenonLogOverflow wait says", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const url = `${httpd.url}/wait.txt`;
    try {
      let slowest = 0;
      await ask(`${url}?n=0&hold`, { agent });
      await waitUntil("a hook that waits", () => recordsOf("wait").held);
      // The next request on a connection comes to a thread only when the record of the one before is kept or dropped.
      for (let number = 1; slowest < 280; number++) {
        assert.ok(number < 1000, "no request waited");
        const before = performance.now();
        await ask(`${url}?n=${number}`, { agent });
        slowest = Math.max(slowest, performance.now() - before);
      }
      recordsOf("wait").release();
      await nothingWaits("wait");
      assert.ok(slowest < 3_000, `a request waited ${slowest} ms`);
      const before = performance.now();
      await ask(`${url}?n=1001`, { agent });
      await ask(`${url}?n=1002`, { agent });
      assert.ok(performance.now() - before < 280, "a request waited without need");
    } finally {
      agent.destroy();
    }
  });

  it("cost requests no time while the pool hangs", async () => {
    const usual = await timeOf("hung", "a=b");
    const hung = await timeOf("hung", "hold");
    assert.ok(hung < 3 * usual + 500, `${hung} ms instead of ${usual}`);
    recordsOf("hung").release();
    await nothingWaits("hung");
  });

  it("leave httpd flat memory while the pool hangs", async () => {
    const child = httpd.processes().children[0] ?? 0;
    await timeOf("hung-again", "hold");
    const before = privateMemory(child);
    await timeOf("hung-again", "hold");
    await timeOf("hung-again", "hold");
    const grown = privateMemory(child) - before;
    // 6,000 records are 4 MiB and more.
    const waiting = waitingBytes(httpd.runtime, "hung-again");
    recordsOf("hung-again").release();
    assert.ok(waiting > 4 * 1024 * 1024, `${waiting} bytes wait`);
    assert.ok(grown < 1024 * 1024, `httpd grew by ${grown} bytes`);
    await nothingWaits("hung-again");
  });

  it("go on when the hook of one throws, and when one ends every worker that has it", async () => {
    httpd.expectLog("TN0114", "TN0113", "TN0216");
    const records = recordsOf("failing");
    const before = records.all().length;
    const url = `${httpd.url}/failing.txt`;
    const mark = httpd.log().mark();
    await ask(`${url}?n=20000`);
    await ask(`${url}?n=20001&throw`);
    await ask(`${url}?n=20002&poison`);
    const { port } = httpd.places;
    await sendLoad({ port, path: "/failing.txt", first: 20_003, count: 97 });
    await httpd.waitForLog(/TN0114: \[failing \d+\] .*no record of n=20001/, { since: mark });
    const line = await httpd.waitForLog(/TN0113: /, { since: mark, timeoutMs: 40_000 });
    const [, id = "", path = ""] = /#(\S+)\].* it is in (\S+)$/.exec(line) ?? [];
    await nothingWaits("failing");
    const numbers = new Set(
      records
        .all()
        .slice(before)
        .map(({ number }) => number),
    );
    assert.equal(numbers.size, 98);
    assert.ok(!numbers.has(20_001) && !numbers.has(20_002));
    assert.ok(readFileSync(path, "latin1").includes("n=20002&poison"), path);
    assert.ok(!records.all().some((record) => record.id === id));
    rmSync(path);
  }).timeout(120_000);

  it("wait while the application has no such hook", async () => {
    httpd.expectLog("TN0117", "TN0216");
    const records = recordsOf("lacking");
    const load = { port: httpd.places.port, path: "/lacking.txt", count: 50 };
    await sendLoad(load);
    await httpd.waitForLog(/TN0117: \[lacking \d+\] .*which wait: .*logTransaction/);
    const hook = `export { logTransaction } from "${recordsApplication}";\n`;
    writeFileSync(records.application, hook);
    for (const pid of httpd.workersOf("lacking")) process.kill(pid, "SIGKILL");
    await records.waitFor(load.count, () => httpd.log().tail());
    await nothingWaits("lacking");
  });
});
