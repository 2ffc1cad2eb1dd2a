// SPDX-License-Identifier: Apache-2.0
// What a worker sends of files: FILE where it may, DATA where it must. This host takes no descriptors; test/apache/files.test.ts has one that does.
import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FrameType } from "../../ts/wire/protocol.ts";
import { decodeFile, type FilePiece } from "../../ts/wire/signal.ts";
import { startWorker, type WorkerProcess } from "../helpers/worker-process.ts";

const SIZE = 300_000;

interface Said {
  readonly files: FilePiece[];
  readonly dataBytes: number;
}

describe("files of a worker", () => {
  let folder: string;
  let path: string;
  let worker: WorkerProcess;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), "tenon-files-"));
    chmodSync(folder, 0o755);
    path = join(folder, "file");
    writeFileSync(path, Buffer.alloc(SIZE, "x"));
  });
  after(() => rmSync(folder, { recursive: true }));
  afterEach(() => worker.remove());

  /** Asks and reads the answer's frames to its end. */
  async function ask(app: string, target: string, method = "GET"): Promise<Said> {
    worker = await startWorker({ app });
    const channel = worker.connect();
    await channel.hello();
    channel.request({ method, target });
    const said = { files: [] as FilePiece[], dataBytes: 0 };
    for (;;) {
      const frame = await channel.frame();
      assert.ok(frame, "the channel ended");
      if (frame.type === FrameType.FILE) {
        said.files.push(decodeFile(frame.payload, 0, frame.payload.length));
      } else if (frame.type === FrameType.DATA) said.dataBytes += frame.payload.length;
      if (frame.ended || frame.type === FrameType.END) return said;
    }
  }

  const whole = { files: [{ offset: 0, length: SIZE }], dataBytes: 0 };
  for (const route of ["pipe", "pipeline", "handle", "shared", "express", "api", "opened"]) {
    it(`hands a file over that /files/${route} sends`, async () => {
      assert.deepEqual(await ask("files.ts", `/files/${route}?path=${path}`), whole);
    });
  }

  for (const route of ["web", "handle", "api"]) {
    it(`hands a file over that a Response over it has (${route})`, async () => {
      assert.deepEqual(await ask("files-fetch.ts", `/${route}?path=${path}`), whole);
    });
  }

  it("names the piece that start and end ask for", async () => {
    const said = await ask("files.ts", `/files/pipe?path=${path}&start=1000&end=200999`);
    assert.deepEqual(said, { files: [{ offset: 1000, length: 200_000 }], dataBytes: 0 });
  });

  it("puts a file between the application's own writes", async () => {
    const said = await ask("files.ts", `/files/between?path=${path}`);
    assert.deepEqual(said, { ...whole, dataBytes: "before  behind".length });
  });

  for (const route of ["overridden", "watched", "through", "encoded"]) {
    it(`reads the file itself where the bytes go elsewhere too (${route})`, async () => {
      const said = await ask("files.ts", `/files/${route}?path=${path}`);
      assert.deepEqual(said, { files: [], dataBytes: SIZE });
    });
  }

  it("sends nothing of a file that HEAD asks for", async () => {
    const said = await ask("files.ts", `/files/pipe?path=${path}`, "HEAD");
    assert.deepEqual(said, { files: [], dataBytes: 0 });
  });
});
