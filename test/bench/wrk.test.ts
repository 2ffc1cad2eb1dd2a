// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { complaint, type LoadResult, parseLoadResult } from "../../bench/wrk.ts";

const errors = { connect: 0, read: 0, write: 0, status: 0, timeout: 0 };
const good: LoadResult = {
  requests: 10,
  durationUs: 1_000_000,
  bytes: 2_000,
  p50Us: 100,
  p99Us: 200,
  errors,
};

describe("bench/wrk", () => {
  it("finds the result among the words of wrk", () => {
    assert.deepEqual(parseLoadResult(`Running 1s test\n\nRESULT ${JSON.stringify(good)}\n`), good);
  });

  it("refuses an output without a result", () => {
    assert.throws(() => parseLoadResult("unable to connect"), /no result:\nunable to connect/);
  });

  it("has nothing against a good result", () => {
    assert.equal(complaint(good, 200), undefined);
  });

  it("names the kinds of errors", () => {
    const bad = { ...good, errors: { ...errors, status: 3, read: 1 } };
    assert.equal(complaint(bad, 12), "errors in 10 requests: read 1, status 3");
  });

  it("finds responses that are too short to be right", () => {
    assert.equal(complaint(good, 201), "responses of 200 bytes, expected 201 and more");
  });

  it("finds that nothing was answered", () => {
    assert.equal(complaint({ ...good, requests: 0 }, 12), "no request was answered");
  });
});
