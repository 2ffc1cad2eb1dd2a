// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import fc from "fast-check";
import { encodeFrameHeader } from "../../ts/wire/frame.ts";
import { Flag, FrameType, factNames, headerNames, WireNumber } from "../../ts/wire/protocol.ts";
import { FrameReader } from "../../ts/wire/reader.ts";
import { encodeClose } from "../../ts/wire/signal.ts";
import { decodeChunks, encodeFrames } from "./frames.ts";
import type { Frame } from "./vectors.ts";

function data(end: boolean, body: string): Buffer {
  return encodeFrames([{ type: "DATA", end, body }], 8 + body.length);
}

function frameHeader(type: FrameType, length: number): Buffer {
  const buffer = Buffer.alloc(8);
  encodeFrameHeader(buffer, 0, type, 0, length);
  return buffer;
}

const token = fc.stringMatching(/^[!#$%&'*+\-.^_`|~0-9A-Za-z]{1,30}$/);
const bytes = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((c) => String.fromCharCode(c)),
});
const value = bytes.map((text) => text.replaceAll(/[\r\n\0]/g, " "));
const name = fc.oneof(token, fc.constantFrom(...headerNames.flatMap((known) => known ?? [])));
const headers = fc.array(fc.tuple(name, value), { maxLength: 12 });
const fact = bytes.map((text) => text.replaceAll("\0", " "));
const facts = fc.dictionary(fc.constantFrom(...factNames.flatMap((known) => known ?? [])), fact);
const length = fc.maxSafeNat();
const word = fc.nat(0xffffffff);
const short = fc.nat(0xffff);

const frame: fc.Arbitrary<Frame> = fc.oneof(
  fc.record({
    type: fc.constant("HELLO" as const),
    version: fc.integer({ min: 1, max: 0xffff }),
    oldestVersion: fc.constantFrom(0, 1),
    slot: short,
    claimIndex: fc.nat(WireNumber.CLAIMS_PER_SLOT - 1),
    pid: word,
    incarnation: word,
    generation: word,
    claim: word,
    phases: fc.bigInt({ min: 0n, max: 0xffffffffffffffffn }).map(String),
  }),
  fc.record({
    type: fc.constant("REQUEST" as const),
    end: fc.boolean(),
    phase: fc.nat(63),
    exchange: word,
    bodyLength: fc.option(length),
    facts: facts.map((all) => ({ ...all })),
    headers,
  }),
  fc.record({
    type: fc.constant("RESPONSE" as const),
    end: fc.boolean(),
    status: fc.integer({ min: 100, max: 599 }),
    reason: value,
    headers,
  }),
  // Whole bodies only, since adjacent chunks of one body come back as one.
  fc.record({ type: fc.constant("DATA" as const), end: fc.constant(true), body: bytes }),
  fc.record({ type: fc.constant("END" as const), bodyLength: length, trailers: headers }),
  fc.record({
    type: fc.constant("PULL" as const),
    bytes: fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER }),
  }),
  fc.record({
    type: fc.constant("ABORT" as const),
    error: short,
    text: fc.string({ unit: "grapheme" }),
  }),
  fc.record({
    type: fc.constant("LOG" as const),
    level: fc.constantFrom(3 as const, 4 as const, 5 as const, 6 as const, 7 as const),
    text: fc.string({ unit: "grapheme" }),
  }),
  fc.record({ type: fc.constant("CLOSE" as const) }),
);

/** Cuts bytes into chunks at the offsets (modulo their length). */
function split(whole: Buffer, offsets: readonly number[]): Buffer[] {
  const cuts = [...new Set(offsets.map((offset) => offset % (whole.length + 1)))];
  cuts.sort((a, b) => a - b);
  return [0, ...cuts].map((cut, index) => whole.subarray(cut, cuts[index] ?? whole.length));
}

describe("ts/wire/reader.ts", () => {
  it("decodes what was encoded, cut anywhere", () => {
    fc.assert(
      fc.property(
        fc.array(frame, { maxLength: 5 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (frames, cuts) => {
          const whole = encodeFrames(frames, 65536);
          // Records of fast-check have no prototype.
          const expected = frames.map((sent) => ({ ...sent }));
          assert.deepEqual(decodeChunks(split(whole, cuts)), { frames: expected });
        },
      ),
      { numRuns: 500 },
    );
  });

  it("finds the same in random bytes however they are cut, and never fails otherwise", () => {
    const header = fc.tuple(fc.nat(11), fc.nat(2), fc.constant(0), fc.constant(0), fc.constant(0));
    const start = header.map((head) => Buffer.from([...head, 0, 0]));
    const chunk = fc.oneof(fc.uint8Array({ maxLength: 64 }), start);
    fc.assert(
      fc.property(
        fc.array(chunk, { maxLength: 8 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (chunks, cuts) => {
          const whole = Buffer.concat(chunks);
          const expected = decodeChunks([whole]);
          assert.deepEqual(decodeChunks(split(whole, cuts)), expected);
        },
      ),
      { numRuns: 2000 },
    );
  });

  it("finds the same in damaged frames however they are cut", () => {
    fc.assert(
      fc.property(
        frame,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }),
        fc.array(fc.nat(), { maxLength: 4 }),
        (sound, damage, cuts) => {
          const whole = Buffer.from(encodeFrames([sound], 65536));
          for (const [at, byte] of damage) whole[at % whole.length] = byte;
          assert.deepEqual(decodeChunks(split(whole, cuts)), decodeChunks([whole]));
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("hands out DATA as it comes, the flag END with the last piece", () => {
    const reader = new FrameReader();
    const whole = data(true, "hello");
    reader.push(whole.subarray(0, 10));
    assert.equal(reader.next(), true);
    assert.deepEqual([reader.type, reader.flags], [FrameType.DATA, 0]);
    assert.equal(reader.payload().toString(), "he");
    assert.equal(reader.next(), false);
    assert.equal(reader.empty, false);
    reader.push(whole.subarray(10));
    assert.equal(reader.next(), true);
    assert.equal(reader.flags, Flag.END);
    assert.equal(reader.payload().toString(), "llo");
    assert.equal(reader.next(), false);
    assert.equal(reader.empty, true);
  });

  it("gives a whole frame in place, without a copy", () => {
    const reader = new FrameReader();
    const chunk = Buffer.concat([data(true, "abc"), data(true, "def")]);
    reader.push(chunk);
    assert.ok(reader.next() && reader.next());
    assert.equal(reader.buffer, chunk);
    assert.deepEqual([reader.start, reader.end], [19, 22]);
  });

  it("takes a chunk before the one before was read to its end", () => {
    const reader = new FrameReader();
    reader.push(data(true, "abc"));
    reader.push(data(true, "def"));
    assert.ok(reader.next());
    assert.equal(reader.payload().toString(), "abc");
    assert.ok(reader.next());
    assert.equal(reader.payload().toString(), "def");
  });

  it("reads a payload of the greatest length in small chunks", () => {
    const text = "x".repeat(WireNumber.MAX_MESSAGE_BYTES - 1);
    const log: Frame = { type: "LOG", level: 6, text };
    const whole = encodeFrames([log], WireNumber.MAX_MESSAGE_BYTES + 8);
    const chunks: Buffer[] = [];
    for (let at = 0; at < whole.length; at += 1000) chunks.push(whole.subarray(at, at + 1000));
    assert.deepEqual(decodeChunks(chunks), { frames: [log] });
  });

  it("refuses a payload that is too long before any of it came", () => {
    const reader = new FrameReader();
    reader.push(frameHeader(FrameType.LOG, WireNumber.MAX_MESSAGE_BYTES + 1));
    assert.throws(() => reader.next(), { code: "TENON_ERR_WIRE_TOO_LONG" });
  });

  it("is empty at first, and between frames only", () => {
    const reader = new FrameReader();
    assert.equal(reader.empty, true);
    const close = Buffer.alloc(8);
    encodeClose(close, 0);
    for (let size = 1; size < close.length; size++) {
      const cut = new FrameReader();
      cut.push(close.subarray(0, size));
      assert.equal(cut.next(), false);
      assert.equal(cut.empty, false);
    }
  });
});
