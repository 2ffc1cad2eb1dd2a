// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { batch } from "../../ts/channel/frame-batch.ts";
import { decodeEnd } from "../../ts/wire/message.ts";
import { Flag, FrameType, frameTypeNames, LogLevel, WireNumber } from "../../ts/wire/protocol.ts";
import { FrameReader } from "../../ts/wire/reader.ts";

interface Read {
  readonly type: string;
  readonly ended: boolean;
  readonly payload: Buffer;
}

/** What a host reads of some parts; the pieces of one DATA frame are several. */
function read(parts: readonly Uint8Array[]): Read[] {
  const reader = new FrameReader();
  const frames: Read[] = [];
  for (const part of parts) {
    reader.push(Buffer.from(part));
    while (reader.next()) {
      frames.push({
        type: frameTypeNames[reader.type] ?? "",
        ended: (reader.flags & Flag.END) !== 0,
        payload: Buffer.from(reader.payload()),
      });
    }
  }
  assert.equal(reader.empty, true);
  return frames;
}

function names(frames: readonly Read[]): string[] {
  return frames.map(({ type, ended }) => (ended ? `${type}+END` : type));
}

describe("frame batch", () => {
  it("makes one buffer of a small response, ended by its last frame", () => {
    batch.response(200, "", ["Content-Type", "text/plain"]);
    assert.equal(batch.data("h\u00e9", undefined), 3);
    batch.markEnd(3);
    const parts = batch.take();
    assert.equal(parts.length, 1);
    const frames = read(parts);
    assert.deepEqual(names(frames), ["RESPONSE", "DATA+END"]);
    assert.equal(frames[1]?.payload.toString(), "h\u00e9");
  });

  it("ends a response without a body at its head", () => {
    batch.response(204, "", []);
    batch.markEnd(0);
    assert.deepEqual(names(read(batch.take())), ["RESPONSE+END"]);
  });

  it("adds END when what came before was taken already, and with trailers", () => {
    batch.data("body", "latin1");
    batch.take();
    batch.markEnd(4);
    batch.end(4, ["X-Sum", "4"]);
    const frames = read(batch.take());
    assert.deepEqual(names(frames), ["END", "END"]);
    const { payload } = frames[1] as Read;
    const end = decodeEnd(payload, 0, payload.length);
    assert.deepEqual(end, { bodyLength: 4, rawTrailers: ["X-Sum", "4"] });
  });

  it("counts the bytes of every encoding", () => {
    assert.equal(batch.data("\u20ac", "utf8"), 3);
    assert.equal(batch.data("\u00e9", "latin1"), 1);
    assert.equal(batch.data("0aff", "hex"), 2);
    assert.equal(batch.data("aGk=", "base64"), 2);
    assert.equal(batch.data("hi", "utf16le"), 4);
    assert.equal(batch.data("\u20ac".repeat(10000), "utf8"), 30000);
    const sizes = read(batch.take()).map(({ payload }) => payload.length);
    assert.deepEqual(sizes, [3, 1, 2, 2, 4, 30000]);
  });

  it("sends long chunks as they are, in frames of the longest length", () => {
    const chunk = Buffer.alloc(WireNumber.MAX_DATA_BYTES + 5, "l");
    assert.equal(batch.data(chunk, undefined), chunk.length);
    batch.markEnd(chunk.length);
    const parts = batch.take();
    assert.equal(parts.length, 4);
    assert.equal(parts[1]?.buffer, chunk.buffer);
    assert.deepEqual(names(read(parts)), ["DATA", "DATA+END"]);
  });

  it("goes on in a new slab when one is full", () => {
    const head = ["X-Long", "x".repeat(5000)];
    for (let number = 0; number < 30; number++) batch.response(200, "", head);
    const frames = read(batch.take());
    assert.equal(frames.length, 30);
    assert.ok(frames.every(({ type, payload }) => type === "RESPONSE" && payload.length > 5000));
  });

  it("cuts texts to what a frame holds", () => {
    batch.log(LogLevel.ERROR, "\u20ac".repeat(200_000));
    const [line] = read(batch.take());
    assert.equal(line?.type, frameTypeNames[FrameType.LOG]);
    assert.ok((line?.payload.length ?? 0) <= WireNumber.MAX_MESSAGE_BYTES);
  });

  it("leaves nothing behind when a head cannot be encoded", () => {
    assert.throws(() => batch.response(200, "", ["bad name", "x"]), {
      code: "TENON_ERR_WIRE_BAD_FIELD",
    });
    assert.deepEqual(batch.take(), []);
  });
});
