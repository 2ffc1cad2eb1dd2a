// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { type RawData, WebSocket } from "ws";
import { ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

const application = join(root, "test", "frameworks", "applications", "http-proxy.mjs");
const LARGE = 3_000_000;

describe("http-proxy", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({
      tls: true,
      text: () => pool("proxy", "TenonProcesses 1 1", application),
    });
    await httpd.waitForReady("proxy", 1);
  });
  after(() => httpd.stop());

  async function opened(base: string): Promise<{ socket: WebSocket; welcome: string }> {
    const url = `${base.replace(/^http/, "ws")}/proxy/`;
    const socket = new WebSocket(url, { rejectUnauthorized: false });
    const [welcome] = (await once(socket, "message")) as [RawData];
    return { socket, welcome: String(welcome) };
  }

  it("passes requests on to a backend, and its answers back", async () => {
    const headers = { "X-Own": "value", Cookie: "c=3" };
    const answer = await ask(`${httpd.url}/proxy/some/path?query=1`, { headers });
    assert.equal(answer.status, 202);
    assert.deepEqual(answer.headers["set-cookie"], ["a=1", "b=2"]);
    assert.equal(answer.headers["x-backend"], "yes");
    const seen = JSON.parse(answer.text);
    assert.equal(seen.url, "/proxy/some/path?query=1");
    assert.equal(seen.headers["x-own"], "value");
    assert.equal(seen.headers.cookie, "c=3");
    assert.equal(seen.headers["x-forwarded-for"], "127.0.0.1");
    assert.equal(seen.headers["x-forwarded-proto"], "http");
  });

  it("passes bodies on, with a length and without", async () => {
    const body = randomBytes(LARGE);
    const sized = await ask(`${httpd.url}/proxy/`, { method: "POST", body });
    assert.equal(JSON.parse(sized.text).bytes, LARGE);
    async function* pieces(): AsyncGenerator<Buffer> {
      for (let at = 0; at < LARGE; at += 50_000) yield body.subarray(at, at + 50_000);
    }
    const streamed = await fetch(`${httpd.url}/proxy/`, {
      method: "PUT",
      body: pieces(),
      duplex: "half",
    } as RequestInit);
    assert.equal(((await streamed.json()) as { bytes: number }).bytes, LARGE);
  });

  it("streams answers, and answers by itself when there is no backend", async () => {
    const streamed = await ask(`${httpd.url}/proxy/stream`);
    assert.equal(streamed.text, "first second third");
    const failed = await ask(`${httpd.url}/proxy/gone`);
    assert.equal(failed.status, 502);
    assert.equal(failed.text, "no backend: ECONNREFUSED");
  });

  for (const scheme of ["http", "https"] as const) {
    it(`passes WebSockets on, over ${scheme}`, async () => {
      const { socket, welcome } = await opened(scheme === "http" ? httpd.url : httpd.tlsUrl);
      assert.equal(welcome, `welcome 127.0.0.1 ${scheme === "http" ? "ws" : "wss"}`);
      const large = randomBytes(1_000_000);
      const answer = once(socket, "message") as Promise<[Buffer]>;
      socket.send(large);
      assert.ok((await answer)[0].equals(large));
      socket.close(4000, "done");
      const [code] = await once(socket, "close");
      assert.equal(code, 4000);
    });
  }

  it("has its WebSockets end with 1012 when the worker is replaced", async () => {
    const { socket } = await opened(httpd.url);
    const closed = once(socket, "close");
    process.kill(httpd.workersOf("proxy")[0] as number, "SIGTERM");
    assert.equal((await closed)[0], 1012);
  });
});
