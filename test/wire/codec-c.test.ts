// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { Fact } from "../../ts/wire/protocol.ts";
import { type Result, runChecks } from "./build-c.ts";
import { vectorLine, vectors } from "./vectors.ts";

function showAsTests(results: readonly Result[]): void {
  for (const { passed, sentence } of results) it(sentence, () => assert.ok(passed, sentence));
}

describe("native/wire, the vectors", () => {
  const lines = vectors.map((vector) => vectorLine(vector, Fact));
  const results = runChecks(["vectors.c", "describe.c"], `${lines.join("\n")}\n`);
  showAsTests(results);
  it("was given every vector", () => {
    const decoded = results.filter((result) => result.sentence.endsWith("decodes byte by byte"));
    assert.equal(decoded.length, vectors.length);
  });
});

describe("native/wire", () => {
  showAsTests(runChecks(["checks.c"], ""));
});
