// SPDX-License-Identifier: Apache-2.0
// Many open WebSockets, and what becomes of them when a process that they lead through ends.
import assert from "node:assert/strict";
import { once } from "node:events";
import { join } from "node:path";
import { type RawData, WebSocket } from "ws";
import { ask, open } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { alive, waitUntil } from "../helpers/processes.ts";

const applications = join(root, "test", "applications");
const SERVICE_RESTART = 1012;
/** Sockets that are open at once. */
const MANY = { event: 500, worker: 500, prefork: 100 } as const;
/** Longest answer to an ordinary request beside them, ms. */
const QUICK_MS = 2000;

// While old processes of httpd end, new ones need room beside them. None is ended for having nothing to do.
const size = {
  event:
    "StartServers 9\nThreadsPerChild 64\nMaxRequestWorkers 640\nMaxSpareThreads 640\nServerLimit 24",
  worker:
    "StartServers 9\nThreadsPerChild 64\nMaxRequestWorkers 640\nMaxSpareThreads 640\nServerLimit 24",
  prefork:
    "StartServers 110\nMaxRequestWorkers 256\nServerLimit 256\nMinSpareServers 32\nMaxSpareServers 128",
} as const;

function directives(environment: string): string {
  const one =
    "TenonProcesses 1 1\nTenonConcurrency 1000\nTenonQueueLength 1000\nTenonThreads 90%\nTenonGracefulTimeout 3s";
  return [
    pool("ws", `${one}\nTenonEnv KIND ${environment}`, join(applications, "websocket.ts")),
    pool("ending", `${one}\nTenonEnv KIND ${environment}`, join(applications, "terminating.ts")),
    pool("plain", "TenonProcesses 1 1"),
  ].join("\n");
}

for (const mpm of ["event", "worker", "prefork"] as const) {
  describe(`tunnels under the ${mpm} MPM`, () => {
    let httpd: TestHttpd;
    let configurations = 0;

    before(async () => {
      httpd = await startHttpd({ mpm, size: size[mpm], text: () => directives("first") });
    });
    after(() => httpd.stop());

    /** Breaks off what waits for a message that cannot come any more. */
    function untilClosed(socket: WebSocket): AbortSignal {
      const closed = new AbortController();
      socket.once("close", (code) => closed.abort(new Error(`closed with ${code}`)));
      return closed.signal;
    }

    async function opened(path = "/ws/"): Promise<WebSocket> {
      const socket = new WebSocket(`${httpd.url.replace(/^http/, "ws")}${path}`);
      await once(socket, path === "/ws/" ? "message" : "open", { signal: untilClosed(socket) });
      return socket;
    }

    async function echoed(socket: WebSocket, message: string): Promise<string> {
      const answer = once(socket, "message", { signal: untilClosed(socket) }) as Promise<[RawData]>;
      socket.send(message);
      return String((await answer)[0]);
    }

    /** Close codes of sockets, and whether each close was clean on the wire. */
    function closeCodes(sockets: readonly WebSocket[]): Promise<number[]> {
      return Promise.all(sockets.map(async (socket) => (await once(socket, "close"))[0]));
    }

    function openedMany(count: number): Promise<WebSocket[]> {
      return Promise.all(Array.from({ length: count }, () => opened()));
    }

    function workerOf(name: string): number {
      const [pid] = httpd.workersOf(name);
      assert.ok(pid !== undefined, `no worker of ${name}`);
      return pid;
    }

    async function reconfigure(): Promise<void> {
      configurations += 1;
      httpd.configure(() => directives(`configuration-${configurations}`));
      await httpd.graceful();
    }

    it(`has ${MANY[mpm]} WebSockets echo beside ordinary requests, which stay quick`, async () => {
      const sockets = await openedMany(MANY[mpm]);
      const messages = sockets.map((_, index) => `message ${index}`);
      const echoes = Promise.all(
        sockets.map((socket, index) => echoed(socket, `${messages[index]}`)),
      );
      for (const path of ["/plain/pid", "/ws/", "/plain/pid", "/ws/"]) {
        const began = performance.now();
        assert.equal((await ask(`${httpd.url}${path}`)).status, 200);
        assert.ok(performance.now() - began < QUICK_MS, `${path} was slow`);
      }
      assert.deepEqual(await echoes, messages);
      const codes = closeCodes(sockets);
      for (const socket of sockets) socket.close(1000);
      assert.ok((await codes).every((code) => code === 1000));
    });

    it("closes WebSockets with 1012 at a graceful restart and lets httpd's old processes go", async () => {
      const sockets = await openedMany(20);
      const worker = workerOf("ws");
      const { children } = httpd.processes();
      const codes = closeCodes(sockets);
      await httpd.graceful();
      assert.deepEqual(new Set(await codes), new Set([SERVICE_RESTART]));
      await waitUntil("the end of httpd's old processes", () => !children.some(alive));
      assert.equal(workerOf("ws"), worker, "the worker's configuration had not changed");
      const socket = await opened();
      assert.equal(await echoed(socket, "again"), "again");
      socket.close();
      await once(socket, "close");
    });

    it("closes WebSockets with 1012 when a changed configuration replaces their worker", async () => {
      const sockets = await openedMany(20);
      const worker = workerOf("ws");
      const codes = closeCodes(sockets);
      await reconfigure();
      assert.deepEqual(new Set(await codes), new Set([SERVICE_RESTART]));
      await waitUntil("the end of the old worker", () => !alive(worker));
      const socket = await opened();
      assert.notEqual(workerOf("ws"), worker);
      socket.close();
      await once(socket, "close");
    });

    it("closes WebSockets with 1012 when their worker gets SIGTERM", async () => {
      const sockets = await openedMany(20);
      const worker = workerOf("ws");
      const codes = closeCodes(sockets);
      process.kill(worker, "SIGTERM");
      assert.deepEqual(new Set(await codes), new Set([SERVICE_RESTART]));
      await waitUntil("the end of the worker", () => !alive(worker));
    });

    it("leaves the closing of its sockets to an application that hears SIGTERM", async () => {
      const sockets = await Promise.all([opened("/ending/"), opened("/ending/")]);
      const worker = workerOf("ending");
      const codes = closeCodes(sockets);
      process.kill(worker, "SIGTERM");
      assert.deepEqual(await codes, [4000, 4000]);
      await waitUntil("the end of the worker", () => !alive(worker));
    });

    it("tells an application that its worker is replaced by SIGTERM, and lets it finish its work", async () => {
      const worker = Number((await ask(`${httpd.url}/ending/`)).text);
      const log = httpd.log();
      const since = log.mark();
      const slow = open(`${httpd.url}/ending/slow`);
      const answer = once(slow, "response");
      slow.end();
      await log.waitFor(/TN0220: .*slow has begun/, { since });
      await reconfigure();
      const [response] = await answer;
      assert.equal(response.statusCode, 200);
      response.resume();
      const own = new RegExp(`\\[ending \\d ${worker}\\] `);
      await log.waitFor(new RegExp(`TN0217: ${own.source}exited with code 0`), { since });
      const lines = log.lines().filter((line) => /TN0220/.test(line) && own.test(line));
      const said = lines.map((line) =>
        line.slice(line.indexOf(`${worker}] `) + `${worker}] `.length),
      );
      assert.deepEqual(said.slice(1), ["told to end", "closed", "finished its own work"]);
    });
  });
}
