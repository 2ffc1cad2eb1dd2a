// SPDX-License-Identifier: Apache-2.0
// Files while httpd sends them: every MPM and protocol, slow clients, files that change, workers that die.
import assert from "node:assert/strict";
import { once } from "node:events";
import {
  appendFileSync,
  chmodSync,
  mkdtempSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import type http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Readable } from "node:stream";
import type { Mpm } from "../../ts/cli/httpd-config.ts";
import { type Answer, ask, head, open } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { linksOf, waitUntil } from "../helpers/processes.ts";

const MIB = 1024 * 1024;
/** More than all buffers between a worker and a client that does not read. */
const SIZE = 64 * MIB;
const application = join(root, "test", "applications", "files.ts");

/** Reads a body to its end; the length, and whether every byte is the one. */
async function drain(body: Readable, byte: number): Promise<{ length: number; pure: boolean }> {
  let length = 0;
  let pure = true;
  for await (const piece of body as AsyncIterable<Buffer>) {
    length += piece.length;
    pure &&= piece.equals(Buffer.alloc(piece.length, byte));
  }
  return { length, pure };
}

interface Setting {
  readonly mpm: Mpm;
  readonly sendfile: "On" | "Off";
}

const settings: readonly Setting[] = [
  { mpm: "event", sendfile: "On" },
  { mpm: "event", sendfile: "Off" },
  { mpm: "worker", sendfile: "On" },
  { mpm: "prefork", sendfile: "Off" },
];

for (const { mpm, sendfile } of settings) {
  describe(`files while the ${mpm} MPM sends them, EnableSendfile ${sendfile}`, () => {
    let httpd: TestHttpd;
    let folder: string;
    let path: string;

    before(async () => {
      folder = mkdtempSync(join(tmpdir(), "tenon-files-"));
      chmodSync(folder, 0o755);
      path = join(folder, "file");
      httpd = await startHttpd({
        mpm,
        tls: true,
        text: `EnableSendfile ${sendfile}\n${pool("files", "TenonProcesses 1 1\nTenonConcurrency 1", application)}`,
      });
      if (mpm === "prefork") httpd.expectLog("AH10034");
      await httpd.waitForReady("files", 1);
    });
    after(async () => {
      await httpd.stop();
      rmSync(folder, { recursive: true });
    });
    beforeEach(() => writeFileSync(path, Buffer.alloc(SIZE, 1)));

    const target = (): string => `/files/pipe?path=${encodeURIComponent(path)}`;

    function begin(headers: http.OutgoingHttpHeaders = {}): Promise<http.IncomingMessage> {
      return head(
        open(httpd.url + target(), { headers })
          .on("error", () => undefined)
          .end(),
      );
    }

    function beginTls(): Promise<http.IncomingMessage> {
      return head(
        https
          .get(httpd.tlsUrl + target(), { rejectUnauthorized: false, agent: false })
          .on("error", () => undefined),
      );
    }

    /** The descriptors of the file in httpd and in the worker. */
    function openFiles(): string[] {
      const { children, workers } = httpd.processes();
      return [...children, ...workers].flatMap(linksOf).filter((link) => link.startsWith(path));
    }

    afterEach(() => waitUntil("the end of all descriptors", () => openFiles().length === 0));

    it("sends files over HTTP/1.1 and TLS, whole and in ranges", async () => {
      assert.deepEqual(await drain(await begin(), 1), { length: SIZE, pure: true });
      assert.deepEqual(await drain(await beginTls(), 1), { length: SIZE, pure: true });
      const range = await begin({ Range: `bytes=${SIZE - 10}-` });
      assert.equal(range.statusCode, 206);
      assert.deepEqual(await drain(range, 1), { length: 10, pure: true });
    });

    it("needs neither worker nor channel while slow clients read", async () => {
      const slow = await Promise.all([begin(), begin(), begin()]);
      // The pool has one worker that takes one request at a time.
      const answers: Answer[] = [];
      for (let at = 0; at < 3; at++) answers.push(await ask(`${httpd.url}/files/seen`));
      assert.deepEqual(
        answers.map(({ text }) => text),
        ["[]", "[]", "[]"],
      );
      const workers = httpd.processes().workers.flatMap(linksOf);
      assert.ok(!workers.some((link) => link.startsWith(path)));
      for (const response of slow) {
        assert.deepEqual(await drain(response, 1), { length: SIZE, pure: true });
      }
    });

    it("completes a download whose worker was killed", async () => {
      httpd.expectLog("TN0216");
      const response = await begin();
      const [worker = 0] = httpd.workersOf("files");
      process.kill(worker, "SIGKILL");
      await httpd.waitForLog(new RegExp(`TN0216: \\[files 0 ${worker}\\]`));
      assert.deepEqual(await drain(response, 1), { length: SIZE, pure: true });
    });

    it("sends of a file that grows what it had", async () => {
      const response = await begin();
      appendFileSync(path, Buffer.alloc(MIB, 2));
      assert.deepEqual(await drain(response, 1), { length: SIZE, pure: true });
    });

    it("sends the file that was opened when another takes its place", async () => {
      const response = await begin();
      writeFileSync(`${path}.new`, Buffer.alloc(SIZE, 2));
      renameSync(`${path}.new`, path);
      assert.deepEqual(await drain(response, 1), { length: SIZE, pure: true });
    });

    for (const size of [MIB, 0]) {
      it(`aborts when the file is cut to ${size} bytes, and stays up`, async () => {
        httpd.expectLog("TN0040");
        const { children } = httpd.processes();
        const mark = httpd.log().mark();
        for (const start of [begin, beginTls]) {
          const response = await start();
          truncateSync(path, size);
          await assert.rejects(drain(response, 1));
          await httpd.waitForLog(/TN0040: \[files 0 #/, { since: mark });
          writeFileSync(path, Buffer.alloc(SIZE, 1));
        }
        assert.deepEqual(await drain(await begin(), 1), { length: SIZE, pure: true });
        assert.ok(httpd.processes().children.some((pid) => children.includes(pid)));
      });
    }

    it("resets an HTTP/1.0 client when the file is cut off", async () => {
      httpd.expectLog("TN0040");
      const socket = net.connect(httpd.places.port, "127.0.0.1");
      socket.write(`GET /files/between?path=${encodeURIComponent(path)} HTTP/1.0\r\n\r\n`);
      // Once bytes of the file come.
      while (socket.read()?.includes(1) !== true) await once(socket, "readable");
      truncateSync(path, MIB);
      const ended = new Promise((resolve) => {
        socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code));
        socket.once("end", () => resolve("end"));
      });
      socket.resume();
      assert.equal(await ended, "ECONNRESET");
    });

    it("lets go of the file when the client goes", async () => {
      const response = await begin();
      assert.equal(openFiles().length > 0, true);
      response.destroy();
    });

    if (mpm === "prefork") return;

    describe("over HTTP/2", () => {
      let session: http2.ClientHttp2Session;

      beforeEach(() => {
        session = http2.connect(httpd.tlsUrl, { rejectUnauthorized: false });
      });
      afterEach(async () => {
        session.close();
        await once(session, "close");
      });

      async function beginStream(headers: http2.OutgoingHttpHeaders = {}): Promise<{
        stream: http2.ClientHttp2Stream;
        status: unknown;
      }> {
        const stream = session.request({ ":path": target(), ...headers });
        const [fields] = (await once(stream, "response")) as [http2.IncomingHttpHeaders];
        return { stream, status: fields[":status"] };
      }

      it("sends files, many at once, whole and in ranges", async () => {
        writeFileSync(path, Buffer.alloc(4 * MIB, 1));
        const whole = async (): Promise<object> => drain((await beginStream()).stream, 1);
        const read = await Promise.all(Array.from({ length: 12 }, whole));
        for (const each of read) assert.deepEqual(each, { length: 4 * MIB, pure: true });
        const { stream, status } = await beginStream({ range: "bytes=5-9" });
        assert.equal(status, 206);
        assert.deepEqual(await drain(stream, 1), { length: 5, pure: true });
      });

      it("resets the stream when the file is cut off, and the connection goes on", async () => {
        httpd.expectLog("TN0040");
        const { stream } = await beginStream();
        truncateSync(path, 0);
        await assert.rejects(drain(stream, 1));
        writeFileSync(path, Buffer.alloc(MIB, 1));
        const next = await beginStream();
        assert.deepEqual(await drain(next.stream, 1), { length: MIB, pure: true });
      });
    });
  });
}
