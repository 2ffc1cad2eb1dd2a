// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FrameType, LogLevel, WireError } from "../../ts/wire/protocol.ts";
import type { HostChannel } from "../helpers/fake-host.ts";
import { startWorker, type WorkerProcess } from "../helpers/worker-process.ts";

describe("failures of an application", () => {
  let worker: WorkerProcess;

  async function start(app: string): Promise<void> {
    worker = await startWorker({ app });
  }

  /** Lets the worker end, as a host does. */
  async function release(channel: HostChannel): Promise<void> {
    await channel.frameOf(FrameType.CLOSE);
    await channel.close();
  }

  afterEach(() => worker.remove());

  it("answers 500 to the request whose listener throws, then drains and exits with 1", async () => {
    await start("faults.ts");
    const channel = worker.connect();
    const answer = await channel.ask({ target: "/throw" });
    assert.equal(answer.status, 500);
    assert.equal(answer.text, "Internal Server Error\n");
    assert.equal(answer.logs[0]?.level, LogLevel.ERROR);
    assert.match(
      answer.logs[0]?.text ?? "",
      /^uncaught exception of the application: Error: thrown on purpose\n/,
    );
    assert.match(answer.logs[0]?.text ?? "", /test\/applications\/faults\.ts:\d+:\d+/);
    await release(channel);
    assert.deepEqual(await worker.exited(), { code: 1, signal: null });
    await worker.stderrMatches(/^TN0303: \[test 2 #r1\] uncaught exception, .*thrown on purpose/m);
  });

  it("finishes the other requests before it exits", async () => {
    await start("faults.ts");
    const other = worker.connect();
    await other.hello();
    other.request({ target: "/never" });
    const channel = worker.connect();
    await channel.ask({ target: "/throw" });
    await release(channel);
    other.socket.destroy();
    assert.deepEqual(await worker.exited(), { code: 1, signal: null });
  });

  it("answers 500 when a listener for body throws", async () => {
    await start("faults.ts");
    const answer = await worker
      .connect()
      .ask({ method: "POST", target: "/throwdata", body: Buffer.alloc(10) });
    assert.equal(answer.status, 500);
    await worker.stderrMatches(/TN0303: .*thrown at data on purpose/);
  });

  it("knows whose request an exception or rejection came from later", async () => {
    for (const [target, line] of [
      ["/throwlate", /TN0303: \[test 2 #r1\] uncaught exception.*thrown late on purpose/],
      ["/reject", /TN0303: \[test 2 #r1\] unhandled rejection.*rejected on purpose/],
    ] as const) {
      await start("faults.ts");
      const channel = worker.connect();
      const answer = await channel.ask({ target });
      if (target === "/reject") assert.equal(answer.status, 500);
      else assert.equal(answer.abort?.error, WireError.APPLICATION);
      await worker.stderrMatches(line);
      channel.socket.destroy();
      assert.deepEqual(await worker.exited(), { code: 1, signal: null });
      await worker.remove();
    }
    await start("faults.ts");
  });

  it("leaves an exception to an application that listens for it", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tenon-failure-"));
    const app = join(folder, "own.ts");
    writeFileSync(
      app,
      `process.on("uncaughtException", (error) => process.stderr.write(\`own: \${error.message}\\n\`));
export default (request: { url: string }, response: { end(text: string): void }) => {
  if (request.url === "/throw") throw new Error("mine");
  response.end("alive");
};
`,
    );
    await start(app);
    const thrown = worker.connect();
    await thrown.hello();
    thrown.request({ target: "/throw" });
    await worker.stderrMatches(/own: mine/);
    assert.equal((await worker.connect().ask({ target: "/" })).text, "alive");
    assert.doesNotMatch(worker.stderr, /TN0303/);
    rmSync(folder, { recursive: true });
  });

  it("breaks off an answer that the application destroys", async () => {
    await start("faults.ts");
    for (const target of ["/break", "/destroy"]) {
      const answer = await worker.connect().ask({ target });
      assert.equal(answer.abort?.error, WireError.DESTROYED);
      assert.equal(answer.text, target === "/break" ? "some of the body" : "");
    }
  });

  it("breaks off a body that is not as long as its Content-Length", async () => {
    await start("faults.ts");
    const answer = await worker.connect().ask({ target: "/short" });
    assert.equal(answer.abort?.error, WireError.APPLICATION);
    assert.match(answer.abort?.text ?? "", /Content-Length is 100, its body has 9 bytes/);
  });

  it("answers 500 for a head that no frame can hold, and lives on", async () => {
    await start("faults.ts");
    const channel = worker.connect();
    const answer = await channel.ask({ target: "/bighead" });
    assert.equal(answer.status, 500);
    assert.match(answer.logs[0]?.text ?? "", /head cannot be sent/);
    assert.equal((await channel.ask({ target: "/" })).text, "no fault\n");
  });

  it("leaves the claim word of a worker that dies as it was", async () => {
    await start("faults.ts");
    const channel = worker.connect();
    const hello = await channel.hello();
    channel.request({ target: "/abort" });
    const { signal } = await worker.exited();
    assert.equal(signal, "SIGABRT");
    assert.equal(worker.claim(hello.claimIndex), hello.claim + 1);
  });
});
