// SPDX-License-Identifier: Apache-2.0
// Credit and length of a request's body.
import assert from "node:assert/strict";
import fc from "fast-check";
import { BodyCredit } from "../../ts/channel/body-credit.ts";
import { WireError, WireNumber } from "../../ts/wire/protocol.ts";

const EAGER = WireNumber.EAGER_BODY_BYTES;

describe("a body's credit", () => {
  it("grants a body of any length whole, and never more than is to come", () => {
    const length = fc.integer({ min: 1, max: 4_000_000 });
    const piece = fc.integer({ min: 1, max: 65_536 });
    fc.assert(
      fc.property(length, fc.array(piece, { minLength: 1, maxLength: 8 }), (declared, pieces) => {
        const body = new BodyCredit(declared, false);
        let granted = 0;
        for (let turn = 0; body.receivedBytes < declared; turn++) {
          granted += body.grant();
          const may = Math.min(granted - body.receivedBytes, declared - body.receivedBytes);
          assert.ok(may > 0, "the host may send");
          assert.ok(granted <= declared, "no more is granted than the body has");
          assert.equal(body.receive(Math.min(may, pieces[turn % pieces.length] as number)), 0);
        }
        assert.equal(body.grant(), 0);
        assert.equal(body.end(declared), 0);
        assert.ok(body.ended);
      }),
    );
  });

  it("takes the eager body without credit, and nothing beyond it", () => {
    const body = new BodyCredit(undefined, false);
    assert.equal(body.receive(EAGER), 0);
    assert.equal(body.receive(1), WireError.OVER_CREDIT);
  });

  it("refuses a body that is longer or shorter than was said", () => {
    assert.equal(new BodyCredit(3, false).receive(4), WireError.BAD_LENGTH);
    assert.equal(new BodyCredit(3, false).end(-1), WireError.BAD_LENGTH);
    const body = new BodyCredit(undefined, false);
    body.receive(3);
    assert.equal(body.end(4), WireError.BAD_LENGTH);
  });

  it("refuses what comes behind the end, until another body begins", () => {
    const body = new BodyCredit(0, true);
    assert.equal(body.receive(1), WireError.OUT_OF_ORDER);
    assert.equal(body.end(-1), WireError.OUT_OF_ORDER);
    body.goOn();
    assert.equal(body.receive(1), 0);
    assert.equal(body.end(-1), 0);
  });

  it("grants a filter's credit once for what has come", () => {
    const body = new BodyCredit(undefined, false);
    assert.equal(body.grantFilter(), WireNumber.FILTER_CREDIT_BYTES);
    assert.equal(body.grantFilter(), 0);
    body.receive(5);
    assert.equal(body.grantFilter(), 5);
  });
});
