// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import fc from "fast-check";
import { LineSplitter, LONGEST_LINE_BYTES } from "../../ts/supervisor/output.ts";

function split(...chunks: readonly (string | Buffer)[]): string[] {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of chunks) splitter.push(Buffer.from(chunk as string));
  splitter.end();
  return lines;
}

describe("supervisor/output", () => {
  it("passes on each line once, however it is cut into chunks", () => {
    const text = fc.string({ unit: "binary" }).map((line) => line.replace(/[\r\n]/g, ""));
    const sizes = fc.infiniteStream(fc.integer({ min: 1, max: 9 }));
    fc.assert(
      fc.property(fc.array(text, { minLength: 1, maxLength: 8 }), sizes, (lines, cuts) => {
        const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; ) {
          const size = cuts.next().value as number;
          chunks.push(bytes.subarray(at, at + size));
          at += size;
        }
        const expected = lines.map((line) => Buffer.from(line).toString("utf8"));
        assert.deepEqual(split(...chunks), expected);
      }),
    );
  });

  it("drops a carriage return at the end of a line", () => {
    assert.deepEqual(split("one\r\ntwo\r", "\n"), ["one", "two"]);
  });

  it("passes on a last line without line feed", () => {
    assert.deepEqual(split("one\ntwo"), ["one", "two"]);
  });

  it("cuts a line that is too long and goes on with the next", () => {
    const long = "x".repeat(3 * LONGEST_LINE_BYTES);
    assert.deepEqual(split(long.slice(0, 5), long.slice(5), "\nnext\n"), [
      `${"x".repeat(LONGEST_LINE_BYTES)} (cut)`,
      "next",
    ]);
  });

  it("leaves a line of exactly the longest length alone", () => {
    assert.deepEqual(split("x".repeat(LONGEST_LINE_BYTES), "\n"), ["x".repeat(LONGEST_LINE_BYTES)]);
  });
});
