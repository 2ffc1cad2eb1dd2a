// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fact, FrameType, Phase, ScoreboardSlot, WireError } from "../../ts/wire/protocol.ts";
import { decodeAbort, decodeLog } from "../../ts/wire/signal.ts";
import type { HostChannel } from "../helpers/fake-host.ts";
import { startWorker, type WorkerOptions, type WorkerProcess } from "../helpers/worker-process.ts";
import { entry } from "./entries.ts";

const phase = Phase.ACCESS_CHECKER;

describe("a worker with hooks", () => {
  let worker: WorkerProcess;
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-hooks-"));
  });

  afterEach(() => worker.remove());

  after(() => rmSync(folder, { recursive: true }));

  async function start(options: Partial<WorkerOptions> = {}): Promise<HostChannel> {
    worker = await startWorker({ app: "hooks.ts", exports: ["accessChecker"], ...options });
    return worker.connect();
  }

  /** Starts an application of a few lines. */
  function startSource(
    file: string,
    source: string,
    exports: readonly string[],
  ): Promise<HostChannel> {
    const app = join(folder, file);
    writeFileSync(app, source);
    return start({ app, exports });
  }

  /** Begins a hook that returns nothing for ever. */
  async function hang(channel: HostChannel): Promise<void> {
    await channel.hello();
    channel.request({ phase, entries: [entry("OPTIONS", "do", "hang")] });
    await worker.connect().ask({ phase });
  }

  it("counts hooks as requests: in flight, claimed, refused when there is no room", async () => {
    const channel = await start({ concurrency: 1 });
    const hello = await channel.hello();
    channel.request({ phase, entries: [entry("OPTIONS", "do", "variable")] });
    await channel.frameOf(FrameType.ASK);
    assert.equal(worker.word(ScoreboardSlot.IN_FLIGHT), 1);
    assert.equal(worker.claim(hello.claimIndex), hello.claim + 1);
    const second = await worker.connect().ask({ phase });
    assert.equal(second.abort?.error, WireError.BUSY);
    channel.answer({ text: "x" }, true);
    await channel.frameOf(FrameType.RESULT);
    assert.equal(worker.word(ScoreboardSlot.IN_FLIGHT), 0);
    assert.equal(worker.word(ScoreboardSlot.SERVED), 1);
    assert.equal((await channel.ask({ phase })).result?.code, 0);
  });

  it("tells a hook that its request was broken off", async () => {
    const channel = await start();
    await hang(channel);
    channel.abort(WireError.TIMED_OUT, "the hook took too long");
    await worker.until(() => /^aborted: the hook took too long$/m.test(worker.stdout), "aborted");
  });

  it("lets hooks finish when it drains", async () => {
    const channel = await start();
    await channel.hello();
    channel.request({ phase, entries: [entry("OPTIONS", "do", "variable")] });
    await channel.frameOf(FrameType.ASK);
    worker.say({ type: "drain" });
    await worker.message("draining");
    channel.answer({ text: "x" }, true);
    await channel.frameOf(FrameType.RESULT);
    await channel.frameOf(FrameType.CLOSE);
    await channel.close();
    assert.deepEqual(await worker.exited(), { code: 0, signal: null });
  });

  it("breaks hooks off at the graceful time-out", async () => {
    const channel = await start({ gracefulTimeoutMs: 50 });
    await hang(channel);
    worker.say({ type: "drain" });
    const { payload } = await channel.frameOf(FrameType.ABORT);
    assert.equal(decodeAbort(payload, 0, payload.length).error, WireError.STOPPING);
    assert.deepEqual(await worker.exited(), { code: 0, signal: null });
  });

  it("names the hook's request when an exception is uncaught, and answers nothing itself", async () => {
    const channel = await start();
    await channel.hello();
    const facts = { [Fact.REQUEST_ID]: "guilty" };
    channel.request({ phase, facts, entries: [entry("OPTIONS", "do", "uncaught")] });
    const log = (await channel.frameOf(FrameType.LOG)).payload;
    assert.match(decodeLog(log, 0, log.length).text, /^uncaught exception of the application: /);
    const { payload } = await channel.frameOf(FrameType.ABORT);
    assert.equal(decodeAbort(payload, 0, payload.length).error, WireError.APPLICATION);
    assert.deepEqual(await worker.exited(), { code: 1, signal: null });
    assert.match(worker.stderr, /^TN0303: \[test 2 #guilty\] uncaught exception/m);
  });

  it("says what the configuration names in vain, and serves the rest", async () => {
    const channel = await start({ exports: ["accessChecker", "missing", "notAFunction"] });
    assert.match(
      worker.stderr,
      /^TN0305: \[test 2\] .*hooks\.ts does not export what the configuration names: missing, notAFunction$/m,
    );
    assert.equal((await channel.ask({ phase })).result?.code, 0);
  });

  it("is not ready when none of the exports is there, nor anything that serves", async () => {
    const failed = start({ exports: ["missing"] });
    await assert.rejects(failed, /TENON_ERR_APPLICATION_SHAPE/);
    worker = await startWorker({ app: "hooks.ts", exports: ["map"] });
  });

  it("has an application find what hooks have kept of its request", async () => {
    const source = `import { requestState } from "tenon";
      export const accessChecker = (r) => { r.state.seen = r.uri; };
      export default { fetch: async (request) => {
        await null;
        return Response.json([requestState(request) ?? null, requestState() ?? null, requestState(new Request("http://a")) ?? null]);
      } };`;
    const channel = await startSource("keeping.mjs", source, ["accessChecker"]);
    const facts = { [Fact.REQUEST_ID]: "kept" };
    await channel.ask({ phase, facts, entries: [entry("RECORD", "uri", "/x")] });
    const seen = { seen: "/x" };
    const answer = await channel.ask({ target: "/", facts });
    assert.deepEqual(JSON.parse(answer.text), [seen, seen, seen]);
    const other = await channel.ask({ target: "/", facts: { [Fact.REQUEST_ID]: "other" } });
    assert.deepEqual(JSON.parse(other.text), [null, null, null]);
  });

  const applications: readonly (readonly [string, string, string, number, string])[] = [
    [
      "beside.mjs",
      `export default { fetch: () => new Response("served") };
       export const accessChecker = (r) => 402;`,
      "fetch",
      200,
      "served",
    ],
    [
      "listening.mjs",
      `import { createServer } from "node:http";
       createServer((req, res) => res.end("served")).listen(8080);
       export const accessChecker = async (r) => 402;`,
      "server",
      200,
      "served",
    ],
    [
      "later.mjs",
      `import { createServer } from "node:http";
       const server = createServer((req, res) => res.end("served"));
       export const accessChecker = async (r) => {
         if (!server.listening) server.listen(8080);
         return 402;
       };`,
      "hooks",
      200,
      "served",
    ],
    ["named.cjs", `exports.accessChecker = (r) => 402;`, "hooks", 500, "Internal Server Error\n"],
    [
      "object.cjs",
      `class Application { constructor() { this.code = 402; this.accessChecker = function () { return this.code; }; } }
       module.exports = new Application();`,
      "hooks",
      500,
      "Internal Server Error\n",
    ],
    [
      "object.mjs",
      `export default { fetch() { return new Response("served"); }, code: 402, accessChecker() { return this.code; } };`,
      "fetch",
      200,
      "served",
    ],
  ];
  for (const [file, source, shape, status, text] of applications) {
    it(`finds the hooks of ${file}, a ${shape}`, async () => {
      const channel = await startSource(file, source, ["accessChecker"]);
      assert.equal((await worker.message("ready")).shape, shape);
      assert.equal((await channel.ask({ phase })).result?.code, 402);
      const answer = await channel.ask({ target: "/" });
      assert.equal(answer.status, status);
      assert.equal(answer.text, text);
    });
  }
});
