// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import {
  closeSync,
  fstatSync,
  mkdtempSync,
  openSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { FileSender } from "../../ts/channel/file-sender.ts";
import type { FileSource } from "../../ts/channel/file-source.ts";
import { native } from "../../ts/native.ts";
import { Flag, FrameType } from "../../ts/wire/protocol.ts";
import { FrameReader } from "../../ts/wire/reader.ts";
import { decodeFile, encodeFile, encodeLog, FrameBytes } from "../../ts/wire/signal.ts";

const SIZE = 1000;

/** Whether a descriptor is closed. */
function isClosed(fd: number): boolean {
  try {
    fstatSync(fd);
    return false;
  } catch {
    return true;
  }
}

describe("ts/channel/file-sender.ts", () => {
  let folder: string;
  let ends: [number, number];
  let socket: Socket;
  let sender: FileSender;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-sender-"));
    writeFileSync(join(folder, "file"), Buffer.alloc(SIZE, "x"));
    ends = native().createSocketPair();
    socket = new Socket({ fd: ends[0], readable: false, writable: true });
    socket.on("error", () => undefined);
    sender = new FileSender(socket, ends[0]);
  });
  afterEach(() => {
    socket.destroy();
    closeSync(ends[1]);
    rmSync(folder, { recursive: true });
  });

  function source(): FileSource {
    return { descriptor: openSync(join(folder, "file"), "r"), offset: 0, length: SIZE };
  }

  function fileFrame(): Buffer {
    const buffer = Buffer.alloc(FrameBytes.FILE);
    encodeFile(buffer, 0, Flag.END, { offset: 0, length: SIZE });
    return buffer;
  }

  function log(text: string): Buffer {
    const buffer = Buffer.alloc(text.length + 64);
    return buffer.subarray(0, encodeLog(buffer, 0, 6, text));
  }

  /** Reads frames until one of LOG says "last"; empty DATA, which says nothing, is left out. */
  async function receive(): Promise<{ frames: string[]; descriptors: number }> {
    const reader = new FrameReader();
    const frames: string[] = [];
    let descriptors = 0;
    const deadline = performance.now() + 20_000;
    while (!frames.includes("LOG last")) {
      assert.ok(performance.now() < deadline, frames.join());
      const message = native().receiveDescriptors(ends[1]);
      if (message === undefined) {
        await nextTurn();
        continue;
      }
      assert.ok(message.data.length > 0, "the channel ended");
      descriptors += message.descriptors.length;
      for (const fd of message.descriptors) {
        assert.equal(fstatSync(fd).size, SIZE);
        closeSync(fd);
      }
      reader.push(message.data);
      while (reader.next()) {
        const { type, buffer, start, end } = reader;
        if (type === FrameType.FILE) {
          assert.equal(descriptors, 1, "FILE came before its descriptor");
          frames.push(`FILE ${decodeFile(buffer, start, end).length}`);
        } else if (type === FrameType.LOG)
          frames.push(`LOG ${buffer.toString("utf8", start + 1, end)}`);
      }
    }
    return { frames, descriptors };
  }

  it("sends frames and descriptor at once, and closes its own", async () => {
    const file = source();
    sender.send([Buffer.concat([log("head"), fileFrame()])], file);
    assert.equal(sender.waiting, false);
    assert.ok(isClosed(file.descriptor));
    socket.write(log("last"));
    assert.deepEqual(await receive(), {
      frames: ["LOG head", `FILE ${SIZE}`, "LOG last"],
      descriptors: 1,
    });
  });

  it("keeps the order when libuv still has something to write", async () => {
    const text = "x".repeat(200_000);
    for (let at = 0; at < 8; at++) socket.write(log(text));
    assert.ok(socket.writableLength > 0);
    sender.send([Buffer.concat([log("head"), fileFrame()])], source());
    assert.equal(sender.waiting, true);
    sender.queue([log("behind")], undefined);
    sender.queue([log("la"), Buffer.alloc(0)], undefined);
    sender.queue([log("last")], undefined);
    const { frames, descriptors } = await receive();
    assert.equal(descriptors, 1);
    assert.deepEqual(frames.slice(8), [
      "LOG head",
      `FILE ${SIZE}`,
      "LOG behind",
      "LOG la",
      "LOG last",
    ]);
  });

  it("waits for room where the kernel has none", async () => {
    const filler = log("y".repeat(1000));
    let filled = 0;
    try {
      for (;;) filled += writeSync(ends[0], filler) === filler.length ? 1 : Number.NaN;
    } catch (error) {
      assert.equal((error as NodeJS.ErrnoException).code, "EAGAIN");
    }
    assert.equal(socket.writableLength, 0);
    sender.send([fileFrame()], source());
    assert.equal(sender.waiting, true);
    sender.queue([log("last")], undefined);
    const { frames, descriptors } = await receive();
    assert.equal(descriptors, 1);
    assert.deepEqual(frames.slice(filled), [`FILE ${SIZE}`, "LOG last"]);
  });

  it("sends a head that is longer than what travels with a descriptor before it", async () => {
    const long = "z".repeat(60_000);
    sender.send([Buffer.concat([log(long), fileFrame()])], source());
    sender.queue([log("last")], undefined);
    const { frames } = await receive();
    assert.deepEqual(frames.slice(1), [`FILE ${SIZE}`, "LOG last"]);
  });

  it("closes what it does not send", () => {
    const file = source();
    socket.write(Buffer.alloc(4_000_000));
    sender.send([fileFrame()], file);
    assert.equal(isClosed(file.descriptor), false);
    sender.drop();
    assert.ok(isClosed(file.descriptor));
    const late = source();
    socket.destroy();
    sender.send([fileFrame()], late);
    assert.ok(isClosed(late.descriptor));
  });
});
