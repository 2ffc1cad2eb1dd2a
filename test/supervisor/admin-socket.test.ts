// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import fc from "fast-check";
import { parseCommand } from "../../ts/supervisor/admin-socket.ts";

describe("supervisor/admin-socket", () => {
  it("takes a restart of all pools or of some", () => {
    assert.deepEqual(parseCommand('{"command":"restart"}'), { pools: [], rolling: false });
    const some = '{"command":"restart","pools":["a","b"],"rolling":true}';
    assert.deepEqual(parseCommand(some), { pools: ["a", "b"], rolling: true });
  });

  it("says what is wrong with anything else", () => {
    const wrong: [string, RegExp][] = [
      ["", /one JSON object on a line/],
      ["null", /a JSON object/],
      ['{"command":"stop"}', /no command "stop": restart is one/],
      ['{"command":"restart","pools":"a"}', /pools must be an array of names/],
      ['{"command":"restart","pools":[1]}', /pools must be an array of names/],
      ['{"command":"restart","rolling":1}', /rolling must be true or false/],
    ];
    for (const [line, says] of wrong) assert.match(String(parseCommand(line)), says);
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
        assert.equal(typeof parseCommand(line), "string");
      }),
    );
  });
});
