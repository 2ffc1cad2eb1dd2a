// SPDX-License-Identifier: Apache-2.0
// What counts as a thread of httpd that a pool holds, and for how long.
import assert from "node:assert/strict";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import http from "node:http";
import net from "node:net";
import { join } from "node:path";
import { ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

const applications = join(root, "test", "applications");
const hanging = join(applications, "hanging.ts");
const LIMIT = 3;
const CLIENTS = 8;
const one = `TenonProcesses 1 1
TenonThreads ${LIMIT}`;

/** Two children, of which one has room for all that the pools may hold. */
const size = `ServerLimit 4
StartServers 2
ThreadLimit 32
ThreadsPerChild 32
MaxRequestWorkers 64
MinSpareThreads 1
MaxSpareThreads 64`;

const text = (more = ""): string => `
${pool("hangs", `${one}\n${more}`, hanging)}
${pool("tunnels", one, join(applications, "tunnel.ts"))}
${pool("logs", `${one}\nTenonLogMemory 64K\nTenonLogOverflow wait 60`, hanging)}
${pool("roomy", "TenonProcesses 1 1\nTenonThreads 1\nTenonLogOverflow wait 60", hanging)}
<Location "/hooked">
  TenonHook access_checker hangs#accessChecker timeout=1h
</Location>
RewriteEngine On
RewriteMap lookup tenon:hangs#lookup
RewriteRule ^/mapped/(.*)$ \${lookup:$1}
<Location "/filtered">
  TenonHook output_filter hangs#outputFilter timeout=1h
</Location>
<Location "/hangs/through">
  TenonHook output_filter hangs#through timeout=1h
</Location>
<Location "/logged">
  TenonHook log_transaction logs#logTransaction
</Location>
<Location "/noted">
  TenonHook log_transaction roomy#note
</Location>
<Location "/status">
  SetHandler server-status
</Location>`;

describe("threads that a pool holds", () => {
  let httpd: TestHttpd;
  const sockets = new Set<net.Socket>();

  before(async () => {
    httpd = await startHttpd({ size, load: ["status", "rewrite"], text: text() });
    httpd.expectLog("TN0060");
    for (const name of ["hooked", "filtered", "logged", "noted"])
      writeFileSync(join(httpd.places.directory, "htdocs", name), `${name}\n`);
    await Promise.all(
      ["hangs", "tunnels", "logs", "roomy"].map((name) => httpd.waitForReady(name, 1)),
    );
  });
  after(() => httpd.stop());

  afterEach(async () => {
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    for (const number of [0, 1]) await waitForThreads(0, number);
  });

  async function threads(number: number): Promise<number> {
    const page = (await ask(`${httpd.url}/status?auto`)).text;
    return Number(new RegExp(`^TenonPool\\[${number}\\]Threads: (\\d+)$`, "m").exec(page)?.[1]);
  }

  async function waitForThreads(count: number, number = 0): Promise<void> {
    await waitUntil(`${count} threads`, async () => (await threads(number)) === count, {
      explain: () => httpd.log().tail(),
    });
  }

  /** Sends a request and reads no more than the beginning of what comes. */
  async function send(
    path: string,
    headers = "",
  ): Promise<{ readonly socket: net.Socket; text: () => string }> {
    let text = "";
    const socket = net.connect(httpd.places.port, "127.0.0.1");
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("data", (piece: Buffer) => {
      text += piece.toString("latin1", 0, 100);
      socket.pause();
    });
    await once(socket, "connect");
    socket.write(`GET ${path} HTTP/1.1\r\nHost: a\r\n${headers}\r\n`);
    return { socket, text: () => text };
  }

  /** More clients than the pool may have threads: so many are held, and all others are refused. */
  async function assertHolds(
    path: string,
    refused: string,
    number = 0,
    headers = "",
  ): Promise<void> {
    const clients = await Promise.all(Array.from({ length: CLIENTS }, () => send(path, headers)));
    await waitForThreads(LIMIT, number);
    const told = (): number =>
      clients.filter(({ text }) => text().startsWith(`HTTP/1.1 ${refused}`)).length;
    await waitUntil("the refusals", () => told() === CLIENTS - LIMIT, {
      explain: () => clients.map(({ text }) => text()).join("\n"),
    });
    assert.equal(await threads(number), LIMIT);
  }

  it("are those of requests that wait for an answer", () => assertHolds("/hangs/never", "503"));

  it("are those of answers that have begun", () => assertHolds("/hangs/begun", "503"));

  it("are those of clients that read slowly", () => assertHolds("/hangs/large", "503"));

  it("are those of WebSockets and other tunnels", () =>
    assertHolds("/tunnels/", "503", 1, "Connection: Upgrade\r\nUpgrade: echo\r\n"));

  it("are those of hooks", () => assertHolds("/hooked", "503"));

  it("are those of maps of mod_rewrite", () => assertHolds("/mapped/key", "4"));

  it("are those of filters", () => assertHolds("/filtered", "503"));

  it("are those of requests that wait for room for their log record", async () => {
    // Longer targets fill the memory for records sooner.
    const target = `/logged?${"x".repeat(7000)}`;
    const clients: Promise<unknown>[] = [];
    for (let sent = 0; sent < 200 && (await threads(2)) < LIMIT; sent++) {
      const { socket } = await send(target, "Connection: close\r\n");
      clients.push(once(socket.resume(), "close"));
    }
    await waitForThreads(LIMIT, 2);
    // The next do not wait, and end at once: their records are dropped.
    httpd.expectLog("TN0111", "TN0115");
    assert.equal((await ask(`${httpd.url}${target}`)).text, "logged\n");
    const [worker] = httpd.workersOf("logs");
    assert.ok(worker);
    process.kill(worker, "SIGUSR2");
    await waitForThreads(0, 2);
    await Promise.all(clients);
  });

  it("are not those of requests that have room for their log record", async () => {
    const agent = new http.Agent({ keepAlive: true });
    let asking = true;
    const clients = Array.from({ length: CLIENTS }, async () => {
      while (asking) assert.equal((await ask(`${httpd.url}/noted`, { agent })).text, "noted\n");
    });
    try {
      for (let sent = 0; sent < 300; sent++)
        assert.equal((await ask(`${httpd.url}/roomy/`, { agent })).status, 200, `request ${sent}`);
    } finally {
      asking = false;
      await Promise.all(clients);
      agent.destroy();
    }
  });

  it("count once for a request that has a handler and a filter of the pool", async () => {
    await send("/hangs/through/begun");
    const second = await send("/hangs/through/begun");
    await waitUntil("the answer", () => second.text().startsWith("HTTP/1.1 200"));
    assert.equal(await threads(0), 2);
  });

  it("go on counting in children that finish behind a graceful restart", async () => {
    await send("/hangs/never");
    await waitForThreads(1);
    httpd.configure(text("TenonUmask 027"));
    await httpd.graceful();
    assert.equal(await threads(0), 1);
  });
});
