// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import fc from "fast-check";
import type { Clock, Timer } from "../../ts/supervisor/clock.ts";
import {
  beyondLimit,
  heapArguments,
  heapLimit,
  type MemoryLevel,
  MemoryWatch,
  memoryLevel,
  memoryPause,
  ownMemory,
  ProcessMemory,
} from "../../ts/supervisor/memory-watch.ts";

const MIB = 1024;
const limits = { soft: 512 * MIB, hard: 1024 * MIB };
const levels: readonly MemoryLevel[] = ["well", "soft", "runaway", "hard", "beyond"];

/** Time that passes from timer to timer. */
class StepClock implements Clock {
  time = 0;
  next: { ms: number; callback: () => void } | undefined;

  now(): number {
    return this.time;
  }

  after(ms: number, callback: () => void): Timer {
    const waiting = { ms, callback };
    this.next = waiting;
    return {
      cancel: () => {
        if (this.next === waiting) this.next = undefined;
      },
    };
  }

  random(): number {
    return 0;
  }

  step(): number {
    const { next } = this;
    assert.ok(next);
    this.next = undefined;
    this.time += next.ms;
    next.callback();
    return next.ms;
  }
}

const anyLimits = fc
  .tuple(fc.integer({ min: 65_536, max: 2 ** 29 }), fc.integer({ min: 1, max: 2 ** 29 }))
  .map(([soft, more]) => ({ soft, hard: soft + more }));

describe("ts/supervisor/memory-watch.ts", () => {
  it("tells where a worker stands", () => {
    const at = (kib: number): MemoryLevel => memoryLevel(undefined, { kib, at: 0 }, limits);
    assert.equal(at(511 * MIB), "well");
    assert.equal(at(512 * MIB), "soft");
    assert.equal(at(1023 * MIB), "soft");
    assert.equal(at(1024 * MIB), "hard");
    assert.equal(at(1536 * MIB), "beyond");
  });

  it("sees ahead where a worker above the soft limit will be in a moment", () => {
    const before = { kib: 500 * MIB, at: 100 };
    const grown = (kib: number): MemoryLevel => memoryLevel(before, { kib, at: 200 }, limits);
    // 20 MiB in 100 ms, 120 more in 600; then 100 and 600.
    assert.equal(grown(520 * MIB), "soft");
    assert.equal(grown(600 * MIB), "runaway");
    assert.equal(grown(499 * MIB), "well");
    assert.equal(memoryLevel({ kib: 900 * MIB, at: 0 }, { kib: 800 * MIB, at: 1 }, limits), "soft");
  });

  it("never takes more memory for a better level", () => {
    const kib = fc.integer({ min: 0, max: 2 ** 30 });
    fc.assert(
      fc.property(anyLimits, kib, kib, (some, one, other) => {
        const rank = (value: number): number =>
          levels.indexOf(memoryLevel(undefined, { kib: value, at: 0 }, some));
        assert.ok(rank(Math.min(one, other)) <= rank(Math.max(one, other)));
        assert.ok(some.hard < heapLimit(some.hard) * MIB);
        assert.ok(heapLimit(some.hard) * MIB <= beyondLimit(some.hard) + 2 * MIB);
      }),
    );
  });

  it("looks often enough that the hard limit is not far behind when it is seen", () => {
    fc.assert(
      fc.property(anyLimits, fc.integer({ min: 0, max: 2 ** 30 }), (some, kib) => {
        const ms = memoryPause(kib, some);
        assert.ok(ms >= 20 && ms <= 1000);
        // At a gigabyte a second, which is more than JavaScript takes.
        assert.ok(kib >= some.hard || kib + ms * MIB <= some.hard + 40 * MIB);
      }),
    );
  });

  it("looks seldom at a worker that is far from its limits", () => {
    assert.equal(memoryPause(40 * MIB, limits), 492);
    assert.equal(memoryPause(40 * MIB, { soft: 1, hard: 16 * 1024 * MIB }), 1000);
  });

  it("gives V8 a limit of its own, or none where there is none", () => {
    assert.deepEqual(heapArguments({ memoryHard: 1024 * MIB }), ["--max-old-space-size=1280"]);
    assert.deepEqual(heapArguments({ memoryHard: 0 }), []);
  });

  it("counts what is a process's own, swapped out or not, and not what it shares", () => {
    const status =
      "Name:\tnode\nVmRSS:\t  900 kB\nRssAnon:\t  500 kB\nRssFile:\t  300 kB\nRssShmem:\t   100 kB\nVmSwap:\t       7 kB\n";
    assert.equal(ownMemory(status), 607);
    assert.equal(ownMemory("Name:\tRssAnon: 1 kB\n"), 0);
  });

  it("reads a process until it has gone", async () => {
    const text = "const kept = Buffer.alloc(1 << 26, 1); console.log('kept', kept.length);";
    const child = spawn(process.execPath, ["-e", `${text} process.stdin.resume();`]);
    await once(child.stdout, "data");
    const memory = new ProcessMemory(child.pid as number);
    try {
      const kib = memory.read() ?? 0;
      const status = readFileSync(`/proc/${child.pid}/status`, "latin1");
      const resident = Number(/^VmRSS:\s*(\d+)/m.exec(status)?.[1]);
      assert.ok(kib > 64 * MIB && kib < resident, `${kib} of ${resident}`);
      child.kill("SIGKILL");
      await once(child, "exit");
      assert.equal(memory.read(), undefined);
    } finally {
      memory.close();
    }
    const gone = new ProcessMemory(child.pid as number);
    assert.equal(gone.read(), undefined);
    gone.close();
  });

  it("tells at each look what is above a limit, until it is ended or the process has gone", () => {
    const clock = new StepClock();
    const readings = [40, 300, 600, 900, 1100, 1600, 1600].map((mebibytes) => mebibytes * MIB);
    const seen: string[] = [];
    const watch = new MemoryWatch({
      limits,
      clock,
      read: () => readings.shift(),
      onLevel: (level, kib) => seen.push(`${level} ${kib / MIB}`),
    });
    while (clock.next !== undefined) clock.step();
    assert.deepEqual(seen, [
      "runaway 600",
      "runaway 900",
      "hard 1100",
      "beyond 1600",
      "beyond 1600",
    ]);
    assert.equal(watch.kib, 1600 * MIB);

    const ended = new MemoryWatch({ limits, clock, read: () => 0, onLevel: () => {} });
    ended.end();
    assert.equal(clock.next, undefined);
  });
});
