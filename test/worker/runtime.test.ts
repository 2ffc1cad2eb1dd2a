// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync } from "node:fs";
import { encodeFrameHeader } from "../../ts/wire/frame.ts";
import {
  FrameType,
  ScoreboardSlot,
  WireError,
  WireNumber,
  WorkerState,
} from "../../ts/wire/protocol.ts";
import { decodeAbort } from "../../ts/wire/signal.ts";
import type { HostChannel } from "../helpers/fake-host.ts";
import { waitUntil } from "../helpers/processes.ts";
import { startWorker, type WorkerOptions, type WorkerProcess } from "../helpers/worker-process.ts";

const NOBODY = 65534;

describe("runtime of a worker", () => {
  let worker: WorkerProcess | undefined;

  async function start(options: Partial<WorkerOptions> = {}): Promise<WorkerProcess> {
    worker = await startWorker({ app: "listener.ts", ...options });
    return worker;
  }

  /** Begins a request that is never answered, and waits until the application has it. */
  async function occupy(from: HostChannel, key: string): Promise<void> {
    await from.hello();
    from.request({ target: `/observe?key=${key}&head=yes` });
    await from.frameOf(FrameType.DATA);
  }

  afterEach(async () => {
    await worker?.remove();
    worker = undefined;
  });

  it("greets before it reads, and says who it is", async () => {
    const { incarnation, generation, slot, child } = await start();
    const hello = await (worker as WorkerProcess).connect().hello();
    assert.equal(hello.slot, slot);
    assert.equal(hello.incarnation, incarnation);
    assert.equal(hello.generation, generation);
    assert.equal(hello.pid, child.pid);
    assert.equal(hello.phases, (1n << 25n) - 1n);
  });

  it("keeps its words in the scoreboard true", async () => {
    const running = await start({ concurrency: 3 });
    assert.equal(running.word(ScoreboardSlot.STATE), WorkerState.READY);
    assert.equal(running.word(ScoreboardSlot.CAPACITY), 3);
    const age =
      Number(process.hrtime.bigint() / 1_000_000n) - running.word(ScoreboardSlot.HEARTBEAT);
    assert.ok(age >= 0 && age < 5000, `${age} ms`);
    const channel = running.connect();
    await channel.ask({ target: "/status" });
    assert.equal(running.word(ScoreboardSlot.CHANNELS), 1);
    assert.equal(running.word(ScoreboardSlot.IN_FLIGHT), 0);
    assert.equal(running.word(ScoreboardSlot.SERVED), 1);
    await occupy(channel, "words");
    assert.equal(running.word(ScoreboardSlot.IN_FLIGHT), 1);
    channel.socket.destroy();
    await running.connect().ask({ target: "/observed?key=words" });
    assert.equal(running.word(ScoreboardSlot.CHANNELS), 1);
    assert.equal(running.word(ScoreboardSlot.SERVED), 3);
  });

  it("stores the claim before the application runs", async () => {
    const running = await start({ app: "faults.ts" });
    const channel = running.connect();
    const hello = await channel.hello();
    assert.equal(running.claim(hello.claimIndex), hello.claim);
    await channel.ask({ target: "/" });
    assert.equal(running.claim(hello.claimIndex), hello.claim + 1);
    // The application never comes back from this one.
    channel.request({ target: "/abort" });
    await running.exited();
    assert.equal(running.claim(hello.claimIndex), hello.claim + 2);
  });

  it("gives each channel a claim word of its own, a used one last", async () => {
    const running = await start();
    const first = running.connect();
    const one = await first.hello();
    await first.close();
    const two = await running.connect().hello();
    assert.equal(one.claim, 1 << 12);
    assert.equal(two.claim, 2 << 12);
    assert.notEqual(one.claimIndex, two.claimIndex);
    assert.equal(running.claim(one.claimIndex), one.claim);
  });

  it("answers BUSY on a direct channel when it has no room, and begins nothing", async () => {
    const running = await start({ concurrency: 1 });
    await occupy(running.connect(), "busy");
    const channel = running.connect();
    const hello = await channel.hello();
    channel.request({ target: "/status" });
    const frame = await channel.frameOf(FrameType.ABORT);
    assert.equal(decodeAbort(frame.payload, 0, frame.payload.length).error, WireError.BUSY);
    await channel.closed();
    assert.equal(running.claim(hello.claimIndex), hello.claim);
    assert.equal(running.word(ScoreboardSlot.IN_FLIGHT), 1);
  });

  it("begins nothing that its host took back while the event loop did not turn", async () => {
    const running = await start();
    const spins = running.connect();
    const hello = await spins.hello();
    const [taken, kept] = [running.connect(), running.connect()];
    await Promise.all([taken.hello(), kept.hello()]);
    spins.request({ target: "/spin?ms=1500" });
    await waitUntil("the spin", () => running.claim(hello.claimIndex) !== hello.claim);
    taken.request({ method: "POST", target: "/observe?key=taken" });
    taken.socket.end();
    kept.request({ method: "POST", target: "/status" });
    await kept.frameOf(FrameType.RESPONSE);
    await taken.closed();
    await waitUntil(
      "the end of what was taken back",
      () => running.word(ScoreboardSlot.IN_FLIGHT) === 0,
    );
    const other = running.connect();
    await occupy(other, "other");
    other.socket.destroy();
    await running.stderrMatches(/^observed close of other$/m);
    assert.doesNotMatch(running.stderr, /taken/);
  });

  it("takes from the queue only while it has room", async () => {
    const running = await start({ concurrency: 1 });
    const busy = running.connect();
    await occupy(busy, "queue");
    const queued = running.connectQueue();
    queued.request({ target: "/status" });
    // A whole turn of the worker's event loop later it still was not greeted.
    await running.connect().hello();
    await running.connect().hello();
    assert.equal(queued.socket.bytesRead, 0);
    busy.socket.destroy();
    await queued.hello();
    assert.ok(await queued.frameOf(FrameType.RESPONSE));
    assert.equal((await queued.frameOf(FrameType.DATA)).ended, true);
  });

  it("keeps room for what it took from the queue", async () => {
    const running = await start({ concurrency: 1 });
    const queued = running.connectQueue();
    await queued.hello();
    const direct = running.connect();
    await direct.hello();
    direct.request({ target: "/status" });
    assert.ok(await direct.frameOf(FrameType.ABORT));
    queued.request({ target: "/status" });
    assert.ok(await queued.frameOf(FrameType.RESPONSE));
  });

  for (const how of ["drain", "SIGTERM", "end of the control socket"]) {
    it(`drains at ${how}: says CLOSE, finishes what is open, exits with 0`, async () => {
      const running = await start();
      const idle = running.connect();
      await idle.hello();
      const busy = running.connect();
      await busy.hello();
      busy.request({ method: "POST", target: "/echo", body: [] });
      busy.data(Buffer.from("a"));
      await busy.frameOf(FrameType.DATA);
      if (how === "drain") running.say({ type: "drain" });
      else if (how === "SIGTERM") running.child.kill("SIGTERM");
      else running.dropControl();
      await idle.frameOf(FrameType.CLOSE);
      assert.equal(running.word(ScoreboardSlot.STATE), WorkerState.DRAINING);
      // It found the worker ready, and is told at once to look for another.
      const late = running.connect();
      late.request({ target: "/status" });
      await late.closed();
      // It crosses CLOSE, and is not begun.
      const hello = await idle.hello();
      idle.request({ target: "/status" });
      busy.data(Buffer.from("b"));
      assert.equal((await busy.frameOf(FrameType.DATA)).payload.toString(), "b");
      assert.equal(running.claim(hello.claimIndex), hello.claim);
      busy.end(2);
      await busy.frameOf(FrameType.END);
      await busy.frameOf(FrameType.CLOSE);
      await busy.close();
      await idle.close();
      assert.deepEqual(await running.exited(), { code: 0, signal: null });
      assert.equal(running.word(ScoreboardSlot.STATE), WorkerState.STOPPING);
      if (how === "drain") assert.equal((await running.message("draining")).inFlight, 1);
    });
  }

  it("breaks off what is open at the graceful time-out", async () => {
    const running = await start({ gracefulTimeoutMs: 50 });
    const busy = running.connect();
    await occupy(busy, "stuck");
    running.say({ type: "drain" });
    const frame = await busy.frameOf(FrameType.ABORT);
    assert.equal(decodeAbort(frame.payload, 0, frame.payload.length).error, WireError.STOPPING);
    assert.deepEqual(await running.exited(), { code: 0, signal: null });
    assert.match(running.stderr, /^TN0304: \[test 2\] .* 1 requests/m);
  });

  it("refuses a peer that is not the host", async function () {
    if (process.getuid?.() !== 0) this.skip();
    const running = await start({ mode: 0o666 });
    chmodSync(running.directory, 0o755);
    const script = `
      const socket = require("node:net").connect(${JSON.stringify(running.endpoint)});
      socket.on("data", (data) => console.log("data", data.length));
      socket.on("close", () => console.log("closed"));
      socket.on("error", () => {});`;
    const child = spawn(process.execPath, ["-e", script], {
      uid: NOBODY,
      gid: NOBODY,
      stdio: ["ignore", "pipe", "inherit"],
      cwd: "/",
    });
    let said = "";
    child.stdout.on("data", (text: Buffer) => {
      said += text.toString();
    });
    await once(child, "close");
    assert.equal(said, "closed\n");
    await running.stderrMatches(/^TN0301: \[test 2\] refused a channel from uid 65534/m);
    assert.equal(running.word(ScoreboardSlot.CHANNELS), 0);
  });

  describe("protocol errors", () => {
    function frame(type: number, flags: number, payload: Uint8Array, length?: number): Buffer {
      const header = Buffer.alloc(8);
      encodeFrameHeader(header, 0, type as FrameType, flags, length ?? payload.length);
      return Buffer.concat([header, payload]);
    }

    const cases: readonly (readonly [string, Buffer, WireError, RegExp])[] = [
      [
        "an unknown frame",
        frame(0x77, 0, Buffer.alloc(0)),
        WireError.UNKNOWN_FRAME,
        /UNKNOWN_FRAME/,
      ],
      [
        "an over-long frame",
        frame(FrameType.REQUEST, 0, Buffer.alloc(0), 2 ** 24),
        WireError.TOO_LONG,
        /TOO_LONG/,
      ],
      [
        "an unknown flag",
        frame(FrameType.REQUEST, 0x40, Buffer.alloc(0)),
        WireError.BAD_FLAGS,
        /BAD_FLAGS/,
      ],
      [
        "a malformed head",
        frame(FrameType.REQUEST, 1, Buffer.alloc(20, 9)),
        WireError.BAD_PAYLOAD,
        /BAD_PAYLOAD at REQUEST/,
      ],
      [
        "a frame of the other direction",
        frame(FrameType.PULL, 0, Buffer.alloc(8, 1)),
        WireError.OUT_OF_ORDER,
        /OUT_OF_ORDER at PULL/,
      ],
      [
        "body before any request",
        frame(FrameType.DATA, 0, Buffer.alloc(8, 1)),
        WireError.OUT_OF_ORDER,
        /OUT_OF_ORDER at DATA/,
      ],
    ];

    for (const [what, bytes, error, line] of cases) {
      it(`closes the channel at ${what}, with the error's name in the log`, async () => {
        const running = await start();
        const channel = running.connect();
        await channel.hello();
        channel.socket.write(bytes);
        const abort = await channel.frameOf(FrameType.ABORT);
        assert.equal(decodeAbort(abort.payload, 0, abort.payload.length).error, error);
        await channel.closed();
        await running.stderrMatches(line);
        assert.match(running.stderr, /^TN0302: \[test 2\]/m);
      });
    }

    it("closes the channel when more body comes than was asked for", async () => {
      const running = await start();
      const channel = running.connect();
      await channel.hello();
      channel.request({ method: "POST", target: "/observe?key=over", body: [] });
      channel.data(Buffer.alloc(WireNumber.EAGER_BODY_BYTES));
      channel.data(Buffer.alloc(1));
      const abort = await channel.frameOf(FrameType.ABORT);
      assert.equal(
        decodeAbort(abort.payload, 0, abort.payload.length).error,
        WireError.OVER_CREDIT,
      );
      const seen = await running.connect().ask({ target: "/observed?key=over" });
      assert.match(seen.text, /close/);
    });

    it("closes the channel when the body is not as long as declared", async () => {
      const running = await start();
      const channel = running.connect();
      await channel.hello();
      channel.request({ method: "POST", target: "/observe?key=short", body: Buffer.alloc(10) });
      channel.data(Buffer.alloc(4));
      channel.end(4);
      const abort = await channel.frameOf(FrameType.ABORT);
      assert.equal(decodeAbort(abort.payload, 0, abort.payload.length).error, WireError.BAD_LENGTH);
    });

    it("names a channel that ended within a frame", async () => {
      const running = await start();
      const channel = running.connect();
      await channel.hello();
      channel.socket.end(frame(FrameType.REQUEST, 0, Buffer.alloc(10), 100));
      await channel.closed();
      await running.stderrMatches(/TN0302: .*TRUNCATED at REQUEST/);
    });

    it("refuses a second request before the first is answered", async () => {
      const running = await start();
      const channel = running.connect();
      await occupy(channel, "second");
      channel.request({ target: "/status" });
      const abort = await channel.frameOf(FrameType.ABORT);
      assert.equal(
        decodeAbort(abort.payload, 0, abort.payload.length).error,
        WireError.OUT_OF_ORDER,
      );
    });
  });
});
