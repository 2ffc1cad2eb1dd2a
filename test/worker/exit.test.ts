// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { FrameType, LogLevel } from "../../ts/wire/protocol.ts";
import { startWorker, type WorkerProcess } from "../helpers/worker-process.ts";

describe("process.exit() of an application", () => {
  let worker: WorkerProcess;

  beforeEach(async () => {
    worker = await startWorker({ app: "faults.ts" });
  });

  afterEach(() => worker.remove());

  for (const target of ["/exit?code=3", "/exitsoon?code=3", "/exitcaught?code=3"]) {
    it(`answers 500, says who called it, and exits with its code: ${target}`, async () => {
      const channel = worker.connect();
      const answer = await channel.ask({ target });
      assert.equal(answer.status, 500);
      assert.equal(answer.logs[0]?.level, LogLevel.ERROR);
      const text = answer.logs[0]?.text ?? "";
      assert.match(text, /^the application called process\.exit\(3\) at .*faults\.ts:\d+:\d+/);
      assert.doesNotMatch(text, /node:|ts\/worker/);
      await channel.frameOf(FrameType.CLOSE);
      await channel.close();
      assert.deepEqual(await worker.exited(), { code: 3, signal: null });
      await worker.stderrMatches(/^TN0306: \[test 2 #r1\] the application called/m);
    });
  }

  it("lets the other requests finish first", async () => {
    const other = worker.connect();
    await other.hello();
    other.request({ target: "/never" });
    const channel = worker.connect();
    await channel.ask({ target: "/exit?code=0" });
    await channel.frameOf(FrameType.CLOSE);
    await channel.close();
    other.socket.destroy();
    assert.deepEqual(await worker.exited(), { code: 0, signal: null });
  });
});
