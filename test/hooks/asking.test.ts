// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { Ask } from "../../ts/wire/hook-message.ts";
import { AskKind, EntryTable, FrameType, Phase, WireError } from "../../ts/wire/protocol.ts";
import { decodeAbort } from "../../ts/wire/signal.ts";
import type { Answer, AskOptions, HostChannel, HostReply } from "../helpers/fake-host.ts";
import { startWorker, type WorkerProcess } from "../helpers/worker-process.ts";
import { entry, utf8 } from "./entries.ts";

const MIB = 1_048_576;

describe("questions of hooks", () => {
  let worker: WorkerProcess;
  let channel: HostChannel;

  before(async () => {
    worker = await startWorker({ app: "hooks.ts", exports: ["accessChecker"] });
  });

  after(() => worker.remove());

  beforeEach(() => {
    channel = worker.connect();
  });

  afterEach(() => channel.close());

  /** Runs an action, with the host answering its questions. */
  function run(
    action: string,
    onAsk: (ask: Ask) => HostReply,
    options: AskOptions = {},
  ): Promise<Answer> {
    const entries = [entry("OPTIONS", "do", action), ...(options.entries ?? [])];
    return channel.ask({ phase: Phase.ACCESS_CHECKER, ...options, entries, onAsk });
  }

  function lines({ logs }: Answer): string[] {
    return logs.map(({ text }) => text);
  }

  /** A body in pieces. */
  function* bytes(size: number): Generator<Buffer> {
    for (let left = size; left > 0; left -= 65_536) yield Buffer.alloc(Math.min(left, 65_536), "x");
  }

  describe("for variables", () => {
    it("are answered in order, several at once", async () => {
      const answer = await run("variables", ({ text }) => ({ text: `<${text}>` }));
      assert.deepEqual(
        answer.asks.map(({ kind, text }) => [kind, text]),
        [
          [AskKind.VARIABLE, "%{A}"],
          [AskKind.VARIABLE, utf8("%{\u00fc}")],
        ],
      );
      assert.deepEqual(lines(answer), ["<%{A}>,<%{\u00fc}>"]);
      assert.equal(answer.result?.code, 0);
    });

    it("are not sent when the host has told the value already", async () => {
      const entries = [entry("VARIABLES", "%{A}", utf8("\u2713"))];
      const answer = await run("variable", () => ({}), { entries });
      assert.deepEqual(lines(answer), ["\u2713"]);
      assert.deepEqual(answer.asks, []);
    });

    it("are sent behind the changes that they may depend on, whatever was told before", async () => {
      const entries = [entry("VARIABLES", "%{A}", "old")];
      const answer = await run("variableAfterChange", () => ({ text: "new" }), { entries });
      assert.deepEqual(answer.frames.slice(0, 2), ["FIELDS", "ASK"]);
      assert.equal(answer.fields[0]?.table, EntryTable.NOTES);
      assert.deepEqual(lines(answer), ["new"]);
      assert.deepEqual(answer.result?.entries, []);
    });

    it("reject with the host's words when there is no answer", async () => {
      const answer = await run("variable", () => ({ status: 0, text: "cannot be parsed" }));
      assert.deepEqual(lines(answer), ["variable %{A}: cannot be parsed"]);
    });

    it("are answered before the result of a hook that does not wait for them", async () => {
      const answer = await run("unawaited", () => ({ text: "late" }));
      assert.deepEqual(answer.frames.slice(0, 1), ["ASK"]);
      assert.equal(answer.frames.at(-1), "RESULT");
    });
  });

  describe("for subrequests", () => {
    it("give status, headers and body as a Response", async () => {
      const answer = await run("subrequest", () => ({
        status: 404,
        rawHeaders: ["Set-Cookie", "a=1", "Set-Cookie", "b=2"],
        body: Buffer.from("not there"),
      }));
      assert.deepEqual(answer.asks, [
        { kind: AskKind.SUBREQUEST, text: utf8("POST /sub?\u00fc"), rawHeaders: ["x-a", "1"] },
      ]);
      assert.deepEqual(lines(answer), ["404 a=1,b=2 not there"]);
    });

    it("may have no body", async () => {
      const answer = await run("subrequest", () => ({ status: 204 }));
      assert.deepEqual(lines(answer), ["204  "]);
    });

    it("pull a long body by credit", async () => {
      const answer = await run("passOn", () => ({ body: bytes(5 * MIB) }));
      assert.equal(answer.body.length, 5 * MIB);
      assert.ok(answer.frames.filter((name) => name === "PULL").length >= 20);
    });

    it("wait for one another, and read ahead", async () => {
      const sizes = [700_000, 300];
      const answer = await run("twoSubrequests", () => ({ body: bytes(sizes.shift() ?? 0) }));
      assert.deepEqual(lines(answer), ["700000,300"]);
    });

    it("may be asked beside when the body fits into what is read ahead", async () => {
      const answer = await run("subrequestAndVariable", ({ kind }) => {
        return kind === AskKind.VARIABLE ? { text: "v" } : { body: bytes(MIB - 1) };
      });
      assert.deepEqual(lines(answer), [`v ${MIB - 1}`]);
    });

    it("refuse another question while a body is open that is longer", async () => {
      const answer = await run("subrequestAndVariable", () => ({ body: bytes(2 * MIB) }));
      assert.match(lines(answer)[0] ?? "", /^read the body of the first subrequest .* 2097152$/);
    });

    it("end with the hook when nobody reads them, and the channel goes on", async () => {
      const answer = await run("unread", () => ({ body: bytes(100) }));
      assert.equal(answer.result?.code, 403);
      assert.equal((await run("ok", () => ({}))).result?.code, 0);
    });

    it("are drained when they are cancelled, before the next question", async () => {
      const answer = await run("cancelled", ({ kind }) => {
        return kind === AskKind.VARIABLE ? { text: "next" } : { body: bytes(3 * MIB) };
      });
      assert.deepEqual(lines(answer), ["next"]);
    });

    it("are refused for what is no path and no method, and by the host", async () => {
      const answer = await run("badSubrequest", () => ({ status: 0, text: "too deep" }));
      assert.equal(answer.asks.length, 1);
      assert.equal(
        lines(answer)[0],
        'TypeError: a URI here is a path that begins with a slash, not "no-slash"; ' +
          "TypeError: A B is no method; Error: subrequest /refused: too deep",
      );
    });
  });

  describe("that a host answers wrongly", () => {
    /** Begins a hook and waits for its question. */
    async function begin(action: string): Promise<void> {
      await channel.hello();
      const entries = [entry("OPTIONS", "do", action)];
      channel.request({ phase: Phase.ACCESS_CHECKER, entries });
      await channel.frameOf(FrameType.ASK);
    }

    /** The error that the worker ends the channel with. */
    async function refusal(): Promise<number> {
      const { payload } = await channel.frameOf(FrameType.ABORT);
      await channel.closed();
      return decodeAbort(payload, 0, payload.length).error;
    }

    it("end the channel when one reply too many comes", async () => {
      await begin("subrequest");
      channel.answer({}, false);
      channel.answer({}, true);
      assert.equal(await refusal(), WireError.OUT_OF_ORDER);
    });

    it("end the channel when a second body begins in the first", async () => {
      await begin("subrequest");
      channel.answer({}, false);
      channel.answer({}, false);
      assert.equal(await refusal(), WireError.OUT_OF_ORDER);
    });

    it("end the channel when a reply comes before a question", async () => {
      await channel.hello();
      channel.request({ phase: Phase.ACCESS_CHECKER, entries: [entry("OPTIONS", "do", "hang")] });
      channel.answer({}, true);
      assert.equal(await refusal(), WireError.OUT_OF_ORDER);
    });

    it("end the channel when more body comes than was asked for", async () => {
      await begin("holdBody");
      channel.answer({}, false);
      channel.data(Buffer.alloc(70_000));
      assert.equal(await refusal(), WireError.OVER_CREDIT);
    });

    it("end the channel when the body has another length than its end says", async () => {
      await begin("subrequest");
      channel.answer({}, false);
      channel.end(1);
      assert.equal(await refusal(), WireError.BAD_LENGTH);
    });

    it("reject when the host breaks off, and the worker goes on", async () => {
      await begin("variable");
      channel.abort(WireError.TIMED_OUT, "the patience of the host has ended");
      await channel.closed();
      channel = worker.connect();
      assert.equal((await run("ok", () => ({}))).result?.code, 0);
    });

    it("break a body off that is being read", async () => {
      await begin("subrequest");
      channel.answer({}, false);
      channel.data(Buffer.from("half"));
      channel.abort(WireError.TRUNCATED, "the subrequest broke off");
      await channel.closed();
      channel = worker.connect();
      assert.equal((await run("ok", () => ({}))).result?.code, 0);
    });
  });
});
