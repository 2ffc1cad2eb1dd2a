// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import {
  EntryOperation,
  Fact,
  FrameType,
  frameTypeNames,
  LogLevel,
  Phase,
  WireError,
  WireNumber,
} from "../../ts/wire/protocol.ts";
import { decodePull } from "../../ts/wire/signal.ts";
import type { Answer, AskOptions, HostChannel } from "../helpers/fake-host.ts";
import { startWorker, type WorkerProcess } from "../helpers/worker-process.ts";
import { entry } from "./entries.ts";

const { SET, UNSET } = EntryOperation;

describe("filters in a worker", () => {
  let worker: WorkerProcess;
  let channel: HostChannel;

  before(async () => {
    worker = await startWorker({ app: "filters.ts", exports: ["upper"] });
  });
  beforeEach(() => {
    channel = worker.connect();
  });
  afterEach(() => channel.close());
  after(() => worker.remove());

  function options(name: string, more: AskOptions = {}): AskOptions {
    const entries = [
      entry("RECORD", "status", "200"),
      entry("RECORD", "content_type", "text/plain"),
      entry("HEADERS_OUT", "ETag", '"v1"'),
      entry("HEADERS_OUT", "Content-Length", "5"),
      entry("HEADERS_OUT", "X-Secret", "s"),
      ...(more.entries ?? []),
    ];
    return {
      phase: Phase.OUTPUT_FILTER,
      body: Buffer.from("hello"),
      ...more,
      entries,
      facts: { ...more.facts, [Fact.EXPORT]: name },
    };
  }

  const ask = (name: string, more?: AskOptions): Promise<Answer> =>
    channel.ask(options(name, more));

  it("answer with a transformed body, without what spoke of the old one", async () => {
    const answer = await ask("upper");
    assert.equal(answer.text, "HELLO");
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.rawHeaders, ["Content-Type", "text/plain", "X-Secret", "s"]);
  });

  it("keep validators, the ETag as a weak one, when the same becomes the same", async () => {
    assert.equal((await ask("steady")).headers["etag"], 'W/"v1"');
  });

  it("declare the length of a body that is there whole", async () => {
    const answer = await ask("replaced");
    assert.equal(answer.headers["content-length"], "8");
    assert.equal(answer.text, "replaced");
  });

  it("send the changes of one that touches the head only, and pull nothing", async () => {
    const answer = await ask("headOnly");
    assert.deepEqual(answer.frames, ["RESULT"]);
    assert.equal(answer.result?.code, 0);
    const changes = answer.result?.entries.map(({ operation, name, value }) =>
      operation === UNSET ? `-${name}` : `${operation === SET ? "" : "+"}${name}: ${value}`,
    );
    assert.ok(changes?.includes("x-filter: saw 200 text/plain"));
    assert.ok(changes?.includes("set-cookie: filter=1"));
    assert.ok(changes?.includes("-X-Secret"));
    assert.ok(!changes?.some((change) => /etag|length/i.test(change)));
  });

  it("answer with a status in place of the response", async () => {
    assert.equal((await ask("refused")).result?.code, 403);
  });

  it("break off with the reason when what they return is nothing of the kind", async () => {
    const answer = await ask("wrong");
    assert.equal(answer.abort?.error, WireError.APPLICATION);
    assert.equal(answer.logs[0]?.level, LogLevel.ERROR);
    assert.match(
      answer.logs[0]?.text ?? "",
      /wrong failed: TypeError: it returned Date: a filter returns nothing/,
    );
  });

  it("get no body where there can be none", async () => {
    const answer = await ask("brackets", { method: "HEAD" });
    assert.equal(answer.status, 200);
    assert.equal(answer.body.length, 0);
  });

  it("grant as much beyond what they have taken whenever they wait, and send first what they made", async () => {
    await channel.hello();
    const piece = Buffer.alloc(1000, "a");
    channel.request(options("upper", { body: [] }));
    let sent = 0;
    let granted = 0;
    for (let turn = 0; turn < 5; turn++) {
      channel.data(piece);
      sent += piece.length;
      let received = 0;
      const frames: string[] = [];
      while (granted < sent + WireNumber.FILTER_CREDIT_BYTES) {
        const frame = await channel.frame();
        assert.ok(frame !== undefined);
        frames.push(frameTypeNames[frame.type] ?? "");
        if (frame.type === FrameType.PULL) granted += decodePull(frame.payload, 0, 8);
        if (frame.type === FrameType.DATA) received += frame.payload.length;
      }
      assert.equal(granted, sent + WireNumber.FILTER_CREDIT_BYTES);
      assert.equal(received, piece.length, frames.join(" "));
    }
    channel.data(Buffer.alloc(0), 1);
    const end = await channel.frame();
    assert.ok(end?.ended === true || end?.type === FrameType.END);
  });

  it("give the same for all cuts of a body", async () => {
    const whole = Buffer.from(Array.from({ length: 30_000 }, (_, index) => 97 + (index % 26)));
    for (let seed = 1; seed <= 12; seed++) {
      const pieces: Buffer[] = [];
      for (let at = 0, next = seed; at < whole.length; ) {
        next = (next * 48271) % 2147483647;
        const size = 1 + (next % 5000);
        pieces.push(whole.subarray(at, at + size));
        at += size;
      }
      const answer = await ask("recut", {
        body: pieces,
        entries: [entry("RECORD", "args", `seed=${seed}`)],
      });
      assert.ok(answer.text === whole.toString().toUpperCase(), `seed ${seed}`);
    }
  });

  it("let go of what they make when the host goes", async () => {
    await channel.hello();
    channel.request(options("endless"));
    await channel.frameOf(FrameType.DATA);
    await channel.close();
    const other = worker.connect();
    for (;;) {
      const answer = await other.ask({ target: "/app/cancelled" });
      if (answer.text === "1") break;
    }
    await other.close();
  });

  it("filter bodies of requests, and say of what length they are when they know", async () => {
    const input: AskOptions = { phase: Phase.INPUT_FILTER };
    assert.equal((await ask("bracketsBody", input)).text, "[hello]");
    assert.equal((await ask("replacedBody", input)).headers["content-length"], "8");
    assert.equal((await ask("untouchedBody", input)).result?.code, 0);
    assert.equal((await ask("refusedBody", input)).result?.code, 422);
  });
});
