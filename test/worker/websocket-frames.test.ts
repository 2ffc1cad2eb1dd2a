// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { closeFrame, WebSocketFrames } from "../../ts/worker/websocket-frames.ts";

/** A frame with a head of RFC 6455, 5.2, for a payload of so many bytes. */
function frame(opcode: number, size: number, masked = false): Buffer {
  const mask = masked ? 0x80 : 0;
  let head = Buffer.of(0x80 | opcode, mask | size);
  if (size > 65535) {
    head = Buffer.alloc(10);
    head.set([0x80 | opcode, mask | 127]);
    head.writeBigUInt64BE(BigInt(size), 2);
  } else if (size > 125) {
    head = Buffer.alloc(4);
    head.set([0x80 | opcode, mask | 126]);
    head.writeUInt16BE(size, 2);
  }
  // Payload that would be read as close frames, were a head ever looked for inside.
  return Buffer.concat([head, Buffer.alloc(masked ? 4 : 0, 1), Buffer.alloc(size, 0x88)]);
}

const frames = [
  frame(1, 0),
  frame(2, 5),
  frame(9, 125),
  frame(2, 126),
  frame(1, 3, true),
  frame(2, 300, true),
  frame(2, 65_536),
];
const bytes = Buffer.concat(frames);
/** Offsets behind a whole frame. */
const borders = new Set<number>();
for (let end = 0, index = 0; index < frames.length; index++) {
  end += frames[index]?.length ?? 0;
  borders.add(end);
}

describe("ts/worker/websocket-frames.ts", () => {
  it("knows at every byte whether it stands between two frames", () => {
    const followed = new WebSocketFrames();
    assert.ok(followed.between);
    for (let at = 0; at < bytes.length; at++) {
      followed.follow(bytes.subarray(at, at + 1));
      assert.equal(followed.between, borders.has(at + 1), `behind byte ${at + 1}`);
    }
    assert.equal(followed.closed, false);
  });

  for (const size of [2, 3, 7, 127, 4096, bytes.length]) {
    it(`takes pieces of ${size} bytes`, () => {
      const followed = new WebSocketFrames();
      for (let at = 0; at < bytes.length; at += size) {
        followed.follow(bytes.subarray(at, at + size));
        assert.equal(followed.between, borders.has(Math.min(at + size, bytes.length)));
      }
    });
  }

  it("sees a close frame, also in pieces", () => {
    const followed = new WebSocketFrames();
    const close = closeFrame(1012);
    assert.deepEqual(close, Uint8Array.of(0x88, 2, 0x03, 0xf4));
    followed.follow(frame(1, 10));
    followed.follow(close.subarray(0, 1));
    assert.deepEqual([followed.between, followed.closed], [false, false]);
    followed.follow(close.subarray(1));
    assert.deepEqual([followed.between, followed.closed], [true, true]);
  });
});
