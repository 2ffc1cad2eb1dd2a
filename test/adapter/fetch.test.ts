// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { FrameType, LogLevel, WireError } from "../../ts/wire/protocol.ts";
import { startWorker, type WorkerProcess } from "../helpers/worker-process.ts";

const MIB = 1048576;

describe("fetch adapter", () => {
  let worker: WorkerProcess;

  before(async () => {
    worker = await startWorker({ app: "fetch.ts" });
  });

  after(() => worker.remove());

  it("calls fetch with a real Request", async () => {
    const answer = await worker.connect().ask({
      target: "/facts?x=1",
      headers: ["Host", "shop.example:8080", "X-A", "1", "X-A", "2"],
    });
    assert.deepEqual(JSON.parse(answer.text), {
      method: "GET",
      url: "http://shop.example:8080/facts?x=1",
      headers: [
        ["host", "shop.example:8080"],
        ["x-a", "1, 2"],
      ],
      real: true,
    });
    assert.equal((await worker.message("ready")).shape, "fetch");
  });

  it("sends a small answer as two frames, the last of which ends it", async () => {
    const answer = await worker
      .connect()
      .ask({ method: "POST", target: "/text", body: Buffer.from("hi") });
    assert.equal(answer.text, "hi");
    assert.deepEqual(
      answer.frames.filter((name) => name !== "PULL"),
      ["RESPONSE", "DATA"],
    );
  });

  it("streams a body both ways at once", async () => {
    const channel = worker.connect();
    await channel.hello();
    channel.request({ method: "POST", target: "/echo", body: [] });
    channel.data(Buffer.from("ping"));
    assert.equal((await channel.frameOf(FrameType.DATA)).payload.toString(), "ping");
    channel.data(Buffer.from("pong"));
    assert.equal((await channel.frameOf(FrameType.DATA)).payload.toString(), "pong");
    channel.end(8);
    await channel.frameOf(FrameType.END);
  });

  it("keeps memory flat for 64 MiB up and down", async () => {
    const channel = worker.connect();
    const up = async (size: number): Promise<{ bytes: number; rss: number }> => {
      const body = Array.from({ length: size / MIB }, () => Buffer.alloc(MIB));
      const answer = await channel.ask({ method: "POST", target: "/sink", body, bodyLength: size });
      return JSON.parse(answer.text) as { bytes: number; rss: number };
    };
    const before = await up(4 * MIB);
    assert.equal((await up(64 * MIB)).bytes, 64 * MIB);
    let received = 0;
    await channel.ask({
      target: `/bytes?n=${64 * MIB}`,
      onChunk: (chunk) => {
        received += chunk.length;
      },
    });
    assert.equal(received, 64 * MIB);
    const after = await up(MIB);
    assert.ok(after.rss - before.rss < 16 * MIB, `${before.rss} to ${after.rss}`);
  });

  it("sends several cookies, status text and no body where there is none", async () => {
    const channel = worker.connect();
    const cookies = await channel.ask({ target: "/cookies" });
    assert.equal(cookies.status, 201);
    assert.equal(cookies.reason, "Baked");
    const values = cookies.rawHeaders.filter(
      (_, index) => cookies.rawHeaders[index - 1] === "set-cookie",
    );
    assert.deepEqual(values, ["a=1", "b=2"]);
    assert.deepEqual((await channel.ask({ target: "/status?code=304" })).frames, ["RESPONSE"]);
    const head = await channel.ask({ method: "HEAD", target: "/bytes" });
    assert.deepEqual(head.frames, ["RESPONSE"]);
  });

  it("answers 500 for what fetch throws, and puts the stack into the log", async () => {
    const channel = worker.connect();
    for (const [path, text] of [
      ["throw", "fetch threw on purpose"],
      ["nothing", "must return a Response, not undefined"],
    ]) {
      const answer = await channel.ask({ target: `/${path}` });
      assert.equal(answer.status, 500);
      assert.equal(answer.text, "Internal Server Error\n");
      assert.equal(answer.logs[0]?.level, LogLevel.ERROR);
      assert.match(answer.logs[0]?.text ?? "", new RegExp(text ?? ""));
    }
    const stack = (await channel.ask({ target: "/throw" })).logs[0]?.text ?? "";
    assert.match(stack, /test\/applications\/fetch\.ts:\d+:\d+/);
  });

  it("aborts an answer whose body fails", async () => {
    const answer = await worker.connect().ask({ target: "/late" });
    assert.equal(answer.status, 200);
    assert.equal(answer.text, "some of the body");
    assert.equal(answer.abort?.error, WireError.APPLICATION);
    assert.match(answer.logs[0]?.text ?? "", /the stream failed on purpose/);
  });

  it("refuses methods and targets that no Request can have", async () => {
    const channel = worker.connect();
    assert.equal((await channel.ask({ method: "TRACE" })).status, 501);
    assert.equal((await channel.ask({ target: "/", headers: ["Host", "a b"] })).status, 400);
  });

  it("aborts the request's signal when the client goes", async () => {
    const channel = worker.connect();
    await channel.hello();
    channel.request({ target: "/observe" });
    await worker.stderrMatches(/observing/);
    channel.socket.destroy();
    const answer = await worker.connect().ask({ target: "/observed" });
    assert.match(answer.text, /^AbortError: /);
  });
});
