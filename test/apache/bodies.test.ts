// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Readable } from "node:stream";
import { ask, exchangeBytes, head, open, rest } from "../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { privateMemory } from "../helpers/processes.ts";

const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const piece = Buffer.alloc(65_536, "tenon ");

/** One child and one worker, so that all memory is in two processes. */
const ONE_CHILD =
  "StartServers 1\nServerLimit 1\nThreadsPerChild 16\nMaxRequestWorkers 16\nMinSpareThreads 1\nMaxSpareThreads 16";

function* pieces(count: number): Generator<Buffer> {
  for (let left = count; left > 0; left -= piece.length) {
    yield left < piece.length ? piece.subarray(0, left) : piece;
  }
}

function hashOf(count: number): string {
  const hash = createHash("sha256");
  for (const part of pieces(count)) hash.update(part);
  return hash.digest("hex");
}

describe("bodies through httpd", () => {
  let httpd: TestHttpd;
  let url: string;

  before(async () => {
    httpd = await startHttpd({ text: pool("probe", "TenonProcesses 1 1"), size: ONE_CHILD });
    url = `${httpd.url}/probe`;
  });
  after(() => httpd.stop());

  /** Runs something and gives by how many bytes each process's private memory grew at most meanwhile. */
  async function growth(run: () => Promise<void>): Promise<{ child: number; worker: number }> {
    const { children, workers } = httpd.processes();
    assert.equal(children.length, 1);
    assert.equal(workers.length, 1);
    const pids = { child: children[0] ?? 0, worker: workers[0] ?? 0 };
    const before = { child: privateMemory(pids.child), worker: privateMemory(pids.worker) };
    const most = { ...before };
    const look = (): void => {
      most.child = Math.max(most.child, privateMemory(pids.child));
      most.worker = Math.max(most.worker, privateMemory(pids.worker));
    };
    const timer = setInterval(look, 50);
    try {
      await run();
      look();
    } finally {
      clearInterval(timer);
    }
    return { child: most.child - before.child, worker: most.worker - before.worker };
  }

  function assertFlat(grown: { child: number; worker: number }): void {
    assert.ok(grown.child < 16 * MIB, `the child grew by ${grown.child / MIB} MiB`);
    assert.ok(grown.worker < 16 * MIB, `the worker grew by ${grown.worker / MIB} MiB`);
  }

  async function upload(count: number): Promise<void> {
    const body = Readable.from(pieces(count), { objectMode: false });
    const headers = { "Content-Length": count };
    const answer = await ask(`${url}/sink`, { method: "POST", headers, body });
    assert.deepEqual(JSON.parse(answer.text), { bytes: count, sha256: hashOf(count) });
  }

  async function download(count: number): Promise<void> {
    const response = await head(open(`${url}/bytes?count=${count}`).end());
    const hash = createHash("sha256");
    let bytes = 0;
    for await (const part of response) {
      bytes += part.length;
      hash.update(part);
    }
    assert.equal(bytes, count);
    assert.equal(hash.digest("hex"), hashOf(count));
  }

  it("takes 1 GiB up with flat memory in httpd's child and in the worker", async function () {
    this.timeout(240_000);
    await upload(128 * MIB);
    assertFlat(await growth(() => upload(GIB)));
  });

  it("sends 1 GiB down with flat memory in httpd's child and in the worker", async function () {
    this.timeout(240_000);
    await download(128 * MIB);
    assertFlat(await growth(() => download(GIB)));
  });

  it("echoes a body while it is still being sent", async () => {
    const request = open(`${url}/echo`, { method: "POST" });
    request.write("one ");
    const response = await head(request);
    const [first] = await once(response, "data");
    assert.equal(String(first), "one ");
    request.write("two ");
    const [second] = await once(response, "data");
    assert.equal(String(second), "two ");
    request.end("three");
    assert.equal((await rest(response)).text, "three");
  });

  for (const size of [0, 1, 16_383, 16_384, 16_385, 65_536, MIB + 1]) {
    const body = randomBytes(size);
    it(`echoes ${size} bytes of declared length`, async () => {
      const headers = { "Content-Length": size };
      const answer = await ask(`${url}/echo`, { method: "POST", headers, body });
      assert.equal(answer.status, 200);
      assert.ok(answer.body.equals(body));
    });

    it(`echoes ${size} bytes in chunks`, async () => {
      const headers = { "Transfer-Encoding": "chunked" };
      const answer = await ask(`${url}/echo`, { method: "POST", headers, body });
      assert.equal(answer.status, 200);
      assert.ok(answer.body.equals(body));
    });
  }

  it("answers HEAD with the head of GET, and the connection goes on", async () => {
    const request = (method: string, more = ""): string =>
      `${method} /probe/status?code=200&body=hello&length=5 HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
    const bytes = request("HEAD") + request("GET", "Connection: close\r\n");
    const { text } = await exchangeBytes(httpd.places.port, bytes);
    const [first, second, ...more] = text.split(/(?=HTTP\/1\.1 )/);
    assert.match(first ?? "", /^HTTP\/1\.1 200 OK\r\n.*Content-Length: 5\r\n(.*\r\n)?\r\n$/s);
    assert.match(second ?? "", /^HTTP\/1\.1 200 OK\r\n.*\r\n\r\nhello$/s);
    assert.deepEqual(more, []);
  });

  for (const code of [204, 304]) {
    it(`answers ${code} without a body, and the connection goes on`, async () => {
      const bytes =
        `GET /probe/status?code=${code} HTTP/1.1\r\nHost: a\r\n\r\n` +
        "GET /probe/status?code=200&body=next HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
      const { text } = await exchangeBytes(httpd.places.port, bytes);
      const [first, second, ...more] = text.split(/(?=HTTP\/1\.1 )/);
      assert.match(first ?? "", new RegExp(`^HTTP/1\\.1 ${code} .*\\r\\n\\r\\n$`, "s"));
      assert.doesNotMatch(first ?? "", /Transfer-Encoding/);
      assert.match(second ?? "", /next/);
      assert.deepEqual(more, []);
    });
  }

  it("sends 100 Continue when the application reads", async () => {
    const request = open(`${url}/echo`, {
      method: "POST",
      headers: { Expect: "100-continue", "Content-Length": 5 },
    });
    request.flushHeaders();
    await once(request, "continue");
    request.end("hello");
    assert.equal((await rest(await head(request))).text, "hello");
  });

  it("sends no 100 Continue when the application answers without reading", async () => {
    const request = open(`${url}/early`, {
      method: "POST",
      headers: { Expect: "100-continue", "Content-Length": 5 },
    });
    let continued = false;
    request.on("continue", () => {
      continued = true;
    });
    request.flushHeaders();
    assert.equal((await rest(await head(request))).text, "early");
    assert.equal(continued, false);
    request.destroy();
  });

  it("gives an early answer while a long body is still being sent", async () => {
    const body = Readable.from(pieces(32 * MIB), { objectMode: false });
    const headers = { "Content-Length": 32 * MIB };
    const answer = await ask(`${url}/early`, { method: "POST", headers, body });
    assert.equal(answer.text, "early");
  });

  it("passes headers on as they are, several Set-Cookie too", async () => {
    const answer = await ask(`${url}/cookies`);
    assert.deepEqual(answer.headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal(answer.headers["x-probe"], "yes");
    assert.ok(answer.rawHeaders.includes("X-Probe"));
  });
});
