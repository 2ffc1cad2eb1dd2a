// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startWorker, WorkerProcess } from "../helpers/worker-process.ts";

const NOBODY = 65534;

describe("bootstrap of a worker", () => {
  let worker: WorkerProcess | undefined;

  afterEach(async () => {
    await worker?.remove();
    worker = undefined;
  });

  async function facts(): Promise<Record<string, unknown>> {
    const answer = await (worker as WorkerProcess).connect().ask({ target: "/facts" });
    return JSON.parse(answer.text) as Record<string, unknown>;
  }

  it("sets umask and directory", async () => {
    const directory = mkdtempSync(join(tmpdir(), "tenon-bootstrap-"));
    worker = await startWorker({ app: "listener.ts", umask: 0o27, directory });
    const { umask, cwd } = await facts();
    assert.equal(umask, 0o27);
    assert.equal(cwd, directory);
    rmSync(directory, { recursive: true });
  });

  it("becomes the pool's user, with its groups and nothing more", async function () {
    if (process.getuid?.() !== 0) this.skip();
    const identity = { uid: NOBODY, gid: NOBODY, groups: [NOBODY] };
    worker = await startWorker({ app: "listener.ts", identity });
    const { uid, euid, gid, groups } = await facts();
    assert.deepEqual(
      { uid, euid, gid, groups },
      { uid: NOBODY, euid: NOBODY, gid: NOBODY, groups: [NOBODY] },
    );
  });

  it("refuses to run as root", async function () {
    if (process.getuid?.() !== 0) this.skip();
    worker = new WorkerProcess({ app: "listener.ts", identity: { uid: 0, gid: 0, groups: [0] } });
    assert.equal((await worker.message("failed")).code, "TENON_ERR_WORKER_ROOT");
    assert.equal((await worker.exited()).code, 1);
  });

  it("refuses an environment that runs code before privileges are dropped", async function () {
    if (process.getuid?.() !== 0) this.skip();
    const identity = { uid: NOBODY, gid: NOBODY, groups: [NOBODY] };
    const environment = { NODE_OPTIONS: "--no-warnings" };
    worker = new WorkerProcess({ app: "listener.ts", identity, environment });
    assert.equal((await worker.message("failed")).code, "TENON_ERR_WORKER_ENVIRONMENT");
  });

  it("says so when the directory is missing", async () => {
    worker = new WorkerProcess({ app: "listener.ts", directory: "/nonexistent-directory" });
    assert.equal((await worker.message("failed")).code, "TENON_ERR_WORKER_DIRECTORY");
  });
});
