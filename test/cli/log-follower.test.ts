// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { LogFollower } from "../../ts/cli/log-follower.ts";

describe("cli/log-follower", () => {
  let folder: string;
  let path: string;
  let log: LogFollower;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-log-"));
    path = join(folder, "error.log");
    writeFileSync(path, "one\ntwo\nthr");
    log = new LogFollower(path);
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("gives whole lines only, and the rest of a line when it has come", () => {
    assert.deepEqual(log.lines(), ["one", "two"]);
    appendFileSync(path, "ee\nfo");
    assert.deepEqual(log.lines(), ["one", "two", "three"]);
  });

  it("gives the lines since a mark", () => {
    const mark = log.mark();
    appendFileSync(path, "ee\nfour\n");
    assert.deepEqual(log.lines(mark), ["three", "four"]);
  });

  it("reads a file that is longer than one read", () => {
    const lines = Array.from({ length: 20_000 }, (_, number) => `line ${number}`);
    writeFileSync(path, `${lines.join("\n")}\n`);
    assert.deepEqual(new LogFollower(path).lines(), lines);
  });

  it("finds a line that is there already", async () => {
    assert.equal(await log.waitFor(/^t/), "two");
  });

  it("waits for a line that is written later", async () => {
    const found = log.waitFor(/^fo.r$/);
    appendFileSync(path, "ee\nfour\n");
    assert.equal(await found, "four");
  });

  it("does not look before the mark", async () => {
    const found = log.waitFor(/^(two|later)$/, { since: log.mark() });
    appendFileSync(path, "ee\nlater\n");
    assert.equal(await found, "later");
  });

  it("gives up in time, with the end of the log", async () => {
    await assert.rejects(log.waitFor(/never/, { timeoutMs: 20 }), {
      code: "TENON_ERR_LOG_LINE_MISSING",
      message: /\/never\/.*within 20 ms.*one\ntwo$/s,
    });
  });

  it("gives up when its signal says so", async () => {
    const reason = new Error("httpd has gone");
    await assert.rejects(log.waitFor(/never/, { signal: AbortSignal.abort(reason) }), reason);
    const later = new AbortController();
    const waiting = log.waitFor(/never/, { signal: later.signal });
    later.abort(reason);
    await assert.rejects(waiting, reason);
  });
});
