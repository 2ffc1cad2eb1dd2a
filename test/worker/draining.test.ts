// SPDX-License-Identifier: Apache-2.0
// What a worker that drains does with its tunnels, and what it tells its application (ts/worker/main.ts, runtime.ts, tunnel-socket.ts).
import assert from "node:assert/strict";
import { decodeResponse } from "../../ts/wire/message.ts";
import { FrameType } from "../../ts/wire/protocol.ts";
import type { HostChannel } from "../helpers/fake-host.ts";
import { startWorker, type WorkerOptions, type WorkerProcess } from "../helpers/worker-process.ts";

/** A close frame with 1012. */
const CLOSE = "880203f4";
/** A frame with a text. */
const TEXT = "\x81\x05hello";

describe("a worker that drains", () => {
  let worker: WorkerProcess | undefined;

  async function start(options: Partial<WorkerOptions> = {}): Promise<WorkerProcess> {
    worker = await startWorker({ app: "tunnel.ts", ...options });
    return worker;
  }

  afterEach(async () => {
    await worker?.remove();
    worker = undefined;
  });

  /** Opens a tunnel of a protocol. */
  async function tunnel(running: WorkerProcess, protocol = "websocket"): Promise<HostChannel> {
    const channel = running.connect();
    await channel.hello();
    channel.request({ upgrade: true, headers: ["Host", "a", "Upgrade", protocol] });
    const { payload } = await channel.frameOf(FrameType.RESPONSE);
    assert.equal(decodeResponse(payload, 0, payload.length).status, 101);
    return channel;
  }

  function send(channel: HostChannel, bytes: string): void {
    channel.data(Buffer.from(bytes, "latin1"));
  }

  async function received(channel: HostChannel): Promise<Buffer> {
    return (await channel.frameOf(FrameType.DATA)).payload;
  }

  /** Reads DATA up to a close frame. */
  async function untilClose(channel: HostChannel): Promise<string> {
    let text = "";
    while (!text.endsWith(CLOSE)) text += (await received(channel)).toString("hex");
    return text;
  }

  /** Reads DATA until END and gives its bytes. */
  async function rest(channel: HostChannel): Promise<string> {
    const pieces: Buffer[] = [];
    for (;;) {
      const frame = await channel.frame();
      assert.ok(frame !== undefined, "the channel ended without END");
      if (frame.type === FrameType.DATA) pieces.push(frame.payload);
      if (frame.ended || frame.type === FrameType.END) return Buffer.concat(pieces).toString("hex");
    }
  }

  for (const how of ["CLOSE of the host", "drain"] as const) {
    it(`puts a close frame between two frames of a WebSocket at ${how}`, async () => {
      const running = await start();
      const channel = await tunnel(running);
      send(channel, TEXT.slice(0, 4));
      assert.equal((await received(channel)).toString("latin1"), TEXT.slice(0, 4));
      if (how === "drain") {
        running.say({ type: "drain" });
        await running.message("draining");
      } else {
        channel.leave();
      }
      // The end of the frame that has begun, and one that comes too late.
      send(channel, TEXT.slice(4));
      assert.equal(
        await untilClose(channel),
        Buffer.from(TEXT.slice(4), "latin1").toString("hex") + CLOSE,
      );
      send(channel, TEXT);
      channel.end(2 * TEXT.length);
      assert.equal(await rest(channel), "");
      if (how === "drain") assert.deepEqual(await running.exited(), { code: 0, signal: null });
    });
  }

  it("leaves a WebSocket alone that the application closes by itself", async () => {
    const channel = await tunnel(await start());
    send(channel, "\x88\x02\x03\xe8");
    assert.equal((await received(channel)).toString("hex"), "880203e8");
    channel.leave();
    channel.end(4);
    assert.equal(await rest(channel), "");
  });

  it("closes tunnels of other protocols in order at the graceful time-out", async () => {
    const running = await start({ gracefulTimeoutMs: 100 });
    const channel = await tunnel(running, "something-else");
    running.say({ type: "drain" });
    assert.equal(await rest(channel), "");
    assert.deepEqual(await running.exited(), { code: 0, signal: null });
    assert.doesNotMatch(running.stderr, /TN0304/);
  });

  it("leaves WebSockets to an application that hears SIGTERM, until shortly before the graceful time-out", async () => {
    const running = await start({ gracefulTimeoutMs: 1300, environment: { HEARS: "closes" } });
    const channel = await tunnel(running);
    running.say({ type: "drain" });
    await running.until(() => running.stdout.includes("told to end"), "SIGTERM at the application");
    send(channel, TEXT);
    assert.equal(await untilClose(channel), Buffer.from(TEXT, "latin1").toString("hex") + CLOSE);
    channel.end(TEXT.length);
    assert.equal(await rest(channel), "");
    await running.until(() => running.stdout.includes("closed"), "the server's 'close'");
  });

  it("lets an application that hears SIGTERM exit by itself, with its own code", async () => {
    const running = await start({ environment: { HEARS: "exits" } });
    running.say({ type: "drain" });
    assert.deepEqual(await running.exited(), { code: 7, signal: null });
  });

  it("exits at the shutdown time-out, or at another SIGTERM, when the application does not", async () => {
    const patient = await start({ shutdownTimeoutMs: 50, environment: { HEARS: "closes" } });
    patient.say({ type: "drain" });
    assert.deepEqual(await patient.exited(), { code: 0, signal: null });
    await patient.remove();
    const told = await start({ environment: { HEARS: "closes" } });
    told.say({ type: "drain" });
    await told.until(() => told.stdout.includes("closed"), "the server's 'close'");
    told.child.kill("SIGTERM");
    assert.deepEqual(await told.exited(), { code: 0, signal: null });
  });

  it("exits as soon as nothing is open when the application does not hear SIGTERM", async () => {
    const running = await start({ shutdownTimeoutMs: 3_600_000 });
    running.say({ type: "drain" });
    assert.deepEqual(await running.exited(), { code: 0, signal: null });
  });
});
