// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { httpdPaths } from "../../ts/cli/private-httpd.ts";
import { ask, askJson, head, open, rest } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { alive, waitUntil } from "../helpers/processes.ts";

const tunnel = join(root, "test", "applications", "tunnel.ts");

interface Identity {
  readonly pid: number;
  readonly environment: NodeJS.Dict<string>;
}

function pools(version: string): string {
  return [
    pool("same", "TenonProcesses 2 2"),
    pool("changing", `TenonProcesses 1 1\nTenonEnv VERSION "${version}"`),
  ].join("\n");
}

describe("life of workers under httpd", () => {
  let httpd: TestHttpd;

  beforeEach(async () => {
    httpd = await startHttpd({ text: pools("first") });
    await httpd.waitForReady("same", 2);
    await httpd.waitForReady("changing", 1);
    for (const name of ["same", "changing"]) {
      assert.equal((await ask(`${httpd.url}/${name}/pid`)).status, 200);
    }
  });
  afterEach(async () => {
    if (existsSync(httpd.places.directory)) await httpd.stop();
  });

  /** Lets 8 clients ask one after the other, each over a new connection, while something is done. */
  async function underLoad(
    run: (more: (count: number) => Promise<void>) => Promise<void>,
  ): Promise<void> {
    let running = true;
    let answers = 0;
    const more = (count: number): Promise<void> => {
      const goal = answers + count;
      return waitUntil("more answers", () => answers >= goal, {
        explain: () => httpd.log().tail(),
      });
    };
    const client = async (): Promise<void> => {
      while (running) {
        const answer = await ask(`${httpd.url}/same/pid`);
        assert.equal(answer.status, 200, answer.text);
        answers++;
      }
    };
    const clients = Promise.all(Array.from({ length: 8 }, client));
    try {
      await Promise.race([run(more), clients]);
    } finally {
      running = false;
    }
    await clients;
  }

  it("starts as many workers as the minimum says, before any request", () => {
    assert.equal(httpd.workersOf("same").length, 2);
  });

  it("logs what a worker prints with pool, slot and pid, in the new file once the log was rotated", async () => {
    const [pid] = httpd.workersOf("changing");
    const line = (output: string, text: string): RegExp =>
      new RegExp(`TN\\d+: \\[changing 0 ${pid}\\] to ${output}: ${text}$`);
    await ask(`${httpd.url}/changing/print?text=before`);
    await httpd.waitForLog(line("stdout", "before"));
    await httpd.waitForLog(line("stderr", "before"));
    const { logs } = httpd.places;
    renameSync(join(logs, "error.log"), join(logs, "error.log.1"));
    // httpd makes the new one; until then there is none to follow.
    writeFileSync(join(logs, "error.log"), "");
    await httpd.graceful();
    await ask(`${httpd.url}/changing/print?text=after`);
    await httpd.waitForLog(line("stdout", "after"));
    await httpd.waitForLog(line("stderr", "after"));
    assert.ok(!readFileSync(join(logs, "error.log.1"), "utf8").includes(": after"));
    assert.deepEqual(httpd.workersOf("changing"), [pid]);
  });

  it("loses nothing at graceful restarts under load, and leaves unchanged workers alone", async () => {
    const workers = httpd.workersOf("same").sort();
    const { supervisor } = httpd.processes();
    await underLoad(async (more) => {
      for (let turn = 0; turn < 5; turn++) {
        await more(40);
        await httpd.graceful();
      }
      await more(40);
    });
    assert.deepEqual(httpd.workersOf("same").sort(), workers);
    assert.equal(httpd.processes().supervisor, supervisor);
  });

  it("leaves unchanged workers alone at a hard restart too", async () => {
    const workers = httpd.workersOf("same").sort();
    await httpd.restart();
    assert.equal((await ask(`${httpd.url}/same/pid`)).status, 200);
    assert.deepEqual(httpd.workersOf("same").sort(), workers);
  });

  it("leaves workers alone when httpd loads the module at another address", async () => {
    const workers = httpd.workersOf("same").sort();
    const { supervisor } = httpd.processes();
    const path = join(httpd.places.directory, "httpd.conf");
    const lua = `LoadModule lua_module "${httpdPaths().modules}/mod_lua.so"\n`;
    writeFileSync(path, readFileSync(path, "utf8").replace(/^(?=LoadModule tenon_module)/m, lua));
    await httpd.graceful();
    assert.equal((await ask(`${httpd.url}/same/pid`)).status, 200);
    assert.deepEqual(httpd.workersOf("same").sort(), workers);
    assert.equal(httpd.processes().supervisor, supervisor);
  });

  it("replaces the workers of a changed pool, and of no other", async () => {
    const before = httpd.workersOf("changing");
    const same = httpd.workersOf("same").sort();
    httpd.configure(pools("second"));
    await httpd.graceful();
    await waitUntil("the new environment", async () => {
      const { environment } = await askJson<Identity>(`${httpd.url}/changing/identity`);
      return environment["VERSION"] === "second";
    });
    await waitUntil("the old worker's end", () => !before.some(alive));
    assert.deepEqual(httpd.workersOf("same").sort(), same);
  });

  it("lets a request finish on the old worker of a changed pool", async () => {
    const before = httpd.workersOf("changing");
    const held = await head(open(`${httpd.url}/changing/hold?head`).end());
    httpd.configure(pools("second"));
    await httpd.graceful();
    await waitUntil("the new environment", async () => {
      const { environment } = await askJson<Identity>(`${httpd.url}/changing/identity`);
      return environment["VERSION"] === "second";
    });
    assert.ok(before.every(alive));
    for (const pid of before) process.kill(pid, "SIGUSR2");
    assert.match((await rest(held)).text, new RegExp(`held ${before[0]}$`));
    await waitUntil("the old worker's end", () => !before.some(alive));
  });

  it("stops the workers of a pool that was taken out, and serves one that was added", async () => {
    const before = httpd.workersOf("changing");
    httpd.configure([pool("same", "TenonProcesses 2 2"), pool("added")].join("\n"));
    await httpd.graceful();
    // A process of httpd that ends may still take a connection.
    const status = async (name: string): Promise<number> =>
      (await ask(`${httpd.url}/${name}/pid`)).status;
    await waitUntil("the added pool", async () => (await status("added")) === 200);
    await waitUntil("the end of the pool", async () => (await status("changing")) === 404);
    await waitUntil("the workers' end", () => !before.some(alive));
    const folders = (): string[] => readdirSync(`${httpd.runtime}/pools`).sort();
    await waitUntil("the folder's end", () => folders().join() === "added,same");
  });

  it("ends supervisor and workers when httpd's parent was killed", async () => {
    await httpd.kill();
    await httpd.stop();
  });

  it("finishes an open request at a graceful stop, and leaves nothing", async () => {
    const held = await head(open(`${httpd.url}/same/hold?head`).end());
    const workers = httpd.workersOf("same");
    const since = httpd.log().mark();
    process.kill(httpd.httpd.pid, "SIGWINCH");
    await httpd.waitForLog(/AH00492|caught SIGWINCH/, { since });
    for (const pid of workers) process.kill(pid, "SIGUSR2");
    assert.match((await rest(held)).text, /held \d+$/);
    await httpd.httpd.exited;
    await httpd.stop();
  });

  for (const mpm of ["event", "worker", "prefork"] as const) {
    it(`stops at once with requests open, under the ${mpm} MPM`, async () => {
      const own = await startHttpd({ mpm, text: pool("held", "TenonProcesses 1 1") });
      const begun = await head(open(`${own.url}/held/hold?head`).end());
      const broken = once(open(`${own.url}/held/hold?name=silent`).end(), "error");
      assert.equal((await ask(`${own.url}/held/happened?name=silent-begun`)).status, 200);
      const cut = assert.rejects(rest(begun));
      // Its log would say of a process that did not end in time (AH00045).
      await own.stop();
      await cut;
      await broken;
    });
  }

  it("ends an application that hears SIGTERM and does not exit at the shutdown time-out, without a warning", async () => {
    const settings = 'TenonProcesses 1 1\nTenonShutdownTimeout 200ms\nTenonEnv HEARS "and goes on"';
    const own = await startHttpd({ text: pool("goes-on", settings, tunnel) });
    await own.waitForReady("goes-on", 1);
    await own.stop();
  });

  it("starts a worker again that exits, and tells its exit code", async () => {
    httpd.expectLog("TN0007", "TN0216");
    const before = httpd.workersOf("changing");
    const since = httpd.log().mark();
    const answer = await ask(`${httpd.url}/changing/exit`, { method: "POST" });
    assert.equal(answer.status, 500);
    await httpd.waitForLog(/TN02\d\d: \[changing \d+.*\b7\b/, { since });
    const successor = (): boolean =>
      httpd.workersOf("changing").some((pid) => !before.includes(pid));
    await waitUntil("a new worker", successor, { explain: () => httpd.log().tail() });
    assert.equal((await ask(`${httpd.url}/changing/pid`)).status, 200);
  });
});
