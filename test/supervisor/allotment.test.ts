// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { Allotment, chooseVictim, type IdleWorker } from "../../ts/supervisor/allotment.ts";

function tenant(used: number, ...idle: IdleWorker[]) {
  const evicted: number[] = [];
  return { used, idle: () => idle, evict: (slot: number) => void evicted.push(slot), evicted };
}

describe("supervisor/allotment", () => {
  it("counts what all pools have", () => {
    const allotment = new Allotment();
    assert.equal(allotment.left, Number.POSITIVE_INFINITY);
    allotment.total = 4;
    const one = tenant(3);
    allotment.add(one);
    allotment.add(tenant(2));
    assert.equal(allotment.left, -1);
    allotment.delete(one);
    assert.equal(allotment.left, 2);
  });

  it("ends the worker of another pool that has been idle for longest", () => {
    const allotment = new Allotment();
    const wants = tenant(0, { slot: 7, idleMs: 90_000 });
    const short = tenant(1, { slot: 0, idleMs: 2000 });
    const long = tenant(2, { slot: 0, idleMs: 1500 }, { slot: 3, idleMs: 8000 });
    for (const each of [wants, short, long]) allotment.add(each);
    assert.equal(allotment.makeRoom(wants), true);
    assert.deepEqual([wants.evicted, short.evicted, long.evicted], [[], [], [3]]);
  });

  it("leaves those alone that have been idle for a moment only", () => {
    assert.equal(chooseVictim([tenant(1, { slot: 0, idleMs: 999 })]), undefined);
    const allotment = new Allotment();
    assert.equal(allotment.makeRoom(tenant(1)), false);
  });
});
