// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { Log } from "../../ts/log.ts";
import {
  type Backoff,
  backoffAfter,
  LONGEST_DELAY_MS,
  noBackoff,
  SERVED_WELL_MS,
} from "../../ts/supervisor/backoff.ts";
import { Breaker, judge, OPENS_AFTER, type TriedWorker } from "../../ts/supervisor/breaker.ts";
import { BreakerState } from "../../ts/wire/protocol.ts";

const starting: TriedWorker = { readyMs: undefined, served: false };
const unstarted = { readyMs: undefined, served: false };
const failing: Backoff = { failures: OPENS_AFTER, barren: OPENS_AFTER, notBefore: 5000 };
const FAILED_AT = 1000;

describe("ts/supervisor/breaker.ts", () => {
  it("lets a pool be until so many workers have failed in a row", () => {
    const most = { ...failing, barren: OPENS_AFTER - 1 };
    assert.deepEqual(judge(most, FAILED_AT, [], 2000), {
      state: BreakerState.CLOSED,
      healed: false,
      mayStart: Number.POSITIVE_INFINITY,
      wakeAt: undefined,
    });
  });

  it("is open for as long as the pool backs off, then tries one worker", () => {
    const open = judge(failing, FAILED_AT, [], 4999);
    assert.deepEqual([open.state, open.mayStart, open.wakeAt], [BreakerState.OPEN, 0, 5000]);
    const half = judge(failing, FAILED_AT, [], 5000);
    assert.deepEqual([half.state, half.mayStart], [BreakerState.HALF_OPEN, 1]);
    const tried = judge(failing, FAILED_AT, [starting], 6000);
    assert.deepEqual([tried.state, tried.mayStart], [BreakerState.HALF_OPEN, 0]);
  });

  it("has hosts use the worker that is tried as soon as it is ready, and waits for a proof", () => {
    const ready = judge(failing, FAILED_AT, [{ readyMs: 100, served: false }], 6000);
    assert.deepEqual(ready, {
      state: BreakerState.CLOSED,
      healed: false,
      mayStart: 0,
      wakeAt: 6000 + SERVED_WELL_MS - 100,
    });
    for (const proof of [
      { readyMs: 100, served: true },
      { readyMs: SERVED_WELL_MS, served: false },
    ]) {
      assert.equal(judge(failing, FAILED_AT, [proof], 20_000).healed, true);
    }
  });

  it("is not open while another worker serves, and takes that for no proof", () => {
    const old = { readyMs: 60_000, served: true };
    const verdict = judge(failing, FAILED_AT, [old], 4000);
    assert.deepEqual(verdict, {
      state: BreakerState.CLOSED,
      healed: false,
      mayStart: 0,
      wakeAt: 5000,
    });
    assert.equal(judge(failing, FAILED_AT, [old], 5000).mayStart, 1);
    assert.equal(judge(failing, FAILED_AT, [old, starting], 5000).mayStart, 0);
  });

  it("never shuts a pool that serves, shuts none for longer than the longest delay, and always looks again", () => {
    const event = fc.oneof(
      fc.record({ kind: fc.constant("pass" as const), ms: fc.nat(40_000) }),
      fc.record({ kind: fc.constant("start" as const) }),
      fc.record({ kind: fc.constant("ready" as const) }),
      fc.record({ kind: fc.constant("serve" as const) }),
      fc.record({ kind: fc.constant("fail" as const), random: fc.double({ min: 0, max: 0.99 }) }),
    );
    fc.assert(
      fc.property(fc.array(event, { maxLength: 80 }), (events) => {
        let now = 0;
        let backoff = noBackoff;
        let failedAt = 0;
        let openSince: number | undefined;
        const workers: { readyAt: number | undefined; served: boolean }[] = [];
        const look = (): readonly TriedWorker[] =>
          workers.map(({ readyAt, served }) => ({
            readyMs: readyAt === undefined ? undefined : now - readyAt,
            served,
          }));
        for (const step of events) {
          const verdictBefore = judge(backoff, failedAt, look(), now);
          const last = workers.at(-1);
          if (step.kind === "pass") now += step.ms;
          else if (step.kind === "start" && verdictBefore.mayStart > 0) {
            workers.push({ readyAt: undefined, served: false });
          } else if (step.kind === "ready" && last) last.readyAt ??= now;
          else if (step.kind === "serve" && last?.readyAt !== undefined) last.served = true;
          else if (step.kind === "fail" && last) {
            const [failed] = look().slice(-1) as [TriedWorker];
            backoff = backoffAfter(backoff, failed, now, step.random);
            failedAt = now;
            workers.pop();
          }
          const verdict = judge(backoff, failedAt, look(), now);
          if (verdict.healed) backoff = noBackoff;
          const serves = workers.some(({ readyAt }) => readyAt !== undefined);
          const open = verdict.state === BreakerState.OPEN;
          assert.ok(!(open && (serves || workers.length > 0 || backoff.barren < OPENS_AFTER)));
          if (open) openSince ??= failedAt;
          else openSince = undefined;
          assert.ok(now - (openSince ?? now) <= LONGEST_DELAY_MS);
          // Whatever it waits for comes: a time, or an event of a worker that is there.
          if (verdict.mayStart === 0) {
            assert.ok((verdict.wakeAt ?? 0) > now || workers.length > 0);
          }
        }
      }),
    );
  });

  describe("of a pool", () => {
    let folder: string;
    let lines: string[];
    let shown: (readonly [BreakerState, number])[];
    let now: number;
    let breaker: Breaker;

    beforeEach(() => {
      folder = mkdtempSync(join(tmpdir(), "tenon-breaker-"));
      lines = [];
      shown = [];
      now = 100;
      breaker = new Breaker({
        pool: "broken",
        path: join(folder, "failure"),
        owner: { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 },
        log: new Log({ level: 15, pid: 1, write: (line) => lines.push(line) }),
        clock: { now: () => now, after: () => ({ cancel: () => {} }), random: () => 0 },
        onState: (state, until) => shown.push([state, until]),
      });
    });

    afterEach(() => rmSync(folder, { recursive: true }));

    function fail(): void {
      breaker.explain("did not start: no such table\nat app.ts:1:1");
      for (let count = 0; count < OPENS_AFTER; count++) breaker.failed(unstarted, 0);
      breaker.judge([]);
    }

    it("shows that it is open and until when, and why in a file for hosts and in the log", () => {
      fail();
      assert.deepEqual(shown, [[BreakerState.OPEN, 300]]);
      const path = join(folder, "failure");
      assert.equal(readFileSync(path, "utf8"), "did not start: no such table\nat app.ts:1:1");
      assert.equal(statSync(path).mode & 0o777, 0o640);
      assert.match(
        lines.join(""),
        /TN0255: \[broken\] 3 workers failed in a row: requests get 503 for 200 ms, then one worker is tried: did not start: no such table\n/,
      );
    });

    it("goes on to one worker, and to all when that has proven itself", () => {
      fail();
      now = 300;
      assert.equal(breaker.judge([]).mayStart, 1);
      now = 400;
      breaker.judge([{ readyMs: 10, served: true }]);
      assert.deepEqual(
        shown.map(([state]) => state),
        [BreakerState.OPEN, BreakerState.HALF_OPEN, BreakerState.CLOSED],
      );
      assert.equal(breaker.notBefore, 0);
      assert.equal(existsSync(join(folder, "failure")), false);
    });

    it("heals at once when it is told that something has changed", () => {
      fail();
      breaker.heal();
      assert.deepEqual(shown.at(-1), [BreakerState.CLOSED, 0]);
      assert.equal(breaker.judge([]).mayStart, Number.POSITIVE_INFINITY);
      assert.equal(existsSync(join(folder, "failure")), false);
    });

    it("says why workers do not start until one of the present generation does, however well an earlier one serves", () => {
      const path = join(folder, "failure");
      breaker.explain("generation 2 does not start");
      for (let count = 0; count < OPENS_AFTER; count++) breaker.failed(unstarted, 0);
      breaker.judge([{ readyMs: 60_000, served: true }]);
      assert.equal(readFileSync(path, "utf8"), "generation 2 does not start");
      breaker.started();
      assert.equal(existsSync(path), false);
    });

    it("keeps no more of a reason than fits", () => {
      breaker.explain("x".repeat(100_000));
      assert.equal(statSync(join(folder, "failure")).size, 8192);
    });
  });
});
