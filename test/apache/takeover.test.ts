// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ScoreboardSlot } from "../../ts/wire/protocol.ts";
import { ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { sendLoad } from "../helpers/load-client.ts";
import { alive, waitUntil } from "../helpers/processes.ts";
import { mapBoard } from "../supervisor/boards.ts";

const app = join(root, "test", "apache", "takeover-app.ts");
const command = join(root, "ts", "cli", "main.ts");
const flags = ["--disable-warning=ExperimentalWarning"];
const run = promisify(execFile);

function pools(directory: string, version = "first"): string {
  const seen = `TenonEnv SEEN "${join(directory, "seen")}"`;
  return [
    pool("same", `TenonProcesses 2 2\nTenonStallTimeout 1s\n${seen}`, app),
    pool("changing", `TenonProcesses 1 1\nTenonEnv VERSION "${version}"`, app),
    pool("empty", "TenonProcesses 0 1", app),
    pool("hog", "TenonProcesses 1 1\nTenonMemory 96M 256M", app),
  ].join("\n");
}

for (const mpm of ["event", "worker", "prefork"] as const) {
  describe(`death of the supervisor under httpd's ${mpm} MPM`, () => {
    let httpd: TestHttpd;
    let first: number;

    before(async () => {
      httpd = await startHttpd({ mpm, text: ({ directory }) => pools(directory) });
      // The second where httpd restarts before it has seen the end of the supervisor.
      httpd.expectLog("TN0032", "TN0031");
      const seen = join(httpd.places.directory, "seen");
      writeFileSync(seen, "");
      chmodSync(seen, 0o666);
      await httpd.waitForReady("same", 2);
      await httpd.waitForReady("changing", 1);
      first = 0;
    });
    after(async () => {
      if (existsSync(httpd.places.directory)) await httpd.stop();
    });

    /** Sends requests until something is done. @returns how many, and how many of them had to be sent again */
    async function underLoad(run: () => Promise<void>): Promise<{ sent: number; resent: number }> {
      let running = true;
      let sent = 0;
      let resent = 0;
      const load = async (): Promise<void> => {
        while (running) {
          const batch = { port: httpd.places.port, path: "/same", count: 300, connections: 8 };
          resent += await sendLoad({ ...batch, query: "wait=2", first: first + sent });
          sent += 300;
        }
      };
      const loads = load();
      try {
        await Promise.race([run(), loads]);
      } finally {
        running = false;
      }
      await loads;
      first += sent;
      return { sent, resent };
    }

    /** Kills the supervisor and waits for the one that takes over. */
    async function killSupervisor(): Promise<void> {
      const since = httpd.log().mark();
      process.kill(httpd.processes().supervisor, "SIGKILL");
      await takenOver(since);
    }

    /** Waits until the workers are taken over that a killed supervisor has left. */
    async function takenOver(since: number): Promise<void> {
      await httpd.waitForLog(/TN0243: \[same\]/, { since });
      await httpd.waitForLog(/TN0203/, { since });
    }

    /** Asserts that each number from the first on was seen once. */
    function assertSeenOnce(): void {
      const seen = readFileSync(join(httpd.places.directory, "seen"), "utf8").trim().split("\n");
      assert.equal(seen.length, first);
      assert.equal(new Set(seen).size, first);
    }

    it("fails, loses and doubles no request under load, again and again", async () => {
      const workers = httpd.workersOf("same").sort();
      const { supervisor } = httpd.processes();
      const { sent, resent } = await underLoad(async () => {
        for (let turn = 0; turn < 4; turn++) await killSupervisor();
      });
      assert.equal(resent, 0, `of ${sent}`);
      assertSeenOnce();
      assert.deepEqual(httpd.workersOf("same").sort(), workers);
      assert.notEqual(httpd.processes().supervisor, supervisor);
    });

    it("loses no request at a graceful restart that comes right behind", async () => {
      const workers = httpd.workersOf("same").sort();
      await underLoad(async () => {
        for (let turn = 0; turn < 3; turn++) {
          const since = httpd.log().mark();
          process.kill(httpd.processes().supervisor, "SIGKILL");
          await httpd.graceful();
          await takenOver(since);
        }
      });
      assertSeenOnce();
      assert.deepEqual(httpd.workersOf("same").sort(), workers);
    });

    it("removes what is left of a worker that was being started", async () => {
      const path = join(httpd.runtime, "pools", "empty", "w0");
      writeFileSync(path, "");
      await killSupervisor();
      await waitUntil("its end", () => !existsSync(path));
    });

    it("has a pool without workers answer once there is a supervisor again", async () => {
      const since = httpd.log().mark();
      process.kill(httpd.processes().supervisor, "SIGKILL");
      const answer = await ask(`${httpd.url}/empty`);
      assert.equal(answer.status, 200, answer.text);
      await takenOver(since);
    });

    it("has the log get what workers print, and stalls end, as before", async () => {
      await killSupervisor();
      await ask(`${httpd.url}/same/print?text=after`);
      await httpd.waitForLog(/TN0220: \[same \d \d+\] after$/);
      httpd.expectLog("TN0006", "TN0009", "TN0240", "TN0242");
      const since = httpd.log().mark();
      const answer = await ask(`${httpd.url}/same/loop`);
      assert.equal(answer.status, 504);
      await httpd.waitForLog(/TN0240: \[same \d \d+\] .*GET \/same\/loop/, { since });
      await httpd.waitForLog(/TN0217: \[same \d \d+\] exited with code 0/, { since });
      await waitUntil("two workers", () => httpd.workersOf("same").length === 2);
    });

    it("has a worker's memory watched as before", async () => {
      const [pid] = httpd.workersOf("hog");
      await killSupervisor();
      httpd.expectLog("TN0007", "TN0242", "TN0251");
      const answer = await ask(`${httpd.url}/hog/hog`);
      assert.equal(answer.status, 500, answer.text);
      await httpd.waitForLog(new RegExp(`TN0251: \\[hog \\d ${pid}\\].*GET /hog/hog`));
      await httpd.waitForLog(new RegExp(`TN0217: \\[hog \\d ${pid}\\] exited with code 0`));
    });

    it("replaces the workers of pools whose configuration changed meanwhile, and no others", async () => {
      const same = httpd.workersOf("same").sort();
      const before = httpd.workersOf("changing");
      const since = httpd.log().mark();
      process.kill(httpd.processes().supervisor, "SIGKILL");
      httpd.configure(({ directory }) => pools(directory, "second"));
      await httpd.graceful();
      await takenOver(since);
      const isNew = async (): Promise<boolean> =>
        (await ask(`${httpd.url}/changing`)).text.endsWith(" second");
      await waitUntil("the new environment", isNew);
      await waitUntil("the old worker's end", () => !before.some(alive));
      assert.deepEqual(httpd.workersOf("same").sort(), same);
    });

    it("has workers replaced at an administrator's wish as before", async () => {
      await killSupervisor();
      const before = httpd.workersOf("same").sort();
      const args = ["--runtime", httpd.runtime, "restart", "same"];
      const { stdout } = await run(process.execPath, [...flags, command, ...args]);
      assert.match(stdout, /same: restarted: generation 2/);
      await waitUntil("the old workers' end", () => !before.some(alive));
      assert.equal((await ask(`${httpd.url}/same`)).status, 200);
      await waitUntil("two workers", () => httpd.workersOf("same").length === 2);
    });

    it("leaves the workers alone when httpd restarts hard", async () => {
      const same = httpd.workersOf("same").sort();
      const since = httpd.log().mark();
      process.kill(httpd.processes().supervisor, "SIGKILL");
      await httpd.restart();
      await waitUntil("an answer", async () => (await ask(`${httpd.url}/same`)).status === 200);
      await takenOver(since);
      assert.deepEqual(httpd.workersOf("same").sort(), same);
    });

    it("leaves the workers alone when a child of httpd is killed", async () => {
      httpd.expectLog("AH00052", "AH00051");
      const same = httpd.workersOf("same").sort();
      const [child] = httpd.processes().children;
      process.kill(child as number, "SIGKILL");
      await waitUntil("the child's end", () => !alive(child as number));
      const answered = async (): Promise<boolean> => {
        const answer = await ask(`${httpd.url}/same`).catch(() => undefined);
        return answer?.status === 200;
      };
      await waitUntil("an answer", answered);
      assert.deepEqual(httpd.workersOf("same").sort(), same);
    });

    it("leaves the workers alone when httpd's children are replaced (MaxConnectionsPerChild)", async () => {
      const same = httpd.workersOf("same").sort();
      const before = httpd.processes().children;
      // httpd's own, of children that end while others are to start.
      httpd.expectLog("AH03490");
      const few = "MaxConnectionsPerChild 10";
      httpd.configure(({ directory }) => `${few}\n${pools(directory, "second")}`);
      await httpd.graceful();
      const since = httpd.log().mark();
      process.kill(httpd.processes().supervisor, "SIGKILL");
      for (let count = 0; count < 60; count++) {
        assert.equal((await ask(`${httpd.url}/same`)).status, 200);
      }
      await waitUntil("the children's end", () => !before.some(alive));
      await takenOver(since);
      assert.deepEqual(httpd.workersOf("same").sort(), same);
    });

    it("ends all, and leaves nothing, when httpd stops before there is a supervisor again", async () => {
      await killSupervisor();
      // The next one waits for the rest of its predecessor's second.
      process.kill(httpd.processes().supervisor, "SIGKILL");
      await httpd.stop();
    });
  });
}

describe("death of httpd", () => {
  /** An httpd with a worker that loops and one that has a request open. */
  async function start(): Promise<TestHttpd> {
    const limits = "TenonProcesses 2 2\nTenonShutdownTimeout 500ms\nTenonGracefulTimeout 1h";
    const httpd = await startHttpd({ text: pool("app", limits, app) });
    await httpd.waitForReady("app", 2);
    for (const path of ["?wait=3600000", "/loop"]) ask(`${httpd.url}/app${path}`).catch(() => {});
    const board = mapBoard(join(httpd.runtime, "pools", "app", "scoreboard"));
    const inFlight = (slot: number): number => board.slot(slot, ScoreboardSlot.IN_FLIGHT);
    await waitUntil("two requests in flight", () => inFlight(0) + inFlight(1) === 2);
    return httpd;
  }

  it("ends the workers within the shutdown time-out when parent and supervisor are killed at once", async () => {
    const httpd = await start();
    const { parent, supervisor, children, workers } = httpd.processes();
    assert.equal(workers.length, 2);
    for (const pid of [parent, supervisor]) process.kill(pid, "SIGKILL");
    await waitUntil("the workers' end", () => !workers.some(alive), { timeoutMs: 5000 });
    for (const pid of children) process.kill(pid, "SIGKILL");
    await httpd.httpd.exited;
    // Nobody is left who could have removed it; whoever comes next uses it.
    assert.ok(existsSync(httpd.runtime));
    const text = `TenonRuntimeDir "${httpd.runtime}"\n${pool("app", "TenonProcesses 1 1", app)}`;
    const next = await startHttpd({ text });
    assert.equal((await ask(`${next.url}/app`)).status, 200);
    await next.stop();
    assert.equal(existsSync(httpd.runtime), false);
    httpd.httpd.remove();
  });
});
