// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Answer, type Ask, ask, open } from "../../helpers/http-client.ts";
import { hooksPool, PhasesHttpd, putFiles } from "./httpd.ts";

const secret = "behind an access check";
/** What a hook in these tests may take; a request that waits longer than this and LATE_MS was not limited. */
const TIMEOUT_MS = 400;
const LATE_MS = 2000;
const SHORT_MS = 20;
/** Timeout of the hooks whose queue fills. */
const FULL_MS = 3000;

describe("a hook that fails", () => {
  let httpd: PhasesHttpd;

  before(async () => {
    httpd = await PhasesHttpd.start({
      text: ({ htdocs, directory }) => {
        const closed = ["closed", "open", "other", "expression"];
        putFiles(htdocs, {
          ...Object.fromEntries(closed.map((name) => [`${name}/file.txt`, secret])),
          "down/file.txt": secret,
          "full/file.txt": secret,
          "short/file.txt": secret,
          "mortal/file.txt": secret,
        });
        const broken = join(directory, "broken.mjs");
        writeFileSync(broken, "throw new Error('does not start');");
        const limits = `timeout=${TIMEOUT_MS}ms`;
        return `LogLevel tenon:debug
${hooksPool("rec", "TenonProcesses 2 2")}
${hooksPool("mortal", "TenonProcesses 2 2")}
${hooksPool("lone", "TenonProcesses 1 1\nTenonConcurrency 1\nTenonQueueLength 1")}
<TenonPool down>
  TenonApp "${broken}"
</TenonPool>
<Location "/closed">
  TenonHook access_checker rec ${limits}
</Location>
<Location "/short">
  TenonHook access_checker rec timeout=${SHORT_MS}ms
</Location>
<Location "/open">
  TenonHook access_checker rec ${limits} on-error=decline
</Location>
<Location "/other">
  TenonHook access_checker rec ${limits} on-error=451
</Location>
<Location "/down">
  TenonHook access_checker down#accessChecker ${limits}
</Location>
<Location "/mortal">
  TenonHook access_checker mortal
</Location>
<Location "/full">
  TenonHook access_checker lone timeout=${FULL_MS}ms
</Location>
<Location "/expression">
  TenonHook access_checker rec "when=file('${directory}/none') == ''"
</Location>`;
      },
    });
    await httpd.httpd.waitForReady("rec", 2);
    await httpd.httpd.waitForReady("mortal", 2);
    await httpd.httpd.waitForReady("lone", 1);
  });
  after(() => httpd.httpd.stop());

  async function told(
    folder: string,
    action: string,
    options: Ask = {},
  ): Promise<{ answer: Answer; ms: number; line: (pattern: RegExp) => Promise<string> }> {
    const since = httpd.httpd.log().mark();
    const began = performance.now();
    const answer = await ask(`${httpd.url}/${folder}/file.txt?access_checker=${action}`, options);
    const line = (pattern: RegExp): Promise<string> => httpd.httpd.waitForLog(pattern, { since });
    return { answer, ms: performance.now() - began, line };
  }

  function assertClosed({ status, text, headers }: Answer): void {
    assert.equal(status, 503);
    assert.equal(headers["retry-after"], "1");
    assert.ok(!text.includes(secret));
  }

  it("lets a request through when it agrees", async () => {
    const { answer } = await told("closed", "status:0");
    assert.deepEqual([answer.status, answer.text], [200, secret]);
  });

  it("refuses when no worker starts, in its own time", async () => {
    httpd.httpd.expectLog(
      "TN0003",
      "TN0212",
      "TN0213",
      "TN0214",
      "TN0215",
      "TN0216",
      "TN0217",
      "TN0255",
      "TN0257",
    );
    const { answer, ms, line } = await told("down", "status:0");
    assertClosed(answer);
    assert.ok(ms >= TIMEOUT_MS && ms < TIMEOUT_MS + LATE_MS, `${ms} ms`);
    await line(
      /TN0003: \[down -1 #\S+\] access_checker accessChecker: waited 400 ms .*: 503 \(on-error\)/,
    );
  });

  it("refuses when it hangs, in its own time", async () => {
    httpd.httpd.expectLog("TN0004");
    const { answer, ms, line } = await told("closed", "hang");
    assertClosed(answer);
    assert.ok(ms >= TIMEOUT_MS && ms < TIMEOUT_MS + LATE_MS, `${ms} ms`);
    await line(
      /TN0004: \[rec \d #\S+\] access_checker accessChecker: no answer within 400 ms \(timeout of the hook\): 503/,
    );
  });

  it("keeps a time that is shorter than httpd's first look for an answer", async () => {
    const { answer, ms } = await told("short", "hang");
    assertClosed(answer);
    assert.ok(ms >= SHORT_MS && ms < SHORT_MS + LATE_MS, `${ms} ms`);
  });

  it("is over when its client has gone", async () => {
    const since = httpd.httpd.log().mark();
    const request = open(`${httpd.url}/mortal/file.txt?access_checker=hang`).end();
    request.on("error", () => undefined);
    await httpd.httpd.waitForLog(/phase access_checker \/mortal\/file\.txt/, { since });
    request.destroy();
    await httpd.httpd.waitForLog(/TN0019: .*access_checker.*: the client has gone away/, { since });
  });

  it("refuses when it throws, rejects or returns nonsense", async () => {
    httpd.httpd.expectLog("TN0006", "TN0007");
    for (const action of ["throw", "reject", "nonsense"]) {
      const { answer, line } = await told("closed", action);
      assertClosed(answer);
      await line(/TN0006: \[rec \d #\S+\] access_checker accessChecker: the worker broke off/);
    }
  });

  /** Workers that have been ready, in all. */
  let ready = 2;
  for (const [method, workers] of [
    ["GET", 2],
    ["POST", 1],
  ] as const) {
    it(`refuses ${method} when ${workers} of its workers died of it`, async () => {
      httpd.httpd.expectLog("TN0009", "TN0216");
      const since = httpd.httpd.log().mark();
      const { answer, line } = await told("mortal", "die", { method });
      assertClosed(answer);
      await line(
        /TN0009: \[mortal \d #\S+\] access_checker accessChecker: worker \d+ .* while it worked on this request .*: 503/,
      );
      ready += workers;
      await httpd.httpd.waitForReady("mortal", ready);
      const deaths = httpd.httpd
        .log()
        .lines(since)
        .filter((text) => text.includes("TN0216: [mortal"));
      assert.equal(deaths.length, workers);
    });
  }

  it("refuses at once when the queue is full", async () => {
    httpd.httpd.expectLog("TN0002");
    const began = performance.now();
    const answers = Array.from({ length: 12 }, () => told("full", "hang"));
    const { answer } = await Promise.race(answers);
    assertClosed(answer);
    assert.ok(performance.now() - began < FULL_MS);
    httpd.httpd.expectLog("TN0003", "TN0004");
    for (const { answer: other } of await Promise.all(answers)) assertClosed(other);
  });

  it("is passed over by on-error=decline, and gives the status of on-error", async () => {
    for (const action of ["throw", "hang"]) {
      const passed = await told("open", action);
      assert.deepEqual([passed.answer.status, passed.answer.text], [200, secret]);
      await passed.line(/TN000[46]: .*access_checker/);
      const other = await told("other", action);
      assert.equal(other.answer.status, 451);
    }
  });

  it("refuses when its when= cannot be told", async () => {
    // httpd says so too, without a number.
    httpd.httpd.expectLog("TN0071", "");
    const { answer, line } = await told("expression", "status:0");
    assertClosed(answer);
    await line(
      /TN0071: \[rec -1 #\S+\] access_checker accessChecker: when= of line \d+ of \S+ cannot be evaluated: /,
    );
  });

  it("refuses while its worker's event loop is blocked, and lets nobody wait for long", async () => {
    httpd.httpd.expectLog("TN0003", "TN0004", "TN0214", "TN0218");
    const { answer, ms } = await told("closed", "spin");
    assertClosed(answer);
    assert.ok(ms < TIMEOUT_MS + LATE_MS, `${ms} ms`);
    for (const pid of httpd.httpd.workersOf("rec")) process.kill(pid, "SIGKILL");
  });
});
