// SPDX-License-Identifier: Apache-2.0
// What of an attack reaches the application, and that the channel behind it stays in step. After each one a canary goes over the same channel: it
// must get its own answer, and tells what the application has seen.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { join } from "node:path";
import { ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { attacks } from "./smuggling-attacks.ts";
import { attacksOverHttp2, http2Bytes, readHttp2 } from "./smuggling-http2.ts";

/** A single channel is used. */
const oneChild =
  "ServerLimit 1\nStartServers 1\nMinSpareThreads 1\nThreadsPerChild 8\nMaxRequestWorkers 8\n";

describe("request smuggling", () => {
  const app = join(root, "test", "applications", "smuggling.ts");
  let httpd: TestHttpd;
  let canaries = 0;

  before(async () => {
    const text = `Protocols h2c http/1.1\nTimeout 5\nKeepAliveTimeout 1\n${pool("one", "TenonProcesses 1", app)}`;
    httpd = await startHttpd({ size: oneChild, tls: true, text });
  });

  after(() => httpd.stop());

  /** Sends all, and gives all that comes until httpd closes or it is enough. */
  const send = async (
    bytes: Buffer,
    enough: (got: Buffer) => boolean = () => false,
  ): Promise<Buffer> => {
    const socket = net.connect(httpd.places.port, "127.0.0.1");
    const pieces: Buffer[] = [];
    socket.setTimeout(30_000, () => socket.destroy(new Error("no byte in time")));
    socket.on("data", (piece) => {
      pieces.push(piece);
      if (enough(Buffer.concat(pieces))) socket.end();
    });
    socket.on("error", () => undefined);
    const closed = once(socket, "close");
    socket.write(bytes);
    await closed;
    return Buffer.concat(pieces);
  };

  /** What the application has seen since the last canary. */
  const canary = async (): Promise<string[]> => {
    const id = `c${++canaries}`;
    const answer = await ask(`${httpd.url}/one/canary?id=${id}`);
    assert.equal(answer.status, 200);
    const told = JSON.parse(answer.text) as { id: string; book: string[] };
    assert.equal(told.id, id, "a canary got the answer of another");
    return told.book;
  };

  for (const { name, bytes, statuses, seen, text } of attacks) {
    it(`${name}: ${statuses.join(", ") || "no answer"}`, async () => {
      const answer = (await send(Buffer.from(bytes, "latin1"))).toString("latin1");
      const lines = [...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code));
      assert.deepEqual(await canary(), seen);
      assert.deepEqual(lines, statuses, answer);
      if (text !== undefined) assert.match(answer, text);
      assert.doesNotMatch(answer, /^X-Evil/m);
    });
  }

  for (const { name, fields, body, outcome, seen } of attacksOverHttp2) {
    it(`HTTP/2, ${name}: ${outcome}`, async () => {
      const decided = (got: Buffer): boolean => readHttp2(got) !== "nothing";
      const answer = readHttp2(await send(http2Bytes(fields, body), decided));
      assert.equal(answer, outcome);
      assert.deepEqual(await canary(), seen);
    });
  }
});
