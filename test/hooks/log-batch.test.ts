// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import type { Entry } from "../../ts/wire/entries.ts";
import { encodeRequest, requestSize } from "../../ts/wire/message.ts";
import { errorNames, Fact, Phase, WireError } from "../../ts/wire/protocol.ts";
import type { Answer, HostChannel } from "../helpers/fake-host.ts";
import { startWorker, type WorkerProcess } from "../helpers/worker-process.ts";
import { entry } from "./entries.ts";

interface RecordOptions {
  readonly id: string;
  /** Unset: the request's state is to be forgotten. */
  readonly name?: string;
  readonly entries?: readonly Entry[];
}

function record({ id, name, entries = [] }: RecordOptions): Buffer {
  const facts: (string | undefined)[] = [];
  facts[Fact.REQUEST_ID] = id;
  facts[Fact.METHOD] = "GET";
  facts[Fact.EXPORT] = name;
  for (let code = 0; code < facts.length; code++) facts[code] ??= undefined;
  const fields = { facts, rawHeaders: ["Host", "example.org"], entries };
  const head = { phase: Phase.LOG_TRANSACTION, exchange: 0, bodyLength: 0, ...fields };
  const room = Buffer.alloc(requestSize(head));
  return room.subarray(0, encodeRequest(room, 0, head, true));
}

/** A record whose hook does something. */
function acting(id: string, args: string, more: readonly Entry[] = []): Buffer {
  return record({ id, name: "logTransaction", entries: [entry("RECORD", "args", args), ...more] });
}

describe("a batch of the log in a worker", () => {
  let worker: WorkerProcess;
  let channel: HostChannel;

  before(async () => {
    worker = await startWorker({ app: "log-batch.ts", exports: ["logTransaction", "fixups"] });
  });
  beforeEach(() => {
    channel = worker.connect();
  });
  afterEach(() => channel.close());
  after(() => worker.remove());

  function send(records: readonly Buffer[]): Promise<Answer> {
    return channel.ask({ phase: Phase.LOG_TRANSACTION, body: Buffer.concat(records) });
  }

  const lines = ({ logs }: Answer): string[] => logs.map(({ text }) => text);

  it("is acknowledged when its hooks have returned", async () => {
    const entries = [
      entry("RECORD", "status", "404"),
      entry("RECORD", "bytes_sent", "12"),
      entry("RECORD", "duration", "1500"),
    ];
    const answer = await send([acting("a1", "seen", entries), acting("a2", "later")]);
    assert.deepEqual(lines(answer), ["[#a1] GET 404 12 1.5"]);
    assert.equal(answer.result?.code, 0);
    assert.equal(answer.frames.at(-1), "RESULT");
  });

  it("runs no more than 32 hooks at once", async () => {
    const ids = Array.from({ length: 200 }, (_, number) => `b${number}`);
    await send(ids.map((id) => acting(id, "later")));
    assert.deepEqual(lines(await send([acting("b", "most")])), ["[#b] most 32"]);
  });

  it("may be larger than what a host sends unasked", async () => {
    const long = [entry("NOTES", "long", "x".repeat(30_000))];
    const records = Array.from({ length: 40 }, (_, number) => acting(`c${number}`, "ok", long));
    assert.equal((await send(records)).result?.code, 0);
  });

  it("goes on when a hook throws, now or later, and tells of which request", async () => {
    const answer = await send([
      acting("d1", "throw"),
      acting("d2", "reject"),
      acting("d3", "seen", [entry("RECORD", "status", "200")]),
    ]);
    const said = lines(answer);
    assert.equal(answer.result?.code, 0);
    assert.equal(said.filter((line) => line.startsWith("[#d3] GET 200")).length, 1);
    for (const [id, text] of [
      ["d1", "thrown at once"],
      ["d2", "thrown later"],
    ]) {
      const found = said.find((line) => line.includes(`[#${id}] the hook logTransaction failed`));
      assert.match(found ?? "", new RegExp(`Error: ${text}\n +at `));
    }
  });

  it("finds the state of earlier phases, until it is told to forget it", async () => {
    const facts = { [Fact.REQUEST_ID]: "e1" };
    const state = [entry("RECORD", "state", "1")];
    await channel.ask({ phase: Phase.FIXUPS, facts });
    const two = [acting("e1", "state", state), acting("e1", "state", state)];
    const kept = "[#e1] kept e1, lost false";
    assert.deepEqual(lines(await send([...two, record({ id: "e1" })])), [kept, kept]);
    const lost = "[#e1] kept undefined, lost true";
    assert.deepEqual(lines(await send(two.slice(0, 1))), [lost]);
    assert.deepEqual(lines(await send(two.slice(0, 1))), [lost]);
  });

  it("is refused whole when there is no such hook", async () => {
    const { abort } = await send([acting("f1", "ok"), record({ id: "f2", name: "absent" })]);
    assert.equal(abort?.error, WireError.APPLICATION);
    assert.match(abort?.text ?? "", /absent.*fixups, logTransaction/);
  });

  const damaged = new Map([
    ["another frame", Buffer.from("0300000000000000", "hex")],
    ["a frame that is cut off", acting("g", "ok").subarray(0, -1)],
    ["a record of another phase", damage(8, Phase.FIXUPS)],
    ["more facts than there are", damage(9, 200)],
  ]);
  for (const [what, bytes] of damaged) {
    it(`is refused when it holds ${what}`, async () => {
      const { abort } = await send([bytes]);
      assert.ok((abort?.error ?? 99) < 32, errorNames[abort?.error ?? 0]);
    });
  }
});

/** A record with one byte of another value. */
function damage(at: number, value: number): Buffer {
  const bytes = Buffer.from(acting("g", "ok"));
  bytes[at] = value;
  return bytes;
}
