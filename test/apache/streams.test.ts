// SPDX-License-Identifier: Apache-2.0
// Many streams of HTTP/2 on one connection, and how requests end before their time: the same application under node:http says what must be.
import assert from "node:assert/strict";
import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import http2 from "node:http2";
import net from "node:net";
import { join } from "node:path";
import { ask, askJson, exchangeBytes } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

const app = join(root, "test", "applications", "streams.ts");
const MIB = 1048576;

async function textOf(stream: http2.ClientHttp2Stream): Promise<string> {
  return (await stream.setEncoding("latin1").toArray()).join("");
}

/** What differs between versions of Node or follows from the host's own timing is left out. */
function essence(events: string[]): string[] {
  return events.filter((event) => !event.startsWith("socket close"));
}

describe("streams", () => {
  let httpd: TestHttpd;
  let node: ChildProcess;
  let nodeUrl = "";

  before(async () => {
    httpd = await startHttpd({
      tls: true,
      text: `KeepAliveTimeout 1\n${pool("one", "TenonProcesses 1", app)}`,
    });
    node = fork(app, { stdio: ["ignore", "inherit", "inherit", "ipc"] });
    const [port] = (await once(node, "message")) as [number];
    nodeUrl = `http://127.0.0.1:${port}`;
  });

  after(async () => {
    node.kill("SIGKILL");
    await httpd.stop();
  });

  const bookOf = (base: string, key: string, until: string): Promise<string[]> =>
    askJson<string[]>(`${base}/one/book?of=${key}&until=${encodeURIComponent(until)}`);

  const withSession = async <Value>(
    use: (session: http2.ClientHttp2Session) => Promise<Value>,
    options: http2.SecureClientSessionOptions = {},
  ): Promise<Value> => {
    const session = http2.connect(httpd.tlsUrl, { rejectUnauthorized: false, ...options });
    session.on("error", () => undefined);
    try {
      return await use(session);
    } finally {
      session.destroy();
    }
  };

  describe("of HTTP/2", () => {
    it("run side by side, a hundred on one connection", async () => {
      await withSession(async (session) => {
        const answers = Array.from({ length: 100 }, async (_, number) => {
          const stream = session.request({ ":path": "/one/echo", ":method": "POST" });
          stream.end(`body ${number}`);
          return await textOf(stream);
        });
        const texts = await Promise.all(answers);
        assert.deepEqual(
          texts,
          texts.map((_, number) => `body ${number}`),
        );
      });
    });

    it("go both ways at once", async () => {
      await withSession(async (session) => {
        const stream = session.request({ ":path": "/one/echo", ":method": "POST" });
        stream.setEncoding("latin1");
        for (const text of ["one", "two", "three"]) {
          stream.write(text);
          assert.deepEqual(await once(stream, "data"), [text]);
        }
        stream.end();
        await once(stream, "end");
      });
    });

    for (const head of ["", "&head"]) {
      it(`that are reset reach the application as an abort at once${head && ", its answer begun"}`, async () => {
        const key = `reset${head.slice(1)}`;
        await withSession(async (session) => {
          const stream = session.request({ ":path": `/one/wait?key=${key}${head}` });
          stream.on("error", () => undefined);
          await bookOf(httpd.url, key, "begun");
          const before = performance.now();
          stream.close(http2.constants.NGHTTP2_CANCEL);
          const events = await bookOf(httpd.url, key, "response close false");
          assert.ok(events.includes("request aborted"));
          assert.ok(performance.now() - before < 5000);
          const other = session.request({ ":path": "/one/echo", ":method": "POST" });
          other.end("goes on");
          assert.equal(await textOf(other), "goes on");
        });
      });
    }

    for (const what of ["response", "request", "socket"]) {
      for (const begun of ["", "head&"]) {
        it(`are reset when the application destroys its ${what} (${begun}), and the others go on`, async () => {
          httpd.expectLog("TN0006");
          await withSession(async (session) => {
            const other = session.request({ ":path": "/one/echo", ":method": "POST" });
            const stream = session.request({ ":path": `/one/destroy?${begun}what=${what}` });
            await assert.rejects(textOf(stream));
            assert.notEqual(stream.rstCode, http2.constants.NGHTTP2_NO_ERROR);
            other.end("goes on");
            assert.equal(await textOf(other), "goes on");
          });
        });
      }
    }

    it("with a client that does not read hold the application up, and others go on", async () => {
      await withSession(async (session) => {
        const slow = session.request({ ":path": "/one/flood?key=flood" });
        slow.on("error", () => undefined);
        await once(slow, "response");
        const written = async (): Promise<number> =>
          Number((await ask(`${httpd.url}/one/flooded`)).text);
        let before = -1;
        let now = await written();
        while (now !== before) {
          before = now;
          const stream = session.request({ ":path": "/one/echo", ":method": "POST" });
          stream.end("beside it");
          assert.equal(await textOf(stream), "beside it");
          now = await written();
        }
        assert.ok(now < 16 * MIB, `${now} bytes written to a client that reads none`);
        slow.close(http2.constants.NGHTTP2_CANCEL);
        await bookOf(httpd.url, "flood", "response close false");
      });
    });
  });

  describe("that end before their time, as under node:http", () => {
    /** Goes when the application has the request. */
    const leave = async (base: string, key: string, query: string): Promise<string[]> => {
      const { port } = new URL(base);
      const socket = net.connect(Number(port), "127.0.0.1");
      socket.on("error", () => undefined);
      const [method, body] = query.includes("body")
        ? ["POST", "Content-Length: 100\r\n\r\nsome"]
        : ["GET", "\r\n"];
      socket.write(`${method} /one/wait?key=${key}${query} HTTP/1.1\r\nHost: a\r\n${body}`);
      await bookOf(base, key, "begun");
      socket.destroy();
      await bookOf(base, key, "request close true");
      return bookOf(base, key, "response close false");
    };

    for (const [name, query] of [
      ["before the answer", ""],
      ["in the middle of the answer", "&head"],
      ["in the middle of its body", "&body"],
    ] as const) {
      it(`by a client that leaves ${name}`, async () => {
        const key = `left${query.slice(1)}`;
        const expected = await leave(nodeUrl, key, query);
        assert.deepEqual(essence(await leave(httpd.url, key, query)), essence(expected));
      });
    }

    for (const what of ["response", "request", "socket"]) {
      for (const query of ["", "&error", "&head", "&head&error"]) {
        it(`by an application that destroys its ${what} (${query.slice(1)})`, async () => {
          httpd.expectLog("TN0006");
          const key = `destroy-${what}${query.replaceAll("&", "-")}`;
          const path = `/one/destroy?what=${what}&key=${key}${query}`;
          const run = async (base: string): Promise<{ events: string[]; text: string }> => {
            const { port } = new URL(base);
            const { text } = await exchangeBytes(
              Number(port),
              `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`,
            );
            const events = await bookOf(base, key, "response close false");
            return { events: essence(events), text };
          };
          const [expected, actual] = [await run(nodeUrl), await run(httpd.url)];
          assert.deepEqual(actual.events, expected.events);
          // What has begun never looks complete; a reset may overtake what came before it.
          if (query.includes("head")) assert.doesNotMatch(actual.text, /\r\n0\r\n/);
          else assert.equal(actual.text, "");
        });
      }
    }
  });
});
