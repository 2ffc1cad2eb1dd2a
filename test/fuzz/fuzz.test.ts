// SPDX-License-Identifier: Apache-2.0
// Builds the libFuzzer targets and lets each run for a few seconds, from a corpus made of the vectors.
// TENON_FUZZ_SECONDS lets them run longer.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeRequest, requestSize } from "../../ts/wire/message.ts";
import {
  EntryOperation,
  EntryTable,
  Fact,
  Phase,
  ScoreboardSlot,
  WorkerState,
} from "../../ts/wire/protocol.ts";
import { Scoreboard, scoreboardSize } from "../../ts/wire/scoreboard.ts";
import { compile, root, warnings, wireFiles } from "../wire/build-c.ts";
import { vectors } from "../wire/vectors.ts";

const seconds = Number(process.env["TENON_FUZZ_SECONDS"] ?? 5);

interface Target {
  readonly name: string;
  readonly sources: readonly string[];
  readonly maxLength: number;
  corpus(): readonly Uint8Array[];
}

function boards(): Uint8Array[] {
  return [0, 1, 2].map((slots) => {
    const memory = new ArrayBuffer(scoreboardSize(slots));
    const board = Scoreboard.format(memory, slots);
    for (let slot = 0; slot < slots; slot++) {
      board.setSlot(slot, ScoreboardSlot.STATE, WorkerState.READY);
      board.setSlot(slot, ScoreboardSlot.CAPACITY, 4);
    }
    return Buffer.concat([Buffer.alloc(20), new Uint8Array(memory)]);
  });
}

/** A segment of two records as apache/records/spool_format.h has it. */
function spool(): Buffer {
  const facts: (string | undefined)[] = [];
  facts[Fact.REQUEST_ID] = "id";
  facts[Fact.METHOD] = "GET";
  const rawHeaders = ["Host", "localhost", "X-A", "b"];
  const named = { facts, rawHeaders, entries: [] };
  const head = { phase: Phase.LOG_TRANSACTION, exchange: 0, bodyLength: 0, ...named };
  const room = Buffer.alloc(requestSize(head));
  const frame = room.subarray(0, encodeRequest(room, 0, head, true));
  const envelope = Buffer.from("TNRC\xff\xff............", "latin1").fill(0, 6);
  envelope.writeUInt32BE(frame.length, 12);
  const records = Buffer.concat([envelope, frame, envelope, frame]);
  const header = Buffer.alloc(64);
  header.writeBigUInt64LE(0x544e_5350_4f4f_4c31n, 0);
  header.writeBigUInt64LE(BigInt(header.length + records.length), 8);
  header.writeBigUInt64LE(BigInt(header.length), 16);
  return Buffer.concat([header, records]);
}

const targets: readonly Target[] = [
  {
    name: "codec",
    sources: ["test/fuzz/codec.c", "test/wire/describe.c"],
    maxLength: 4096,
    corpus: () => vectors.map((vector) => Buffer.from(`03${vector.hex}`, "hex")),
  },
  {
    name: "scoreboard",
    sources: ["test/fuzz/scoreboard.c"],
    maxLength: 20 + scoreboardSize(3),
    corpus: boards,
  },
  {
    name: "mount",
    sources: ["test/fuzz/mount.c", "apache/config/mount.c"],
    maxLength: 256,
    corpus: () =>
      ["/blog\n/%62log//./a?b", "/a/b\nhttp://host/a/b", "/blog\n/blogger"].map((text) =>
        Buffer.from(text),
      ),
  },
  {
    name: "spool",
    sources: ["test/fuzz/spool.c", "apache/records/spool_format.c"],
    maxLength: 4096,
    corpus: () => [spool(), spool().subarray(64)],
  },
  {
    name: "permit",
    sources: ["test/fuzz/permit.c", "apache/phases/permit.c"],
    maxLength: 512,
    corpus: () =>
      Object.values(EntryTable).flatMap((table) =>
        ["user", "uri", "status", "redirect", "filename", "Content-Length"].map((name) => {
          const value = name === "status" ? "200" : "/a";
          const how = EntryOperation.SET | table;
          const lengths = [Phase.ACCESS_CHECKER, how, 0, name.length];
          return Buffer.from([
            ...lengths,
            ...Buffer.from(name),
            0,
            0,
            0,
            value.length,
            ...Buffer.from(value),
          ]);
        }),
      ),
  },
  {
    name: "kept",
    sources: [
      "test/fuzz/kept.c",
      "apache/decisions/kept.c",
      "apache/decisions/sealed.c",
      "apache/decisions/sha256.c",
    ],
    maxLength: 512,
    corpus: () => [
      // RECORD user = "eve", and a header that is unset; 403 for a while.
      Buffer.from(
        "0101930000019300000000000001940000000048010000000475736572000000000365766500" +
          "8100000000085075726c616e6400",
        "hex",
      ),
      Buffer.from("01000000000000000000000000000000000000", "hex"),
    ],
  },
];

function build(target: Target, folder: string): string {
  const program = join(folder, target.name);
  compile("clang", [
    "-std=c11",
    ...warnings,
    "-O1",
    "-g",
    "-fsanitize=fuzzer,address,undefined",
    "-fno-sanitize-recover=all",
    ...["native", "native/wire", "apache"].map((folder) => `-I${root}${folder}`),
    ...target.sources.map((source) => `${root}${source}`),
    ...wireFiles(".c"),
    "-o",
    program,
  ]);
  return program;
}

/** Runs a fuzzer to its end; rejects with its report when it found something. */
async function run(program: string, args: readonly string[], folder: string): Promise<void> {
  const child = spawn(program, args, { cwd: folder, stdio: ["ignore", "ignore", "pipe"] });
  let report = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    report = (report + text).slice(-8000);
  });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`the fuzzer ended with ${code}:\n${report}`);
}

describe("test/fuzz", () => {
  for (const target of targets) {
    it(`${target.name} stands ${seconds} seconds of libFuzzer`, async () => {
      const folder = mkdtempSync(join(tmpdir(), "tenon-fuzz-"));
      try {
        const corpus = join(folder, "corpus");
        mkdirSync(corpus);
        target.corpus().forEach((bytes, index) => {
          writeFileSync(join(corpus, String(index)), bytes);
        });
        const limits = [`-max_total_time=${seconds}`, `-max_len=${target.maxLength}`];
        const program = build(target, folder);
        await run(program, [...limits, "-timeout=10", "-rss_limit_mb=1024", corpus], folder);
      } finally {
        rmSync(folder, { recursive: true });
      }
    }).timeout((seconds + 60) * 1000);
  }
});
