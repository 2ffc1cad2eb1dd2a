// SPDX-License-Identifier: Apache-2.0
// A supervisor that dies in the middle of a rescue: what it has paused, or terminated, is its successor's.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type Answer, ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { alive, processFacts, waitUntil } from "../helpers/processes.ts";

const app = join(root, "test", "apache", "rescue-app.ts");

/** The rescue may be over before the supervisor stands still. */
const MOST_TRIES = 10;
/** Looks in a row at which a worker's thread must be as it is taken to be. */
const LOOKS = 20;

/** What a worker's main thread does: waits in its inspector, waits for something to do, or runs. */
type Doing = "paused" | "idle" | "running" | "gone";

function doing(pid: number): Doing {
  try {
    const where = readFileSync(`/proc/${pid}/wchan`, "latin1");
    if (/futex/.test(where)) return "paused";
    return /poll/.test(where) ? "idle" : "running";
  } catch {
    return "gone";
  }
}

describe("the death of a supervisor in the middle of a rescue", () => {
  let httpd: TestHttpd;

  before(async () => {
    const text = pool("stalls", "TenonProcesses 1 1\nTenonStallTimeout 1s", app);
    httpd = await startHttpd({ text });
    httpd.expectLog("TN0006", "TN0009", "TN0032", "TN0240", "TN0241", "TN0242");
  });
  after(() => httpd.stop());

  async function until(worker: number, what: Doing, looks = 1): Promise<void> {
    const deadline = performance.now() + 20_000;
    for (let same = 0; same < looks; ) {
      same = doing(worker) === what ? same + 1 : 0;
      assert.ok(performance.now() < deadline, `the worker is ${doing(worker)}, not ${what}`);
      await setImmediate();
    }
  }

  interface Caught {
    readonly worker: number;
    readonly supervisor: number;
    /** Of the request that stalls it. */
    readonly answer: Promise<Answer>;
  }

  /** Has a worker stall, and stops the supervisor once it has paused it, or has terminated what runs and not said so. */
  async function caught(when: "paused" | "idle"): Promise<Caught> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const worker = Number((await ask(`${httpd.url}/stalls/pid`)).text);
      const { supervisor } = httpd.processes();
      let answered = false;
      const answer = ask(`${httpd.url}/stalls/loop`, { method: "POST" }).finally(() => {
        answered = true;
      });
      await until(worker, "running", LOOKS);
      await until(worker, "paused");
      if (when === "idle") await until(worker, "idle");
      process.kill(supervisor, "SIGSTOP");
      await waitUntil("the supervisor's stop", () => processFacts(supervisor)?.state === "T");
      // An answer that is on its way comes before this one.
      if (when === "idle") await ask(`${httpd.url}/stalls/pid`);
      const looks = Array.from({ length: LOOKS }, () => doing(worker));
      if (!answered && looks.every((look) => look === when)) return { worker, supervisor, answer };
      process.kill(supervisor, "SIGCONT");
      await answer;
      await waitUntil("the worker's end", () => !alive(worker));
    }
    throw new Error(`the supervisor could not be stopped in time in ${MOST_TRIES} rescues`);
  }

  it("does not leave a worker paused: it runs on, and is killed when it still does not turn", async () => {
    const { worker, supervisor, answer } = await caught("paused");
    const since = httpd.log().mark();
    process.kill(supervisor, "SIGKILL");
    assert.equal((await answer).status, 502);
    const line = `TN0241: \\[stalls \\d+ ${worker}\\] stalled .*killed, 1 exchange in flight: the inspector did not open`;
    await httpd.waitForLog(new RegExp(line), { since });
    await waitUntil("the worker's end", () => !alive(worker));
    assert.notEqual(Number((await ask(`${httpd.url}/stalls/pid`)).text), worker);
  });

  it("does not leave a worker of which an execution was terminated: its request is answered, it retires", async () => {
    const { worker, supervisor, answer } = await caught("idle");
    const since = httpd.log().mark();
    process.kill(supervisor, "SIGKILL");
    assert.equal((await answer).status, 504);
    await httpd.waitForLog(/TN0006: \[stalls \d+ #.*supervisor .* has died/, { since });
    await waitUntil("the worker's end", () => !alive(worker));
    assert.notEqual(Number((await ask(`${httpd.url}/stalls/pid`)).text), worker);
  });
});
