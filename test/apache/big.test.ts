// SPDX-License-Identifier: Apache-2.0
// Bodies of 5 GiB: past every 32-bit count, and far past the memory that any process may take for them.
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ask, head, open } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { privateMemory } from "../helpers/processes.ts";

const MIB = 1024 * 1024;
const SIZE = 5 * 1024 * MIB;
const MOST_GROWTH = 16 * MIB;
/** What is behind the hole of the file. */
const TAIL = "the end of a large file";

/** One child and one worker a pool, so that all memory is in few processes. */
const ONE_CHILD =
  "StartServers 1\nServerLimit 1\nThreadsPerChild 16\nMaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 16";

type Memory = Readonly<Record<"child" | "worker" | "supervisor", number>>;

describe("bodies of 5 GiB through httpd with flat memory", function () {
  this.timeout(300_000);
  let httpd: TestHttpd;
  let folder: string;
  let path: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), "tenon-big-"));
    chmodSync(folder, 0o755);
    path = join(folder, "file");
    writeFileSync(path, "");
    truncateSync(path, SIZE - TAIL.length);
    writeFileSync(path, TAIL, { flag: "a" });
    httpd = await startHttpd({
      size: ONE_CHILD,
      text:
        // httpd takes 1 GiB unless it is told.
        "LimitRequestBody 0\n" +
        pool("probe", "TenonProcesses 1 1") +
        pool("files", "TenonProcesses 1 1", join(root, "test/applications/files.ts")),
    });
    await Promise.all([httpd.waitForReady("probe", 1), httpd.waitForReady("files", 1)]);
  });
  after(async () => {
    await httpd.stop();
    rmSync(folder, { recursive: true });
  });

  function memory(name: string): Memory {
    const { children, supervisor } = httpd.processes();
    const pids = { child: children[0], worker: httpd.workersOf(name)[0], supervisor };
    const of = (pid: number | undefined): number => privateMemory(pid ?? 0);
    return { child: of(pids.child), worker: of(pids.worker), supervisor: of(pids.supervisor) };
  }

  /** Runs something, and fails when a process grew while it ran. */
  async function assertFlat(name: string, run: () => Promise<void>): Promise<void> {
    const before = memory(name);
    let most = { ...before };
    const look = (): void => {
      const now = memory(name);
      most = {
        child: Math.max(most.child, now.child),
        worker: Math.max(most.worker, now.worker),
        supervisor: Math.max(most.supervisor, now.supervisor),
      };
    };
    const timer = setInterval(look, 100);
    try {
      await run();
      look();
    } finally {
      clearInterval(timer);
    }
    const figures = (["child", "worker", "supervisor"] as const).map((process) => {
      const grown = most[process] - before[process];
      assert.ok(grown < MOST_GROWTH, `the ${process} grew by ${grown / MIB} MiB`);
      return `${process} ${(before[process] / MIB).toFixed(1)} + ${(grown / MIB).toFixed(1)} MiB`;
    });
    console.log(`      ${figures.join(", ")}`);
  }

  /** Downloads and counts; nothing is kept. The last bytes of the body. */
  async function download(target: string, size: number): Promise<string> {
    const response = await head(open(httpd.url + target).end());
    assert.equal(response.statusCode, 200);
    let bytes = 0;
    let last = "";
    response.on("data", (piece: Buffer) => {
      bytes += piece.length;
      last = piece.toString("latin1", Math.max(0, piece.length - TAIL.length));
    });
    await once(response, "end");
    assert.equal(bytes, size);
    return last;
  }

  const file = (): string => `/files/pipe?path=${encodeURIComponent(path)}`;

  it("sends a file of 5 GiB down by its descriptor", () =>
    assertFlat("files", async () => {
      await ask(`${httpd.url}/files/seen`);
      assert.ok(TAIL.endsWith((await download(file(), SIZE)).slice(-10)));
    }));

  it("serves ranges near the end of a file of 5 GiB", () =>
    assertFlat("files", async () => {
      for (const range of [`bytes=${SIZE - TAIL.length}-`, `bytes=-${TAIL.length}`]) {
        const answer = await ask(httpd.url + file(), { headers: { Range: range } });
        assert.deepEqual([answer.status, answer.text], [206, TAIL]);
        const expected = `bytes ${SIZE - TAIL.length}-${SIZE - 1}/${SIZE}`;
        assert.equal(answer.headers["content-range"], expected);
      }
    }));

  it("streams 5 GiB down that the application writes", async () => {
    // What the first large body takes for good is not growth.
    await download(`/probe/bytes?count=${64 * MIB}`, 64 * MIB);
    await assertFlat("probe", async () => {
      await download(`/probe/bytes?count=${SIZE}`, SIZE);
    });
  });

  it("takes 5 GiB up", async () => {
    const upload = async (size: number): Promise<void> => {
      const socket = net.connect(httpd.places.port, "127.0.0.1");
      socket.write(
        `POST /files/count HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`,
      );
      const piece = Buffer.alloc(MIB);
      for (let left = size; left > 0; left -= piece.length) {
        if (!socket.write(piece)) await once(socket, "drain");
      }
      let text = "";
      for await (const part of socket) text += part;
      assert.ok(text.endsWith(`\r\n\r\n${size}`), text);
    };
    await upload(64 * MIB);
    await assertFlat("files", () => upload(SIZE));
  });
});
