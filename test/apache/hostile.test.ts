// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { encodeFrameHeader } from "../../ts/wire/frame.ts";
import { FrameType, WireNumber } from "../../ts/wire/protocol.ts";
import { ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { linksOf } from "../helpers/processes.ts";

const application = join(root, "test", "applications", "garbage.ts");

/** A single channel is used, and spoiled, at a time. */
const oneChild =
  "ServerLimit 1\nStartServers 1\nMinSpareThreads 1\nThreadsPerChild 8\nMaxRequestWorkers 8\n";

function frame(type: number, flags: number, payload: string, length = payload.length / 2): string {
  const header = Buffer.alloc(WireNumber.FRAME_HEADER_BYTES);
  encodeFrameHeader(header, 0, type as FrameType, flags, length);
  return header.toString("hex") + payload;
}

const head200 = frame(FrameType.RESPONSE, 0, "00c800000000");
/** 200 with Content-Length: 3. */
const head200of3 = frame(FrameType.RESPONSE, 0, "00c8000100000e0000000133");

/** ASK. @param head its first four bytes: kind, zero, number of headers */
function question(text: string, head = "01000000"): string {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(text.length);
  const payload = head + length.toString("hex") + Buffer.from(text, "latin1").toString("hex");
  return frame(FrameType.ASK, 0, payload);
}

/** What a worker sends in place of an answer, and how the log names it. */
const garbage: readonly (readonly [name: string, hex: string, error: string])[] = [
  ["a frame type that does not exist", "7f00000000000000", "UNKNOWN_FRAME"],
  ["a flag that does not exist", "0580000000000000", "BAD_FLAGS"],
  ["reserved bytes that are set", "0500000100000000", "BAD_FLAGS"],
  ["a RESPONSE longer than any may be", "05000000ffffffff", "TOO_LONG"],
  ["DATA longer than any may be", "0300000000100001", "TOO_LONG"],
  ["DATA before the head", frame(FrameType.DATA, 0, "616263"), "OUT_OF_ORDER"],
  ["a frame that only hosts send", `02010000${"00000010"}${"00".repeat(16)}`, "OUT_OF_ORDER"],
  ["a second HELLO", frame(FrameType.HELLO, 0, "00".repeat(32)), "OUT_OF_ORDER"],
  ["a status below 100", frame(FrameType.RESPONSE, 1, "000100000000"), "BAD_PAYLOAD"],
  ["fewer headers than counted", frame(FrameType.RESPONSE, 1, "00c800050000"), "BAD_PAYLOAD"],
  ["bytes behind the last header", frame(FrameType.RESPONSE, 1, "00c800000000ff"), "BAD_PAYLOAD"],
  [
    "a header with a line break",
    frame(FrameType.RESPONSE, 1, "00c800010000000001410000000361 0d0a".replaceAll(" ", "")),
    "BAD_FIELD",
  ],
  [
    "an END of another length",
    head200 + frame(FrameType.END, 0, "00000000000000090000"),
    "BAD_LENGTH",
  ],
  ["more body than declared", head200of3 + frame(FrameType.DATA, 0, "61626364"), "BAD_LENGTH"],
  ["a question of no kind", question("text", "00000000"), "BAD_PAYLOAD"],
  ["a question with a byte set that is none", question("text", "01010000"), "BAD_PAYLOAD"],
  ["a question with fewer headers than counted", question("text", "01000001"), "BAD_PAYLOAD"],
  ["a question with NUL in it", question("te\0xt"), "BAD_FIELD"],
  ["a question in the middle of its answer", head200 + question("text"), "OUT_OF_ORDER"],
  ["an answer to itself", frame(FrameType.REPLY, 1, "00c8000000000000"), "OUT_OF_ORDER"],
  ["a PULL of nothing", frame(FrameType.PULL, 0, "0000000000000000"), "BAD_PAYLOAD"],
];

function file(offset: number, length: number, flags = 1): string {
  const payload = Buffer.alloc(16);
  payload.writeBigUInt64BE(BigInt(offset), 0);
  payload.writeBigUInt64BE(BigInt(length), 8);
  return frame(FrameType.FILE, flags, payload.toString("hex"));
}

/** What a worker sends with descriptors, and how the log names it. The file has 1000 bytes. */
const descriptors: readonly (readonly [
  name: string,
  hex: string,
  kinds: readonly string[],
  error: string,
])[] = [
  ["a FILE without a descriptor", head200 + file(0, 10), [], "BAD_FILE"],
  ["a FILE with two descriptors", head200 + file(0, 10), ["file", "file"], "BAD_FILE"],
  ["a FILE with nine", head200 + file(0, 10), Array(9).fill("file"), "BAD_FILE"],
  ["two FILEs and one descriptor", head200 + file(0, 10, 0) + file(0, 10), ["file"], "BAD_FILE"],
  [
    "a descriptor without FILE",
    `${head200}${frame(FrameType.DATA, 1, "61")}`,
    ["file"],
    "BAD_FILE",
  ],
  ["a FILE before the head", file(0, 10), ["file"], "OUT_OF_ORDER"],
  ["a FILE of nothing", head200 + file(0, 0), ["file"], "BAD_PAYLOAD"],
  ["a FILE longer than declared", head200of3 + file(0, 10), ["file"], "BAD_LENGTH"],
  ["a directory", head200 + file(0, 10), ["directory"], "BAD_FILE"],
  ["a pipe", head200 + file(0, 10), ["pipe"], "BAD_FILE"],
  ["a socket", head200 + file(0, 10), ["socket"], "BAD_FILE"],
  ["/dev/zero", head200 + file(0, 10), ["zero"], "BAD_FILE"],
  ["a file that is open for writing only", head200 + file(0, 10), ["writable"], "BAD_FILE"],
];

describe("a hostile worker behind httpd", () => {
  let httpd: TestHttpd;

  let folder: string;
  let path: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-hostile-"));
    chmodSync(folder, 0o755);
    path = join(folder, "file");
    writeFileSync(path, Buffer.alloc(1000, "x"));
    chmodSync(path, 0o666);
    writeFileSync(join(folder, "secret"), Buffer.alloc(1000, "s"), { mode: 0o600 });
    httpd = await startHttpd({
      mpm: "worker",
      text: () => oneChild + pool("hostile", "TenonProcesses 1 1", application),
    });
    httpd.expectLog("TN0008", "TN0009", "TN0216");
  });
  after(async () => {
    await httpd.stop();
    rmSync(folder, { recursive: true });
  });

  async function assertRefused(
    hex: string,
    kinds: readonly string[],
    line: RegExp,
    of: string = path,
  ): Promise<void> {
    const mark = httpd.log().mark();
    const query = new URLSearchParams([
      ["hex", hex],
      ["path", of],
    ]);
    for (const kind of kinds) query.append("with", kind);
    const answer = await ask(`${httpd.url}/hostile?${query}`);
    assert.equal(answer.status, 502);
    await httpd.waitForLog(line, { since: mark });
    assert.equal((await ask(`${httpd.url}/hostile`)).text, "well behaved\n");
    const left = httpd.processes().children.flatMap(linksOf);
    assert.deepEqual(
      left.filter((name) => name.startsWith(folder)),
      [],
    );
  }

  for (const [name, hex, kinds, error] of descriptors) {
    it(`answers 502 to ${name} and names it ${error}`, () =>
      assertRefused(hex, kinds, new RegExp(`TN0008: \\[hostile 0 #.*\\(${error}\\)`)));
  }

  it("answers 502 to a FILE beyond the end of its file", async () => {
    httpd.expectLog("TN0040");
    await assertRefused(
      head200 + file(500, 501),
      ["file"],
      /TN0040: \[hostile 0 #.*1001 bytes.*1000/,
    );
  });

  it("sends nothing that the worker could name but not read", () =>
    assertRefused(head200 + file(0, 10), ["named"], /\(BAD_FILE\)/, join(folder, "secret")));

  for (const [name, hex, error] of garbage) {
    it(`answers 502 to ${name} and names it ${error}`, async () => {
      const mark = httpd.log().mark();
      const answer = await ask(`${httpd.url}/hostile?hex=${hex}`);
      assert.equal(answer.status, 502);
      await httpd.waitForLog(new RegExp(`TN0008: \\[hostile 0 #.*\\(${error}\\)`), { since: mark });
      const next = await ask(`${httpd.url}/hostile`);
      assert.equal(next.text, "well behaved\n");
    });
  }

  it("answers a flood of questions that nobody reads, and ends with the worker", async () => {
    httpd.expectLog("TN0006", "TN0302");
    const flood = question("%{REQUEST_URI}").repeat(100) + question("GET /hostile", "02000000");
    for (let i = 0; i < 3; i++) {
      const answer = await ask(`${httpd.url}/hostile?hex=${flood}`);
      assert.equal(answer.status, 502);
    }
    assert.equal((await ask(`${httpd.url}/hostile`)).text, "well behaved\n");
  });

  it("answers 502 to a frame that is cut off by the worker's end", async () => {
    const answer = await ask(`${httpd.url}/hostile?exit&hex=05000000`, { method: "POST" });
    assert.equal(answer.status, 502);
    await httpd.waitForLog(/TN0009: \[hostile 0 #/);
    assert.equal((await ask(`${httpd.url}/hostile`)).status, 200);
  });

  it("keeps serving with the same httpd children", async () => {
    const { children } = httpd.processes();
    assert.ok(children.length > 0);
    assert.equal((await ask(`${httpd.url}/hostile`)).status, 200);
    assert.deepEqual(httpd.processes().children, children);
  });
});
