// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import http2 from "node:http2";
import https from "node:https";
import { join } from "node:path";
import { ask, askJson, exchangeBytes } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

interface RequestFacts {
  readonly method: string;
  readonly url: string;
  readonly httpVersion: string;
  readonly headers: Record<string, string>;
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly localPort: number;
  readonly encrypted: boolean;
}

/** Makes one request on a session of HTTP/2. */
async function askHttp2(
  session: http2.ClientHttp2Session,
  headers: http2.OutgoingHttpHeaders,
  body?: Buffer,
): Promise<{ status: number; body: Buffer }> {
  const stream = session.request(headers);
  const head = once(stream, "response");
  stream.end(body);
  const [fields] = (await head) as [http2.IncomingHttpHeaders];
  const pieces: Buffer[] = [];
  for await (const piece of stream) pieces.push(piece);
  return { status: Number(fields[":status"]), body: Buffer.concat(pieces) };
}

for (const mpm of ["event", "worker", "prefork"] as const) {
  describe(`protocols under the ${mpm} MPM`, () => {
    let httpd: TestHttpd;

    before(async () => {
      const application = join(root, "test", "applications", "fetch.ts");
      const one = "TenonProcesses 1 1";
      const text = [pool("probe", one), pool("fetch", one, application)].join("\n");
      httpd = await startHttpd({ mpm, tls: true, text });
      // mod_http2 says that it serves no HTTP/2 under prefork.
      if (mpm === "prefork") httpd.expectLog("AH10034");
    });
    after(() => httpd.stop());

    it("serves HTTP/1.0 without a Host header", async () => {
      const { text, ended } = await exchangeBytes(
        httpd.places.port,
        "GET /probe/request HTTP/1.0\r\n\r\n",
      );
      const [head = "", body = ""] = text.split("\r\n\r\n", 2);
      assert.match(head, /^HTTP\/1\.1 200 OK\r\n/);
      assert.doesNotMatch(head, /Transfer-Encoding/i);
      assert.equal(ended, "end");
      const facts = JSON.parse(body) as RequestFacts;
      assert.equal(facts.httpVersion, "1.0");
      assert.equal(facts.headers["host"], undefined);
    });

    it("passes on a status that httpd has no reason phrase for, from any shape of application", async () => {
      for (const code of [299, 418, 499, 599]) {
        assert.equal((await ask(`${httpd.url}/probe/status?code=${code}`)).status, code);
        assert.equal((await ask(`${httpd.url}/fetch/status?code=${code}`)).status, code);
      }
    });

    it("serves HTTP/1.0 with keep-alive when the length is known", async () => {
      const request = (more: string): string =>
        `GET /probe/status?code=200&body=hello&length=5 HTTP/1.0\r\n${more}\r\n`;
      const bytes = request("Connection: keep-alive\r\n") + request("");
      const { text } = await exchangeBytes(httpd.places.port, bytes);
      assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 2);
    });

    it("serves requests of HTTP/1.1 that come in one piece, in order", async () => {
      const paths = ["a", "b", "c", "d"].map((name) => `/probe/status?code=200&body=${name}`);
      const bytes = paths.map(
        (path, at) =>
          `GET ${path} HTTP/1.1\r\nHost: a\r\n${at === 3 ? "Connection: close\r\n" : ""}\r\n`,
      );
      const { text } = await exchangeBytes(httpd.places.port, bytes.join(""));
      const bodies = text.split(/(?=HTTP\/1\.1 200)/).map((part) => part.split("\r\n\r\n").at(-1));
      assert.equal(bodies.length, 4);
      assert.match(bodies.join(), /a.*b.*c.*d/s);
    });

    it("gives the application the facts of the connection and the target as it was sent", async () => {
      const facts = await askJson<RequestFacts>(`${httpd.url}/probe/%7Ea%20b/request?x=%20&y`);
      assert.equal(facts.method, "GET");
      assert.equal(facts.url, "/probe/%7Ea%20b/request?x=%20&y");
      assert.equal(facts.httpVersion, "1.1");
      assert.equal(facts.remoteAddress, "127.0.0.1");
      assert.ok(facts.remotePort > 0);
      assert.equal(facts.localPort, httpd.places.port);
      assert.equal(facts.encrypted, false);
      assert.equal(facts.headers["host"], `127.0.0.1:${httpd.places.port}`);
    });

    it("takes any method", async () => {
      for (const method of ["PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "REPORT"]) {
        const answer = await ask(`${httpd.url}/probe/request`, { method });
        assert.equal(answer.status, 200, `${method}: ${answer.text}`);
        assert.equal((JSON.parse(answer.text) as RequestFacts).method, method);
      }
    });

    it("serves HTTP/1.1 over TLS", async () => {
      const options = { rejectUnauthorized: false, agent: false } as const;
      const request = https.get(`${httpd.tlsUrl}/probe/request`, options);
      const [response] = await once(request, "response");
      const facts = JSON.parse((await response.toArray()).join("")) as RequestFacts;
      assert.equal(facts.encrypted, true);
      assert.equal(facts.httpVersion, "1.1");
      assert.equal(facts.localPort, httpd.places.tlsPort);
    });

    if (mpm === "prefork") return;

    describe("HTTP/2 over TLS", () => {
      let session: http2.ClientHttp2Session;

      before(async () => {
        session = http2.connect(httpd.tlsUrl, { rejectUnauthorized: false });
        await once(session, "connect");
        assert.equal(session.alpnProtocol, "h2");
      });
      after(() => session.destroy());

      it("serves a GET with the facts of the connection", async () => {
        const answer = await askHttp2(session, { ":path": "/probe/request" });
        assert.equal(answer.status, 200);
        const facts = JSON.parse(answer.body.toString()) as RequestFacts;
        // What an application of node:http expects; HTTP/2 is between client and httpd.
        assert.equal(facts.httpVersion, "2.0");
        assert.equal(facts.encrypted, true);
        assert.equal(facts.headers["host"], `localhost:${httpd.places.tlsPort}`);
      });

      it("echoes 3 MiB", async () => {
        const body = randomBytes(3 * 1024 * 1024);
        const answer = await askHttp2(session, { ":path": "/probe/echo", ":method": "POST" }, body);
        assert.equal(answer.status, 200);
        assert.ok(answer.body.equals(body));
      });

      it("echoes a body while it is still being sent", async () => {
        const stream = session.request({ ":path": "/probe/echo", ":method": "POST" });
        const head = once(stream, "response");
        stream.write("one ");
        await head;
        assert.equal(String((await once(stream, "data"))[0]), "one ");
        stream.write("two");
        assert.equal(String((await once(stream, "data"))[0]), "two");
        stream.end();
        await once(stream.resume(), "close");
        assert.equal(stream.rstCode, 0);
      });

      it("serves 40 streams at once on one connection", async () => {
        const bodies = Array.from({ length: 40 }, () => randomBytes(20_000));
        const headers = { ":path": "/probe/echo", ":method": "POST" };
        const answers = await Promise.all(bodies.map((body) => askHttp2(session, headers, body)));
        for (const [at, { status, body }] of answers.entries()) {
          assert.equal(status, 200);
          assert.ok(bodies[at]?.equals(body));
        }
      });

      it("tells the application that a client has gone that resets its stream", async () => {
        const stream = session.request({ ":path": `/probe/hold?name=${mpm}&head` });
        await once(stream, "response");
        stream.close(http2.constants.NGHTTP2_CANCEL);
        assert.equal((await ask(`${httpd.url}/probe/happened?name=${mpm}-gone`)).status, 200);
      });
    });
  });
}
