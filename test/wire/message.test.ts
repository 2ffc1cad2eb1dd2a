// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { errors } from "../../ts/errors.ts";
import { headersSize, writeFacts, writeHeaders } from "../../ts/wire/fields.ts";
import {
  encodeEnd,
  encodeRequest,
  encodeResponse,
  endSize,
  type RequestHead,
  requestSize,
  responseSize,
} from "../../ts/wire/message.ts";
import { errorMeanings, errorNames, LogLevel, WireError } from "../../ts/wire/protocol.ts";
import {
  encodeAbort,
  encodeHello,
  encodeLog,
  encodePull,
  textFrameSize,
} from "../../ts/wire/signal.ts";
import { wireErrorNumber, wireFail } from "../../ts/wire/wire-error.ts";

const buffer = Buffer.alloc(300_000);
const badField = { code: "TENON_ERR_WIRE_BAD_FIELD" };
const badPayload = { code: "TENON_ERR_WIRE_BAD_PAYLOAD" };
const tooLong = { code: "TENON_ERR_WIRE_TOO_LONG" };

function respond(headers: readonly string[]): number {
  return encodeResponse(buffer, 0, 200, "OK", headers, true);
}

describe("ts/wire/message.ts", () => {
  for (const value of ["a\nb", "a\rb", "a\0b", "\u0100", "a longer value, at its end\n"]) {
    it(`does not encode the value ${JSON.stringify(value)}`, () => {
      assert.throws(() => respond(["X-A", value]), badField);
      assert.throws(() => respond(["Host", value]), badField);
      assert.throws(() => encodeResponse(buffer, 0, 200, value, [], true), badField);
      assert.throws(() => encodeEnd(buffer, 0, 0, ["X-A", value]), badField);
    });
  }

  for (const name of ["", "X Y", "X:", "X\n", "\u00e9", "\u0100"]) {
    it(`does not encode the name ${JSON.stringify(name)}`, () => {
      assert.throws(() => respond([name, "x"]), badField);
    });
  }

  for (const status of [0, 99, 600, Number.NaN]) {
    it(`does not encode the status ${status}`, () => {
      assert.throws(() => encodeResponse(buffer, 0, status, "", [], true), badPayload);
    });
  }

  it("does not encode facts with a NUL or beyond latin-1", () => {
    assert.throws(() => writeFacts(buffer, 0, [undefined, "a\0"]), badField);
    assert.throws(() => writeFacts(buffer, 0, [undefined, "\u20ac"]), badField);
  });

  it("does not encode more than a frame may hold", () => {
    assert.throws(() => respond(["X-A", "a".repeat(262_144)]), tooLong);
    assert.throws(() => respond(new Array(4002).fill("a")), tooLong);
    assert.throws(() => encodeLog(buffer, 0, LogLevel.INFO, "a".repeat(262_144)), tooLong);
  });

  it("encodes as many headers as a frame may hold", () => {
    assert.ok(respond(new Array(4000).fill("a")) > 4000);
  });

  it("tells sizes that are enough, and exact for names written out", () => {
    const headers = ["Content-Type", "text/html", "X-Other", "\u00e9", "Host", ""];
    assert.ok(responseSize("OK", headers) >= respond(headers));
    assert.equal(responseSize("OK", ["X-Other", "1"]), respond(["X-Other", "1"]));
    assert.equal(endSize(["X-Other", "1"]), encodeEnd(buffer, 0, 0, ["X-Other", "1"]));
    assert.equal(headersSize(["X-Other", "1"]), writeHeaders(buffer, 0, ["X-Other", "1"]));
    const facts = [undefined, "id", undefined, "/"];
    const head: RequestHead = {
      phase: 0,
      exchange: 1,
      bodyLength: undefined,
      facts,
      rawHeaders: ["X-Other", "1"],
      entries: [],
    };
    assert.equal(requestSize(head), encodeRequest(buffer, 0, head, false));
    assert.ok(textFrameSize("\u20ac") >= encodeAbort(buffer, 0, 36, "\u20ac"));
  });

  it("encodes behind an offset and touches nothing else", () => {
    buffer.fill(0xaa, 0, 200);
    const end = encodeResponse(buffer, 50, 200, "OK", ["Host", "x"], false);
    assert.ok(buffer.subarray(0, 50).every((byte) => byte === 0xaa));
    assert.ok(buffer.subarray(end, 200).every((byte) => byte === 0xaa));
  });
});

describe("ts/wire/signal.ts", () => {
  it("does not encode PULL of nothing, or of what is no count", () => {
    for (const bytes of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      assert.throws(() => encodePull(buffer, 0, bytes), badPayload);
  });

  it("does not encode a claim word beyond the slot", () => {
    const hello = { version: 1, oldestVersion: 1, slot: 0, pid: 1, incarnation: 1, generation: 1 };
    const wrong = { ...hello, claim: 0, claimIndex: 1024, phases: 1n };
    assert.throws(() => encodeHello(buffer, 0, wrong), badPayload);
  });
});

describe("ts/wire/wire-error.ts", () => {
  it("has a code in ts/errors.ts for each wire error, which tells its meaning, and no other", () => {
    const codes = Object.keys(errors).filter((code) => code.startsWith("TENON_ERR_WIRE_"));
    const names = Object.keys(WireError).map((name) => `TENON_ERR_WIRE_${name}`);
    assert.deepEqual(codes.sort(), names.sort());
    for (const number of Object.values(WireError)) {
      const error = wireFail(number, "it");
      assert.equal(error.code, `TENON_ERR_WIRE_${errorNames[number]}`);
      assert.equal(error.message, `${errorMeanings[number]}: it`);
      assert.equal(wireErrorNumber(error), number);
    }
  });

  it("knows no number of another error", () => {
    assert.equal(wireErrorNumber(new Error("x")), undefined);
    assert.equal(wireErrorNumber(undefined), undefined);
  });
});
