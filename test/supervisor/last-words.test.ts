// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import {
  type EndedWorker,
  isFatal,
  isOutOfMemory,
  reportEnd,
  UNKNOWN_END,
} from "../../ts/supervisor/last-words.ts";

const crashed: EndedWorker = {
  cause: "exited with code 3",
  circumstances: "0 exchanges in flight, after 1.0 s",
  expected: false,
  left: false,
  wasReady: true,
  outOfMemory: false,
  memoryHard: 0,
  lastWords: ": its last line",
};
const exitedWell: EndedWorker = { ...crashed, cause: "exited with code 0" };

describe("ts/supervisor/last-words.ts", () => {
  for (const line of [
    "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory",
    "FATAL ERROR: Ineffective mark-compacts near heap limit Allocation failed - JavaScript heap out of memory",
    "FATAL ERROR: v8::ArrayBuffer::New Allocation failed - process out of memory",
    "# Fatal JavaScript invalid size error 169220804",
    "# Fatal process out of memory: Zone",
  ]) {
    it(`tells that V8 had no memory left: ${line}`, () => {
      assert.ok(isFatal(line) && isOutOfMemory(line));
    });
  }

  it("tells another end of V8's from that", () => {
    const line = "FATAL ERROR: v8::ToLocalChecked Empty MaybeLocal";
    assert.ok(isFatal(line) && !isOutOfMemory(line));
  });

  it("takes no line of an application for one", () => {
    assert.ok(!isFatal("Error: FATAL ERROR: out of memory"));
    assert.ok(!isFatal("----- Native stack trace -----"));
  });

  for (const [what, worker, tag] of [
    ["that crashed", crashed, "TN0216"],
    ["that crashed as it drained by itself", { ...crashed, left: true }, "TN0216"],
    ["that exited unasked", exitedWell, "TN0216"],
    ["that was never ready", { ...crashed, wasReady: false }, "TN0214"],
    ["that had no memory left", { ...crashed, outOfMemory: true }, "TN0254"],
  ] as const) {
    it(`reports a worker ${what} as a failure, with its last line`, () => {
      const report = reportEnd(worker);
      assert.deepEqual([report.level, report.tag, report.failed], ["error", tag, true]);
      assert.ok(report.text.endsWith(`${worker.cause}, ${worker.circumstances}: its last line`));
    });
  }

  for (const [what, worker] of [
    ["was asked to", { ...crashed, expected: true }],
    ["drained by itself", { ...exitedWell, left: true }],
    ["drained by itself, as far as is known", { ...crashed, left: true, cause: UNKNOWN_END }],
  ] as const) {
    it(`reports no failure of a worker that ended because it ${what}`, () => {
      const { cause, circumstances } = worker;
      const text = `${cause}, ${circumstances}`;
      assert.deepEqual(reportEnd(worker), { level: "info", tag: "TN0217", text, failed: false });
    });
  }

  it("names the limit of a worker that had no memory left", () => {
    const limited = { ...crashed, outOfMemory: true, memoryHard: 1024 * 1024 };
    assert.match(reportEnd(limited).text, /its limit is \d+ MiB \(TenonMemory\): exited/);
    assert.match(reportEnd({ ...limited, memoryHard: 0 }).text, /its limit is V8's own: exited/);
  });
});
