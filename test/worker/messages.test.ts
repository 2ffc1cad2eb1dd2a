// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { decodeResponse } from "../../ts/wire/message.ts";
import { Fact, FrameType, WireError, WireNumber } from "../../ts/wire/protocol.ts";
import { startWorker, type WorkerProcess } from "../helpers/worker-process.ts";

const MIB = 1048576;

function* chunksOf(total: number): Generator<Buffer> {
  const chunk = Buffer.alloc(65536, "u");
  for (let left = total; left > 0; left -= chunk.length) {
    yield left < chunk.length ? chunk.subarray(0, left) : chunk;
  }
}

describe("request and response of node:http", () => {
  let worker: WorkerProcess;

  before(async () => {
    worker = await startWorker({ app: "listener.ts" });
  });

  after(() => worker.remove());

  it("sends a small answer as two frames, the last of which ends it", async () => {
    const answer = await worker.connect().ask({ target: "/status" });
    assert.equal(answer.status, 200);
    assert.equal(answer.text, "a body\n");
    assert.deepEqual(answer.frames, ["RESPONSE", "DATA"]);
    assert.deepEqual(answer.headers, { "content-length": "7" });
  });

  it("shows the request as the host describes it", async () => {
    const answer = await worker.connect().ask({
      method: "PATCH",
      target: "/a%2Fb/facts?x=1",
      headers: ["Host", "example.org", "X-A", "1", "x-a", "2", "Cookie", "c=1", "Cookie", "d=2"],
      facts: {
        [Fact.CLIENT_ADDRESS]: "192.0.2.7",
        [Fact.CLIENT_PORT]: "4711",
        [Fact.LOCAL_ADDRESS]: "192.0.2.1",
        [Fact.LOCAL_PORT]: "443",
        [Fact.SCHEME]: "https",
        [Fact.PROTOCOL]: "HTTP/2.0",
      },
    });
    const facts = JSON.parse(answer.text) as Record<string, unknown>;
    assert.equal(facts["method"], "PATCH");
    assert.equal(facts["url"], "/a%2Fb/facts?x=1");
    assert.equal(facts["httpVersion"], "2.0");
    assert.deepEqual(facts["headers"], { host: "example.org", "x-a": "1, 2", cookie: "c=1; d=2" });
    assert.deepEqual((facts["rawHeaders"] as string[]).slice(2, 6), ["X-A", "1", "x-a", "2"]);
    assert.equal(facts["remoteAddress"], "192.0.2.7");
    assert.equal(facts["remotePort"], 4711);
    assert.equal(facts["localAddress"], "192.0.2.1");
    assert.equal(facts["localPort"], 443);
    assert.equal(facts["encrypted"], true);
    assert.equal((facts["argv"] as string[])[1]?.endsWith("/test/applications/listener.ts"), true);
  });

  describe("the socket", () => {
    const ask = async (
      id: string | undefined,
      more: Readonly<Record<number, string>> = {},
    ): Promise<{ socket: number; requests: number; closed: number[] }> => {
      const facts = { ...(id === undefined ? {} : { [Fact.CONNECTION_ID]: id }), ...more };
      const answer = await worker.connect().ask({ target: "/socket", facts });
      return JSON.parse(answer.text) as { socket: number; requests: number; closed: number[] };
    };

    it("is one for all requests of a connection, on any channel", async () => {
      const [one, two, other] = [await ask("c1"), await ask("c1"), await ask("c2")];
      assert.equal(two.socket, one.socket);
      assert.equal(two.requests, 2);
      assert.notEqual(other.socket, one.socket);
    });

    it("closes behind the last request of a connection", async () => {
      const one = await ask("c3");
      const two = await ask("c3", { [Fact.CONNECTION_LAST]: "1" });
      const three = await ask("c3");
      assert.equal(two.socket, one.socket);
      assert.notEqual(three.socket, one.socket);
      assert.ok(three.closed.includes(one.socket));
    });

    it("is a request's own when others run beside it (HTTP/2), or when the host names no connection", async () => {
      const last = { [Fact.CONNECTION_LAST]: "1" };
      const all = [await ask("c4", last), await ask("c4", last), await ask(undefined)];
      assert.equal(new Set(all.map(({ socket }) => socket)).size, 3);
      assert.deepEqual(new Set(all.map(({ requests }) => requests)), new Set([1]));
    });

    it("is another one for another client on the same connection (mod_remoteip)", async () => {
      const one = await ask("c5", { [Fact.CLIENT_ADDRESS]: "192.0.2.1" });
      const two = await ask("c5", { [Fact.CLIENT_ADDRESS]: "192.0.2.2" });
      assert.notEqual(two.socket, one.socket);
    });

    it("stays after a body that was left unread, and is another one once it was destroyed", async () => {
      const first = await ask("c6");
      const channel = worker.connect();
      await channel.hello();
      const facts = { [Fact.CONNECTION_ID]: "c6" };
      channel.request({ method: "POST", target: "/early", body: [], bodyLength: 10, facts });
      await channel.frameOf(FrameType.DATA);
      const second = await ask("c6");
      assert.equal(second.socket, first.socket);
      const gone = worker.connect();
      await gone.hello();
      gone.request({ target: "/destroy", facts });
      await gone.closed();
      assert.notEqual((await ask("c6")).socket, second.socket);
    });
  });

  it("serves many exchanges on one channel", async () => {
    const channel = worker.connect();
    for (let number = 0; number < 50; number++) {
      const answer = await channel.ask({
        method: "POST",
        target: "/echo",
        body: Buffer.from(`n${number}`),
      });
      assert.equal(answer.text, `n${number}`);
    }
  });

  it("gives a body to the application as it is pulled, and its trailers", async () => {
    const answer = await worker.connect().ask({
      method: "POST",
      target: "/sink",
      body: chunksOf(3 * MIB + 17),
      trailers: ["X-Sum", "abc"],
    });
    const { bytes, trailers } = JSON.parse(answer.text) as { bytes: number; trailers: object };
    assert.equal(bytes, 3 * MIB + 17);
    assert.deepEqual(trailers, { "x-sum": "abc" });
    assert.ok(answer.frames.includes("PULL"));
  });

  it("asks for no body before the application reads", async () => {
    const channel = worker.connect();
    await channel.hello();
    channel.request({
      method: "POST",
      target: "/observe?key=unread",
      body: chunksOf(MIB),
      bodyLength: MIB,
    });
    await worker.connect().ask({ target: "/observed?key=unread&until=begun" });
    // What the worker had to say before it says ABORT is said now.
    channel.data(Buffer.alloc(WireNumber.EAGER_BODY_BYTES + 1));
    const first = await channel.frame();
    assert.equal(first?.type, FrameType.ABORT);
    await channel.closed();
  });

  it("keeps memory flat for 256 MiB up", async function () {
    this.timeout(60000);
    const channel = worker.connect();
    const total = 256 * MIB;
    const ask = async (size: number): Promise<{ bytes: number; rss: number }> => {
      const answer = await channel.ask({
        method: "POST",
        target: "/sink",
        body: chunksOf(size),
        bodyLength: size,
      });
      return JSON.parse(answer.text) as { bytes: number; rss: number };
    };
    const before = await ask(16 * MIB);
    const after = await ask(total);
    assert.equal(after.bytes, total);
    assert.ok(after.rss - before.rss < 16 * MIB, `${before.rss} to ${after.rss}`);
  });

  it("keeps memory flat for 256 MiB down to a slow reader", async function () {
    this.timeout(60000);
    const rss = async (): Promise<number> => {
      const answer = await worker
        .connect()
        .ask({ method: "POST", target: "/sink", body: Buffer.alloc(1) });
      return (JSON.parse(answer.text) as { rss: number }).rss;
    };
    const channel = worker.connect();
    const measured: number[] = [];
    let received = 0;
    await channel.ask({ target: `/bytes?n=${16 * MIB}`, onChunk: () => {} });
    const before = await rss();
    channel.request({ target: `/bytes?n=${256 * MIB}` });
    for (;;) {
      const frame = await channel.frame();
      assert.ok(frame !== undefined);
      if (frame.type === FrameType.DATA) received += frame.payload.length;
      if (received > 128 * MIB && measured.length === 0) measured.push(await rss());
      if (frame.ended || frame.type === FrameType.END) break;
    }
    assert.equal(received, 256 * MIB);
    assert.ok((measured[0] ?? 0) - before < 16 * MIB, `${before} to ${measured[0]}`);
  });

  it("streams both ways at once", async () => {
    const channel = worker.connect();
    await channel.hello();
    channel.request({ method: "POST", target: "/echo", body: chunksOf(4) });
    channel.data(Buffer.from("ping"));
    await channel.frameOf(FrameType.RESPONSE);
    assert.equal((await channel.frameOf(FrameType.DATA)).payload.toString(), "ping");
    channel.data(Buffer.from("pong"));
    assert.equal((await channel.frameOf(FrameType.DATA)).payload.toString(), "pong");
    channel.end(8);
    await channel.frameOf(FrameType.END);
  });

  it("answers before the body was read, and drops what still comes", async () => {
    const channel = worker.connect();
    await channel.hello();
    channel.request({ method: "POST", target: "/early", body: chunksOf(MIB), bodyLength: MIB });
    channel.data(Buffer.alloc(10000));
    const head = await channel.frameOf(FrameType.RESPONSE);
    assert.equal(decodeResponse(head.payload, 0, head.payload.length).status, 413);
    assert.equal((await channel.frameOf(FrameType.DATA)).ended, true);
    channel.data(Buffer.alloc(6000));
    const next = await channel.ask({ target: "/status" });
    assert.equal(next.status, 200);
  });

  it("sends no body for HEAD, 204 and 304", async () => {
    const channel = worker.connect();
    const head = await channel.ask({ method: "HEAD", target: "/bytes?n=5000" });
    assert.equal(head.headers["content-length"], "5000");
    assert.deepEqual(head.frames, ["RESPONSE"]);
    for (const code of [204, 304]) {
      const answer = await channel.ask({ target: `/status?code=${code}` });
      assert.equal(answer.status, code);
      assert.deepEqual(answer.frames, ["RESPONSE"]);
      assert.deepEqual(answer.rawHeaders, []);
    }
  });

  it("sends headers as they were set, without those of the connection", async () => {
    const answer = await worker.connect().ask({ target: "/headers" });
    assert.equal(answer.status, 201);
    assert.equal(answer.reason, "Made");
    assert.deepEqual(answer.rawHeaders, [
      ...["Set-Cookie", "a=1", "Set-Cookie", "b=2"],
      ...["X-Text", "caf\u00e9", "X-Late", "yes"],
    ]);
    assert.equal(answer.text, "made\n");
  });

  it("sends trailers and interim responses", async () => {
    const channel = worker.connect();
    const trailers = await channel.ask({ target: "/trailers" });
    assert.deepEqual(trailers.trailers, ["X-Sum", "4"]);
    assert.equal(trailers.text, "body");
    const hints = await channel.ask({ target: "/hints" });
    assert.deepEqual(
      hints.interim.map(({ status }) => status),
      [100, 103, 102],
    );
    assert.deepEqual(hints.interim[1]?.rawHeaders, ["Link", "</style.css>; rel=preload; as=style"]);
    assert.equal(hints.text, "hinted\n");
  });

  it("sends each event of a stream when it is written", async () => {
    const answer = await worker.connect().ask({ target: "/sse?n=3&ms=1" });
    assert.equal(answer.text, "data: 1\n\ndata: 2\n\ndata: 3\n\n");
    assert.equal(answer.headers["content-type"], "text/event-stream");
    assert.deepEqual(answer.frames.slice(0, 4), ["RESPONSE", "DATA", "DATA", "DATA"]);
  });

  it("emits the events of node:http in its order", async () => {
    await worker.connect().ask({ target: "/events" });
    await worker.until(() => worker.stdout.includes("events:"), "the events");
    const seen = /events: (.*)/.exec(worker.stdout)?.[1]?.split(", ") ?? [];
    assert.equal(seen[0], "prefinish");
    assert.equal(seen.at(-1), "close");
    // Node 22 and 24 differ in which of the two comes first.
    for (const event of ["callback", "finish true"]) assert.ok(seen.indexOf(event) > 0, event);
  });

  it("tells the application when the host aborts or closes", async () => {
    const watcher = worker.connect();
    for (const how of ["abort", "close", "late"]) {
      const channel = worker.connect();
      await channel.hello();
      channel.request({ target: `/observe?key=${how}${how === "late" ? "&head=yes" : ""}` });
      await watcher.ask({ target: `/observed?key=${how}&until=begun` });
      if (how === "abort") channel.abort(WireError.CLIENT_GONE, "gone");
      else channel.socket.destroy();
      const answer = await watcher.ask({ target: `/observed?key=${how}` });
      const seen = JSON.parse(answer.text) as string[];
      assert.deepEqual(seen.slice(0, 3), ["begun", "aborted", "close"], how);
      const all = await watcher.ask({ target: `/observed?key=${how}&until=request%20close` });
      assert.match(all.text, /request close/);
    }
  });
});
