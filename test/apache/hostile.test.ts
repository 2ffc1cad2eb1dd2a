// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { encodeFrameHeader } from "../../ts/wire/frame.ts";
import { FrameType, WireNumber } from "../../ts/wire/protocol.ts";
import { ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

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
  ["a PULL of nothing", frame(FrameType.PULL, 0, "0000000000000000"), "BAD_PAYLOAD"],
];

describe("a hostile worker behind httpd", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({
      mpm: "worker",
      text: () => oneChild + pool("hostile", "TenonProcesses 1 1", application),
    });
    httpd.expectLog("TN0008", "TN0009", "TN0216");
  });
  after(() => httpd.stop());

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
