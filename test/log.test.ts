// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import fc from "fast-check";
import { escapeLogText, formatLogTime, Log, logLevelNames } from "../ts/log.ts";

describe("log", () => {
  const lines: string[] = [];

  beforeEach(() => {
    lines.length = 0;
  });

  function logAt(level: number): Log {
    const now = (): number => new Date(2026, 10, 22, 19, 37, 44, 123).getTime();
    return new Log({ level, pid: 123, write: (line) => lines.push(line), now });
  }

  it("writes lines as httpd's error log has them, in local time", () => {
    const log = logAt(5);
    log.line("notice", "TN9001", { pool: "hello", slot: 0, pid: 77 }, "text");
    log.line("error", "TN9002", { pool: "hello" }, "text");
    log.line("crit", "TN9003", undefined, "text");
    const head = (level: string): string =>
      `[Sun Nov 22 19:37:44.123000 2026] [tenon:${level}] [pid 123]`;
    assert.deepEqual(lines, [
      `${head("notice")} TN9001: [hello 0 77] text\n`,
      `${head("error")} TN9002: [hello] text\n`,
      `${head("crit")} TN9003: text\n`,
    ]);
  });

  it("pads days and times", () => {
    assert.equal(
      formatLogTime(new Date(2027, 0, 3, 4, 5, 6, 7).getTime()),
      "Sun Jan 03 04:05:06.007000 2027",
    );
  });

  it("leaves out what is above the level", () => {
    for (const [number, name] of logLevelNames.entries()) {
      lines.length = 0;
      const log = logAt(number);
      for (const level of logLevelNames) log.line(level, "TN9001", undefined, level);
      assert.equal(lines.length, number + 1, name);
      assert.ok(lines.at(-1)?.endsWith(` ${name}\n`));
    }
  });

  it("keeps any text on one line that cannot command a terminal", () => {
    assert.equal(escapeLogText("a\nb\tc\x1b[31m\x7f\u0085é"), "a\\nb\\tc\\x1b[31m\\x7f\\x85é");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        assert.doesNotMatch(escapeLogText(text), /[\p{Cc}\u2028\u2029]/u);
      }),
    );
  });
});
