// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { FrameType, WireError } from "../../ts/wire/protocol.ts";
import { type Decoded, decodeChunks, encodeFrames } from "./frames.ts";
import { isEncodable, type Vector, vectors } from "./vectors.ts";

function meaning(vector: Vector): Decoded {
  const { frames, error, partial } = vector;
  return {
    frames: [...frames],
    ...(error === undefined ? {} : { error }),
    ...(partial ? { partial } : {}),
  };
}

describe("ts/wire, the vectors", () => {
  for (const vector of vectors) {
    const bytes = Buffer.from(vector.hex, "hex");

    it(`${vector.name}: decodes in one piece`, () => {
      assert.deepEqual(decodeChunks([bytes]), meaning(vector));
    });

    it(`${vector.name}: decodes byte by byte`, () => {
      const chunks = Array.from(bytes, (byte) => Uint8Array.of(byte));
      assert.deepEqual(decodeChunks(chunks), meaning(vector));
    });

    it(`${vector.name}: decodes cut at each offset`, () => {
      for (let cut = 1; cut < bytes.length; cut++) {
        const chunks = [bytes.subarray(0, cut), bytes.subarray(cut)];
        assert.deepEqual(decodeChunks(chunks), meaning(vector), `cut at ${cut}`);
      }
    });

    if (!isEncodable(vector)) continue;

    it(`${vector.name}: encodes to its bytes`, () => {
      assert.equal(encodeFrames(vector.frames, bytes.length).toString("hex"), vector.hex);
    });

    it(`${vector.name}: does not encode into less space`, () => {
      for (let size = 0; size < bytes.length; size++)
        assert.throws(() => encodeFrames(vector.frames, size), {
          code: "TENON_ERR_WIRE_NO_SPACE",
        });
    });
  }
});

describe("test/vectors", () => {
  it("has every frame type, to be decoded and to be encoded", () => {
    const types = vectors.filter(isEncodable).flatMap((v) => v.frames.map((frame) => frame.type));
    assert.deepEqual([...new Set(types)].sort(), Object.keys(FrameType).sort());
  });

  it("has every error that decoding can give", () => {
    const decoding: (keyof typeof WireError)[] = [
      "UNKNOWN_FRAME",
      "TOO_LONG",
      "BAD_FLAGS",
      "BAD_PAYLOAD",
      "BAD_VERSION",
      "BAD_FIELD",
    ];
    const errors = new Set(vectors.flatMap((vector) => vector.error ?? []));
    assert.deepEqual([...errors].sort(), decoding.sort());
    for (const error of decoding) assert.ok(WireError[error]);
  });

  it("names no two vectors alike", () => {
    assert.equal(new Set(vectors.map((vector) => vector.name)).size, vectors.length);
  });
});
