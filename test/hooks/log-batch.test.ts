// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { Entry } from "../../ts/wire/entries.ts";
import { encodeFrameHeader } from "../../ts/wire/frame.ts";
import { encodeRequest } from "../../ts/wire/message.ts";
import {
  Fact,
  Flag,
  FrameType,
  factNames,
  LogLevel,
  Phase,
  WireError,
} from "../../ts/wire/protocol.ts";
import { decodeAbort } from "../../ts/wire/signal.ts";
import type { Answer, HostChannel } from "../helpers/fake-host.ts";
import { startWorker, type WorkerProcess } from "../helpers/worker-process.ts";
import { entry } from "./entries.ts";

const phase = Phase.LOG_TRANSACTION;

interface RecordOptions {
  readonly id: string;
  /** null: forget the state of the request. */
  readonly name?: string | null;
  readonly entries?: readonly Entry[];
  readonly phase?: Phase;
}

/** A record as a host puts it into a batch. */
function record(options: RecordOptions): Buffer {
  const facts: (string | undefined)[] = factNames.map(() => undefined);
  facts[Fact.REQUEST_ID] = options.id;
  if (options.name !== null) facts[Fact.EXPORT] = options.name ?? "logTransaction";
  const buffer = Buffer.alloc(65_536);
  const end = encodeRequest(
    buffer,
    0,
    {
      phase: options.phase ?? phase,
      exchange: 0,
      bodyLength: 0,
      facts,
      rawHeaders: ["Host", "a"],
      entries: options.entries ?? [],
    },
    true,
  );
  return buffer.subarray(0, end);
}

describe("batches of the log phase", () => {
  let worker: WorkerProcess;
  let channel: HostChannel;

  before(async () => {
    worker = await startWorker({ app: "hooks.ts", exports: ["logTransaction"] });
  });

  after(() => worker.remove());

  beforeEach(() => {
    channel = worker.connect();
  });

  afterEach(() => channel.close());

  function send(records: readonly Buffer[], pieces = records): Promise<Answer> {
    return channel.ask({ phase, body: [...pieces], bodyLength: Buffer.concat(records).length });
  }

  /** The lines that the hook has written since `from`, once there are so many. */
  async function logged(count: number, from = 0): Promise<string[]> {
    const lines = (): string[] => worker.stdout.slice(from).split("\n").slice(0, -1);
    await worker.until(() => lines().length >= count, `${count} lines`);
    return lines();
  }

  it("call the hook for each record, and are acknowledged once all are done", async () => {
    const entries = [entry("RECORD", "status", "200"), entry("RECORD", "duration", "1500")];
    const records = ["a", "b", "c"].map((id) => record({ id, entries }));
    const answer = await send(records);
    assert.equal(answer.result?.code, 0);
    assert.deepEqual(await logged(3), [
      "logged a 200 1.5 {}",
      "logged b 200 1.5 {}",
      "logged c 200 1.5 {}",
    ]);
  });

  it("may come in any pieces", async () => {
    const from = worker.stdout.length;
    const records = ["d", "e"].map((id) => record({ id }));
    const pieces = Array.from(Buffer.concat(records), (byte) => Buffer.of(byte));
    assert.equal((await send(records, pieces)).result?.code, 0);
    assert.equal((await logged(2, from)).length, 2);
  });

  it("may be long", async () => {
    const from = worker.stdout.length;
    const entries = [entry("NOTES", "long", "x".repeat(1000))];
    const records = Array.from({ length: 2000 }, (_, at) => record({ id: `n${at}`, entries }));
    assert.equal((await send(records)).result?.code, 0);
    assert.equal((await logged(2000, from)).length, 2000);
  });

  it("of nothing are acknowledged", async () => {
    assert.equal((await channel.ask({ phase })).result?.code, 0);
    assert.equal((await send([])).result?.code, 0);
  });

  it("give the hook the state of the request, until they say that it is to be forgotten", async () => {
    const facts = { [Fact.REQUEST_ID]: "s1" };
    const entries = [entry("OPTIONS", "do", "state")];
    await channel.ask({ phase: Phase.FIXUPS, facts, entries });
    const from = worker.stdout.length;
    await send([record({ id: "s1" })]);
    await send([record({ id: "s1" }), record({ id: "s1", name: null }), record({ id: "s1" })]);
    await send([record({ id: "s1" })]);
    const seen = 'logged s1 undefined undefined {"seen":1}';
    const none = "logged s1 undefined undefined {}";
    assert.deepEqual(await logged(4, from), [seen, seen, seen, none]);
    const lost = [entry("OPTIONS", "do", "lost"), entry("RECORD", "state", "1")];
    const answer = await channel.ask({ phase: Phase.FIXUPS, facts, entries: lost });
    assert.equal(answer.logs[0]?.text, "lost true, 0 fields");
  });

  it("go on when a hook fails for one of them: the log tells whose", async () => {
    const from = worker.stdout.length;
    const entries = [entry("OPTIONS", "do", "throw")];
    const answer = await send([record({ id: "f1", entries }), record({ id: "f2" })]);
    assert.equal(answer.result?.code, 0);
    assert.equal(answer.logs[0]?.level, LogLevel.ERROR);
    assert.match(
      answer.logs[0]?.text ?? "",
      /^\[#f1\] the hook logTransaction failed: Error: the log is full\n/,
    );
    assert.equal((await logged(1, from)).length, 1);
  });

  it("can neither be changed nor asked about", async () => {
    const entries = [entry("OPTIONS", "do", "change")];
    const { logs } = await send([record({ id: "c1", entries })]);
    assert.deepEqual(
      logs.map(({ text }) => text),
      ["[#c1] TENON_ERR_HOOK_OVER,TENON_ERR_HOOK_OVER"],
    );
  });

  const refused: readonly (readonly [string, () => Buffer, number, RegExp])[] = [
    [
      "names a hook that there is not",
      () => record({ id: "x", name: "missing" }),
      WireError.APPLICATION,
      /exports no function missing for the phase log_transaction/,
    ],
    [
      "has a record of another phase",
      () => record({ id: "x", phase: Phase.FIXUPS }),
      WireError.BAD_PAYLOAD,
      /a record of the phase 14/,
    ],
    [
      "has another frame",
      () => {
        const frame = Buffer.alloc(16);
        encodeFrameHeader(frame, 0, FrameType.PULL, 0, 8);
        return frame;
      },
      WireError.BAD_PAYLOAD,
      /PULL/,
    ],
    [
      "ends in the middle of a record",
      () => record({ id: "x" }).subarray(0, -1),
      WireError.TRUNCATED,
      /a batch of the log/,
    ],
    [
      "is no sequence of frames",
      () => Buffer.alloc(100, 0x77),
      WireError.UNKNOWN_FRAME,
      /type 119/,
    ],
  ];
  for (const [what, bytes, error, text] of refused) {
    it(`are refused whole when one ${what}`, async () => {
      const batch = bytes();
      await channel.hello();
      channel.request({ phase, body: [], bodyLength: batch.length });
      channel.data(batch, Flag.END);
      const { payload } = await channel.frameOf(FrameType.ABORT);
      const abort = decodeAbort(payload, 0, payload.length);
      assert.equal(abort.error, error);
      assert.match(abort.text, text);
      await channel.closed();
    });
  }
});

describe("a long batch of the log phase", () => {
  it("runs no more than 32 hooks at once", async () => {
    const worker = await startWorker({ app: "log-batch.ts", exports: ["logTransaction"] });
    try {
      const channel = worker.connect();
      const long = Array.from({ length: 200 }, (_, number) => record({ id: `r${number}` }));
      await channel.ask({ phase, body: long, bodyLength: Buffer.concat(long).length });
      const last = record({ id: "last", entries: [entry("RECORD", "args", "most")] });
      const { logs } = await channel.ask({ phase, body: last });
      assert.deepEqual(
        logs.map(({ text }) => text),
        ["[#last] most 32"],
      );
      await channel.close();
    } finally {
      await worker.remove();
    }
  });
});
