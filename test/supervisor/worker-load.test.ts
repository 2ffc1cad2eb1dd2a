// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import fc from "fast-check";
import {
  heartbeatAge,
  ProcessorClock,
  processorTime,
  WorkerLoad,
} from "../../ts/supervisor/worker-load.ts";

/** Looks every half second at a worker with beats every quarter. @param active part of its time, 0 to 1 */
function looks(load: WorkerLoad, from: number, count: number, active: number, cpu: number): void {
  for (let turn = 0; turn < count; turn++) {
    const now = from + 500 * turn;
    const heartbeat = now >>> 0;
    load.look({ now, heartbeat, loopActive: (now * active) >>> 0, cpuMs: now * cpu });
  }
}

describe("supervisor/worker-load", () => {
  it("is the part of its time that an event loop works, after some seconds of it", () => {
    const load = new WorkerLoad();
    looks(load, 1000, 3, 1, 0.1);
    assert.ok(load.load > 0.5 && load.load < 0.8, `a second: ${load.load}`);
    looks(load, 2500, 8, 1, 0.1);
    assert.ok(load.load > 0.95, `five seconds: ${load.load}`);
    assert.ok(Math.abs(load.cpu - 0.1) < 0.01);
  });

  it("is that of its threads when they take more", () => {
    const load = new WorkerLoad();
    looks(load, 0, 20, 0.1, 3);
    assert.equal(load.load, 1);
    assert.ok(load.cpu > 2.9);
  });

  it("is whole while the event loop does not turn, though nothing is written", () => {
    const load = new WorkerLoad();
    for (let now = 0; now < 5000; now += 500) {
      load.look({ now, heartbeat: 0, loopActive: 0, cpuMs: undefined });
    }
    assert.ok(load.load > 0.9, String(load.load));
  });

  it("counts the age of a heartbeat, which may be ahead of a time that was read before it", () => {
    const wrapped = 2 ** 32;
    for (const now of [5000, wrapped, wrapped + 3, 7 * wrapped - 2]) {
      assert.equal(heartbeatAge(now, now >>> 0), 0);
      assert.equal(heartbeatAge(now, (now + 1) >>> 0), 0);
      assert.equal(heartbeatAge(now, (now + 900) >>> 0), 0);
      assert.equal(heartbeatAge(now, (now - 1500) >>> 0), 1500);
      // A worker that writes what is to come is not believed.
      assert.ok(heartbeatAge(now, (now + 60_000) >>> 0) > 2 ** 31);
    }
  });

  it("stays between 0 and 1, whatever a worker writes", () => {
    const word = fc.integer({ min: 0, max: 2 ** 32 - 1 });
    const look = fc.record({
      ms: fc.nat(5000),
      heartbeat: word,
      loopActive: word,
      cpu: fc.nat(9000),
    });
    fc.assert(
      fc.property(fc.array(look), (all) => {
        const load = new WorkerLoad();
        let now = 0;
        for (const { ms, cpu, ...words } of all) {
          now += ms;
          load.look({ now, ...words, cpuMs: cpu });
          assert.ok(load.load >= 0 && load.load <= 1);
          assert.ok(load.cpu >= 0);
        }
      }),
    );
  });

  it("reads the processor time of a process whatever its name", () => {
    const rest = "S 1 2 3 4 5 6 7 8 9 10 120 30 0 0 20";
    assert.equal(processorTime(`77 (a) b (c) ${rest}`), 1500);
    assert.equal(processorTime("nothing"), undefined);
  });

  it("reads this process's, and of one that has gone nothing", () => {
    const own = new ProcessorClock(process.pid);
    const { user, system } = process.cpuUsage();
    const read = own.read() ?? Number.NaN;
    assert.ok(Math.abs(read - (user + system) / 1000) < 1000, `${read} ms`);
    own.close();
    // The largest pid is below.
    assert.equal(new ProcessorClock(2 ** 30).read(), undefined);
  });
});
