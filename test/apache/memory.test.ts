// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Answer, ask, hold } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

const app = join(root, "test", "apache", "memory-app.ts");
const kinds = ["objects", "buffers", "array-buffers", "strings", "one-array", "shared-buffers"];

describe("a worker's memory", () => {
  let httpd: TestHttpd;

  before(async () => {
    const limits = "TenonProcesses 0 1\nTenonMemory 96M 256M";
    httpd = await startHttpd({
      load: ["headers"],
      text: () =>
        [
          "Header always set X-Request-Id %{UNIQUE_ID}e",
          ...[...kinds, "timers"].map((name) =>
            pool(name, "TenonProcesses 0 1\nTenonMemory 96M 384M", app),
          ),
          ...["native", "leaks", "alone"].map((name) => pool(name, limits, app)),
          pool("grows", "TenonProcesses 1 1\nTenonMemory 128M 1G", app),
          pool("free", "TenonProcesses 0 1\nTenonMemory off", app),
        ].join("\n"),
    });
    httpd.expectLog("TN0007", "TN0009", "TN0242", "TN0251", "TN0252", "TN0253", "TN0254");
  });
  after(() => httpd.stop());

  async function pidOf(name: string): Promise<string> {
    const answer = await ask(`${httpd.url}/${name}/pid`);
    assert.equal(answer.status, 200, answer.text);
    return answer.text;
  }

  /** Opens a request that waits in the worker until the text that it settles with is asked for. */
  function waiting(name: string): Promise<() => Promise<string>> {
    return hold(`${httpd.url}/${name}/wait`);
  }

  function idOf(answer: Answer): string {
    return String(answer.headers["x-request-id"]).replace(/[^\w]/g, "\\$&");
  }

  /** Has a request take too much until it is ended alone: on a busy machine it may take the worker with it, which is killed in time then. */
  async function takeTooMuch(name: string, path: string): Promise<{ pid: string; answer: Answer }> {
    for (let attempt = 1; ; attempt++) {
      const pid = await pidOf(name);
      const other = await waiting(name);
      const answer = await ask(`${httpd.url}/${name}/${path}`, { method: "POST" });
      if (answer.status === 500) {
        assert.equal(await other(), "waits\nwhole\n");
        return { pid, answer };
      }
      assert.equal(answer.status, 502);
      await httpd.waitForLog(new RegExp(`TN0252: \\[${name} 0 ${pid}\\]`));
      assert.ok(attempt < 5, "never ended alone");
    }
  }

  for (const kind of kinds) {
    it(`ends the request alone that takes too much of it in a loop, and names it: ${kind}`, async () => {
      const { pid, answer } = await takeTooMuch(kind, `handler/${kind}`);
      const [id, about] = [idOf(answer), `\\[${kind} 0 ${pid}\\]`];
      const line = await httpd.waitForLog(
        new RegExp(`TN0251: ${about} .*POST /${kind}/handler/${kind} #${id}: terminated`),
      );
      const mebibytes = Number(/has (\d+) MiB, above the hard limit of 384 MiB/.exec(line)?.[1]);
      assert.ok(mebibytes >= 384 && mebibytes <= 640, line);
      await httpd.waitForLog(new RegExp(`TN0007: \\[${kind} 0 #${id}\\].*TenonMemory.*at .*app`));
      await httpd.waitForLog(new RegExp(`TN0242: ${about} at forever .*memory-app\\.ts:\\d+`));
      await httpd.waitForLog(new RegExp(`TN0217: ${about} exited with code 0`));
    });
  }

  it("ends a timer's code, and names whose it is", async () => {
    const { pid } = await takeTooMuch("timers", "timer/objects");
    await httpd.waitForLog(
      new RegExp(`TN0251: \\[timers 0 ${pid}\\] .*POST /timers/timer/objects #`),
    );
  });

  it("kills a worker whose native code takes too much, and says so", async () => {
    const before = await pidOf("native");
    const answer = await ask(`${httpd.url}/native/fill/4000`, { method: "POST" });
    assert.equal(answer.status, 502);
    const line = await httpd.waitForLog(new RegExp(`TN0252: \\[native 0 ${before}\\] .*killed, 1`));
    const mebibytes = Number(/has (\d+) MiB/.exec(line)?.[1]);
    assert.ok(mebibytes < 1000, line);
    assert.notEqual(await pidOf("native"), before);
  });

  it("ends nobody's request where many small pieces add up, and replaces the worker", async () => {
    const before = await pidOf("leaks");
    const other = await waiting("leaks");
    assert.equal((await ask(`${httpd.url}/leaks/trickle/300`)).text, "taken\n");
    await httpd.waitForLog(
      new RegExp(
        `TN0253: \\[leaks 0 ${before}\\] has \\d+ MiB, .* in flight: it takes nothing new`,
      ),
    );
    assert.equal(await other(), "waits\nwhole\n");
    await httpd.waitForLog(new RegExp(`TN0217: \\[leaks 0 ${before}\\] exited with code 0`));
    assert.notEqual(await pidOf("leaks"), before);
  });

  it("replaces a worker at the soft limit once its successor is ready", async () => {
    const before = await pidOf("grows");
    const other = await waiting("grows");
    assert.equal((await ask(`${httpd.url}/grows/keep/200`)).text, before);
    await httpd.waitForLog(
      new RegExp(
        `TN0250: \\[grows 0 ${before}\\] to be replaced: it has \\d+ MiB \\(TenonMemory\\)`,
      ),
    );
    await httpd.waitForLog(new RegExp(`TN0222: \\[grows 0 ${before}\\] asked to exit: it has`));
    const lines = httpd.log().lines();
    const at = (pattern: RegExp): number => lines.findIndex((line) => pattern.test(line));
    const ready = at(/TN0211: \[grows 1 /);
    assert.ok(ready >= 0 && ready < at(/TN0222: \[grows 0 /), "the successor is ready first");
    assert.equal(await other(), "waits\nwhole\n");
    await httpd.waitForLog(new RegExp(`TN0217: \\[grows 0 ${before}\\] exited with code 0`));
    assert.notEqual(await pidOf("grows"), before);
  });

  it("is limited by V8 while the supervisor cannot", async () => {
    const before = await pidOf("alone");
    const { supervisor } = httpd.processes();
    process.kill(supervisor, "SIGSTOP");
    try {
      const answer = await ask(`${httpd.url}/alone/handler/objects`, { method: "POST" });
      assert.equal(answer.status, 502);
    } finally {
      process.kill(supervisor, "SIGCONT");
    }
    await httpd.waitForLog(
      new RegExp(
        `TN0254: \\[alone 0 ${before}\\] ran out of heap, its limit is 384 MiB \\(TenonMemory\\): killed by SIG.*FATAL ERROR: .*heap`,
      ),
    );
  });

  it("is not limited where the configuration says so", async () => {
    const before = await pidOf("free");
    assert.equal((await ask(`${httpd.url}/free/keep/300`)).text, before);
    const command = readFileSync(`/proc/${before}/cmdline`, "latin1");
    assert.doesNotMatch(command, /max-old-space-size/);
    assert.equal(await pidOf("free"), before);
  });

  it("lets the kernel pick a worker first when the machine has none left, never httpd or the supervisor", async () => {
    const worker = Number(await pidOf("free"));
    const score = (pid: number): number =>
      Number(readFileSync(`/proc/${pid}/oom_score_adj`, "latin1"));
    const { parent, supervisor, children } = httpd.processes();
    const own = score(process.pid);
    for (const pid of [parent, supervisor, ...children]) assert.equal(score(pid), own);
    const least = Math.min(Math.max(500, own + 250), 1000);
    await waitUntil("the worker's score", () => score(worker) === least);
  });
});
