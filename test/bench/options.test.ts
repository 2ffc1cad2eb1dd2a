// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { helpText, parseOptions } from "../../bench/options.ts";

describe("bench/options", () => {
  it("measures everything unless told otherwise", () => {
    const options = parseOptions([]);
    assert.deepEqual(options.scenarios, [
      "content",
      "express",
      "fastify",
      "post",
      "latency",
      "file",
      "stream",
      "access",
      "basic",
      "log",
      "filter",
    ]);
    assert.ok(options.contenders.includes("tenon"));
    assert.equal(options.firstHit, true);
    assert.equal(options.json, undefined);
  });

  it("takes lists of names", () => {
    const options = parseOptions(["--only", "post, latency", "--contenders=node"]);
    assert.deepEqual(options.scenarios, ["post", "latency"]);
    assert.deepEqual(options.contenders, ["node"]);
    assert.equal(options.firstHit, false);
    const alone = parseOptions(["--only=first-hit"]);
    assert.deepEqual([alone.scenarios, alone.firstHit], [[], true]);
  });

  it("says which names there are when one is wrong", () => {
    assert.throws(() => parseOptions(["--only", "posts"]), /no posts; there are content, express/);
  });

  it("takes whole numbers from 1", () => {
    assert.equal(parseOptions(["--rounds", "7"]).rounds, 7);
    for (const wrong of ["0", "-1", "1.5", "many"]) {
      assert.throws(() => parseOptions([`--duration=${wrong}`]), /must be a whole number/);
    }
  });

  it("names every option in its help", () => {
    for (const name of ["json", "duration", "rounds", "only", "contenders", "strict", "hold"]) {
      assert.match(helpText(), new RegExp(`--${name}\\b`));
    }
  });
});
