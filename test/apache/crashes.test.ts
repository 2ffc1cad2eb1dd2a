// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Answer, ask, head, hold, open, rest } from "../helpers/http-client.ts";
import { ownLogHost, pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { alive, waitUntil } from "../helpers/processes.ts";

const app = join(root, "test", "apache", "crash-app.ts");
/** An addon whose registration (Node-API) writes where it must not. */
const ADDON = `void *napi_register_module_v1(void *env, void *exports)
{
    (void)env;
    *(volatile int *)8 = 1;
    return exports;
}
`;

/** What ends with one request alone: its name, and the exit code of its worker when all others are over. */
const calm: readonly (readonly [string, number])[] = [
  ["exit", 3],
  ["exit-well", 0],
  ["exit-caught", 4],
  ["exit-later", 5],
  ["throw", 1],
  ["reject", 1],
];
/** What takes the worker with it, and how the log of the virtual host names it. */
const violent: readonly (readonly [string, RegExp])[] = [
  ["abort", /was ended by signal 6 \(.*\) while it worked on this request/],
  ["kill", /was ended by signal 9 \(.*\) while it worked on this request/],
  ["addon", /was ended by signal 11 \(.*\) while it worked on this request/],
];

describe("a worker that crashes", () => {
  let httpd: TestHttpd;
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-crashes-"));
    chmodSync(folder, 0o755);
    writeFileSync(join(folder, "addon.c"), ADDON);
    const addon = join(folder, "addon.node");
    execFileSync("cc", ["-shared", "-fPIC", "-o", addon, join(folder, "addon.c")]);
    const settings = `TenonProcesses 0 1\nTenonEnv CRASH_ADDON "${addon}"`;
    const names = [...calm, ...violent].map(([name]) => name);
    httpd = await startHttpd({
      load: ["headers"],
      text: ({ port }) => `${ownLogHost(port)}
${names.map((name) => pool(name, settings, app)).join("\n")}
${pool("late", settings, app)}
${pool("handles", `${settings}\nTenonEnv CRASH_HANDLES yes`, app)}
${pool("starts", `${settings}\nTenonEnv CRASH_START exit`, app)}
${pool("drains", `${settings}\nTenonEnv CRASH_DRAINING yes`, app)}
${pool("closes", "TenonProcesses 0 2\nTenonGracefulTimeout 1s", app)}
${pool("stops", `TenonProcesses 0 2\nTenonStallTimeout 1s`, app)}
${pool("silent", `${settings}\nTenonRequestTimeout 300ms`, app)}`,
    });
    httpd.expectLog("TN0004", "TN0006", "TN0007", "TN0009", "TN0214", "TN0216", "TN0241");
    httpd.expectLog("TN0255", "TN0257", "TN0218", "TN0249");
  });
  after(async () => {
    await httpd.stop();
    rmSync(folder, { recursive: true });
  });

  function own(path: string, method = "POST"): Promise<Answer> {
    return ask(`${httpd.url}/${path}`, { method, headers: { Host: "own.test" } });
  }

  async function pidOf(name: string): Promise<number> {
    const answer = await own(`${name}/pid`, "GET");
    assert.equal(answer.status, 200, answer.text);
    return Number(answer.text);
  }

  function waiting(name: string): Promise<() => Promise<string>> {
    return hold(`${httpd.url}/${name}/wait`);
  }

  /** The line of the own virtual host's log about an answer's request. */
  function line(tag: string, name: string, answer: Answer): Promise<string> {
    const id = String(answer.headers["x-request-id"]).replace(/[^\w]/g, "\\$&");
    return httpd.log("own.log").waitFor(new RegExp(`${tag}: \\[${name} 0 #${id}\\]`));
  }

  for (const [name, code] of calm) {
    it(`answers 500 to the request alone, names who did it, and lets the others finish: ${name}`, async () => {
      const before = await pidOf(name);
      const other = await waiting(name);
      const answer = await own(`${name}/${name}`);
      assert.equal(answer.status, 500);
      const text = await line("TN0007", name, answer);
      assert.match(text, /process\.exit\(\d?\) at .*crash-app\.ts:\d+|on purpose/);
      assert.equal(await other(), "waits\nwhole\n");
      await httpd.waitForLog(
        new RegExp(`TN021[67]: \\[${name} 0 ${before}\\] .*exited with code ${code}`),
      );
      const ran = httpd
        .log()
        .lines()
        .filter((each) => /what exits/.test(each));
      assert.deepEqual(ran, [], "what called exit ran on");
      assert.notEqual(await pidOf(name), before);
    });
  }

  it("cuts an answer that has begun when it exits", async () => {
    const other = await waiting("late");
    const request = open(`${httpd.url}/late/exit-late`, { method: "POST" }).end();
    request.on("error", () => {});
    const response = await head(request);
    assert.equal(response.statusCode, 200);
    await assert.rejects(rest(response), { code: "ECONNRESET" });
    assert.equal(await other(), "waits\nwhole\n");
  });

  it("names the exception on which an application's own listener exits", async () => {
    const other = await waiting("handles");
    const answer = await own("handles/throw");
    assert.equal(answer.status, 500);
    const text = await line("TN0007", "handles", answer);
    assert.match(text, /process\.exit\(8\) .*because of Error: thrown on purpose at .*crash-app/);
    assert.equal(await other(), "waits\nwhole\n");
  });

  for (const [name, pattern] of violent) {
    it(`answers 502, and says in the virtual host's log how it ended: ${name}`, async () => {
      const { children } = httpd.processes();
      const before = await pidOf(name);
      const answer = await own(`${name}/${name}`);
      assert.equal(answer.status, 502);
      const text = await line("TN0009", name, answer);
      assert.match(text, pattern);
      assert.match(text, new RegExp(`worker ${before} was`));
      assert.notEqual(await pidOf(name), before);
      assert.deepEqual(httpd.processes().children, children);
    });
  }

  it("names who exits while it starts", async () => {
    const answer = await own("starts/pid");
    assert.equal(answer.status, 503);
    await httpd.waitForLog(
      /TN0214: \[starts 0 \d+\] did not start: exited with code 7, .*process\.exit\(7\) at .*crash-app/,
    );
  });

  it("lets requests finish when an application exits as soon as it is told to end", async () => {
    const before = await pidOf("drains");
    const other = await waiting("drains");
    process.kill(before, "SIGTERM");
    const isOther = async (): Promise<boolean> => {
      const { status, text } = await own("drains/pid", "GET");
      return status === 200 && Number(text) !== before;
    };
    await waitUntil("another worker", isOther);
    assert.ok(alive(before));
    assert.equal(await other(), "waits\nwhole\n");
    await httpd.waitForLog(new RegExp(`TN021[67]: \\[drains 0 ${before}\\] .*exited with code 9`));
  });

  it("is no harm to others when it closes its sockets", async () => {
    const { children } = httpd.processes();
    const before = await pidOf("closes");
    const answer = await own("closes/close-sockets");
    assert.equal(answer.status, 502);
    assert.match(await line("TN0009", "closes", answer), /while it worked on this request/);
    await waitUntil("another worker", async () => {
      const { status, text } = await own("closes/pid", "GET");
      return status === 200 && Number(text) !== before;
    });
    assert.deepEqual(httpd.processes().children, children);
    await waitUntil("its end", () => !alive(before));
  });

  it("is killed when it takes connections and never greets, and its requests go to another", async () => {
    const before = await pidOf("stops");
    const stopped = own("stops/stop");
    await waitUntil(
      "a stopped worker",
      async () => Number((await own("stops/pid", "GET")).text) !== before,
    );
    const answer = await stopped;
    assert.equal(answer.status, 502);
    assert.match(
      await line("TN0009", "stops", answer),
      new RegExp(`worker ${before} was killed, since its event loop did not turn`),
    );
  });

  it("keeps nobody else waiting when it answers nothing", async () => {
    const [never, pid] = await Promise.all([own("silent/never"), own("silent/pid", "GET")]);
    assert.equal(never.status, 504);
    assert.equal(pid.status, 200);
    await line("TN0004", "silent", never);
  });
});
