// SPDX-License-Identifier: Apache-2.0
// Processes that have no descriptor left, and a runtime directory whose disk is full.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, rmSync, statfsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Answer, ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { alive, waitUntil } from "../helpers/processes.ts";
import { Sources } from "../helpers/sources.ts";

const app = join(root, "test", "applications", "descriptors.ts");
/** Requests at once: more than there are channels that are kept. */
const MANY = 12;
const PLENTY = 4096;

/** Sets the soft limit of a process's descriptors, from outside. */
function limitDescriptors(pid: number, limit: number): void {
  // As its own user, who may do so where root lacks a capability.
  const status = readFileSync(`/proc/${pid}/status`, "latin1");
  const own = (name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, "m").exec(status)?.[1]);
  const user = { uid: own("Uid"), gid: own("Gid") };
  execFileSync("prlimit", ["--pid", String(pid), `--nofile=${limit}:`], user);
}

/** Lowers it so that a process can open so many more. */
function leaveFree(pid: number, count: number): void {
  const used = new Set(readdirSync(`/proc/${pid}/fd`).map(Number));
  let limit = 0;
  for (let free = 0; free < count || used.has(limit); limit++) if (!used.has(limit)) free += 1;
  limitDescriptors(pid, limit);
}

describe("a process that has no descriptor left", () => {
  let httpd: TestHttpd;

  before(async () => {
    const files = "TenonProcesses 1 1\nTenonOpenFiles 64\nTenonQueueTimeout 20s";
    httpd = await startHttpd({
      text: [
        pool("worker", files, app),
        pool("leaking", files, app),
        pool("started", "TenonProcesses 0 4\nTenonQueueTimeout 20s", app),
        pool("asked", "TenonProcesses 1 1\nTenonQueueTimeout 1s", app),
        "<Directory />\n  AllowOverride None\n</Directory>",
      ].join("\n"),
    });
  });
  after(() => httpd.stop());

  function askMany(path: string): Promise<Answer[]> {
    return Promise.all(Array.from({ length: MANY }, () => ask(`${httpd.url}${path}`)));
  }

  /** Asserts that all are answered. @returns the pids that answered */
  function pidsOf(answers: readonly Answer[]): number[] {
    for (const { status, text } of answers) assert.equal(status, 200, text);
    return [...new Set(answers.map(({ text }) => Number(text)))];
  }

  it("worker: says so, leaves requests in the queue, and takes them once it has some again", async () => {
    const [code, pid] = (await ask(`${httpd.url}/worker/open?ms=1500`)).text.split(" ");
    assert.equal(code, "EMFILE");
    const began = performance.now();
    assert.deepEqual(pidsOf(await askMany("/worker")), [Number(pid)]);
    assert.ok(performance.now() - began < 5000);
    await httpd.waitForLog(/TN0307: \[worker 0\] EMFILE: no channel .*TenonOpenFiles \(64\)/);
    assert.deepEqual(pidsOf(await askMany("/worker")), [Number(pid)]);
  });

  it("worker: is replaced when none comes back, and no request is lost", async () => {
    const pid = Number((await ask(`${httpd.url}/leaking/open`)).text.split(" ")[1]);
    const [other, ...more] = pidsOf(await askMany("/leaking"));
    await httpd.waitForLog(/TN0308: \[leaking 0\]/);
    assert.ok(
      [other, ...more].some((each) => each !== pid),
      "nobody else has answered",
    );
    await waitUntil("the end of the worker", () => !alive(pid));
    assert.deepEqual(pidsOf(await askMany("/leaking")).length, 1);
  });

  it("supervisor: says so, and starts workers once it has some again", async () => {
    httpd.expectLog("TN0219", "TN0255", "TN0257");
    const { supervisor, workers } = httpd.processes();
    const since = httpd.log().mark();
    leaveFree(supervisor, 2);
    const waiting = ask(`${httpd.url}/started`);
    await httpd.waitForLog(/TN0219: \[started .*EMFILE/, { since });
    limitDescriptors(supervisor, PLENTY);
    await waitUntil("an answer", async () => (await ask(`${httpd.url}/started`)).status === 200);
    assert.ok([200, 503].includes((await waiting).status));
    assert.equal(httpd.processes().supervisor, supervisor);
    assert.ok(workers.every(alive), "a worker that runs is left alone");
  });

  it("process of httpd: answers 503 and says so, and goes on once it has some again", async () => {
    httpd.expectLog("TN0064");
    await httpd.waitForReady("asked", 1);
    const since = httpd.log().mark();
    const { children } = httpd.processes();
    // For the client's connection, and none for the channel.
    for (const child of children) leaveFree(child, 1);
    const { status } = await ask(`${httpd.url}/asked`);
    assert.equal(status, 503);
    await httpd.waitForLog(/TN0064: \[asked .*no descriptor .*1000 ms .*ulimit -n.*: 503/, {
      since,
    });
    for (const child of children) limitDescriptors(child, PLENTY);
    assert.equal((await ask(`${httpd.url}/asked`)).status, 200);
    assert.deepEqual(httpd.processes().children, children);
  });
});

describe("a runtime directory whose disk is full", () => {
  let httpd: TestHttpd;
  let sources: Sources;
  /** Where the disk is mounted: root only. */
  let disk: string | undefined;
  const isRoot = process.getuid?.() === 0;

  function pools(...more: readonly string[]): string {
    const plenty = "TenonProcesses 1 1\nTenonQueueTimeout 30s";
    return [
      pool("old", plenty, sources.path("app.ts")),
      ...more.map((name) => pool(name, plenty, app)),
    ].join("\n");
  }

  before(async function () {
    if (!isRoot) this.skip();
    sources = new Sources({ "app.ts": versionText(1) });
    httpd = await startHttpd({
      text: ({ directory }) => {
        if (disk === undefined) {
          disk = join(directory, "run", "tenon");
          mkdirSync(disk);
          execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m,mode=755", "none", disk]);
        }
        return pools();
      },
    });
    await httpd.waitForReady("old", 1);
  });
  after(async () => {
    if (disk !== undefined) execFileSync("umount", ["--lazy", disk]);
    await httpd?.stop();
    sources?.remove();
  });

  function versionText(version: number): string {
    return `export default { fetch: () => new Response("${version}") };\n`;
  }

  /** Fills the disk but for so many bytes. @returns what makes room again */
  function fill(left: number): () => void {
    const path = join(disk ?? "", "filler");
    const { bavail, bsize } = statfsSync(disk ?? "");
    writeFileSync(path, Buffer.alloc(bavail * bsize - left));
    return () => rmSync(path);
  }

  it("does not keep new code from being served, and says what is lost", async () => {
    httpd.expectLog("TN0209");
    const { supervisor } = httpd.processes();
    const since = httpd.log().mark();
    const empty = fill(0);
    sources.write("app.ts", versionText(2));
    await waitUntil("the new code", async () => (await ask(`${httpd.url}/old`)).text === "2");
    await httpd.waitForLog(/TN0209: \[old\] .*generation 2 .*ENOSPC/, { since });
    await httpd.waitForLog(/TN0217: \[old /, { since });
    empty();
    sources.write("app.ts", versionText(3));
    await waitUntil("the newest code", async () => (await ask(`${httpd.url}/old`)).text === "3");
    assert.equal(httpd.processes().supervisor, supervisor);
  });

  it("keeps a new pool waiting, whose requests are served once there is room; the others go on", async () => {
    httpd.expectLog("TN0202");
    const { supervisor } = httpd.processes();
    const since = httpd.log().mark();
    // For config.json, and not for a scoreboard.
    const empty = fill(8192);
    httpd.configure(() => pools("fresh"));
    await httpd.graceful();
    await httpd.waitForLog(/TN0202: \[fresh\] .*ENOSPC.*tried again in 5 s/, { since });
    const answer = ask(`${httpd.url}/fresh`);
    assert.equal((await ask(`${httpd.url}/old`)).text, "3");
    empty();
    assert.equal((await answer).status, 200);
    assert.equal(httpd.processes().supervisor, supervisor);
  });

  it("ends nothing at a graceful restart, which keeps the configuration that the supervisor has", async () => {
    httpd.expectLog("TN0030");
    const { parent, supervisor, workers } = httpd.processes();
    const since = httpd.log().mark();
    const empty = fill(0);
    await httpd.graceful();
    await httpd.waitForLog(/TN0030: /, { since });
    assert.equal((await ask(`${httpd.url}/old`)).text, "3");
    empty();
    await httpd.graceful();
    assert.equal((await ask(`${httpd.url}/old`)).text, "3");
    assert.deepEqual(
      [httpd.processes().parent, httpd.processes().supervisor],
      [parent, supervisor],
    );
    assert.deepEqual(httpd.processes().workers, workers);
  });
});
