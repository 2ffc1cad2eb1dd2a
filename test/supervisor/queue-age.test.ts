// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { QueueAge } from "../../ts/supervisor/queue-age.ts";

describe("supervisor/queue-age", () => {
  it("is the time since which each look has found connections", () => {
    const age = new QueueAge();
    age.watched(true, 0);
    assert.equal(age.waiting(1000), 0);
    age.watched(true, 1100);
    assert.equal(age.waiting(1105), 105);
    age.watched(true, 1205);
    age.watched(true, 1230);
    assert.equal(age.waiting(1250), 250);
  });

  it("begins anew when the queue was empty meanwhile, and when it is told to", () => {
    const age = new QueueAge();
    age.watched(true, 0);
    age.waiting(10);
    age.watched(true, 110);
    assert.equal(age.waiting(300), 0);
    age.watched(true, 400);
    age.reset();
    assert.equal(age.waiting(401), 0);
  });
});
