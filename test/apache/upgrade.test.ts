// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { type RawData, WebSocket } from "ws";
import { askJson, open } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

const application = join(root, "test", "applications", "websocket.ts");

interface State {
  readonly open: number;
  readonly closed: number[];
}

for (const mpm of ["event", "worker", "prefork"] as const) {
  describe(`WebSockets under the ${mpm} MPM`, () => {
    let httpd: TestHttpd;

    before(async () => {
      httpd = await startHttpd({
        mpm,
        tls: mpm !== "prefork",
        size: mpm === "prefork" ? "" : "ThreadsPerChild 64\nMaxRequestWorkers 256\nServerLimit 4",
        text: () =>
          [
            pool("ws", "TenonProcesses 1 1\nTenonConcurrency 1000", application),
            pool("plain", "TenonProcesses 1 1"),
          ].join("\n"),
      });
      httpd.expectLog("TN0007", "TN0009", "TN0216");
    });
    after(() => httpd.stop());

    function connect(path = "/ws/", base = httpd.url): WebSocket {
      return new WebSocket(`${base.replace(/^http/, "ws")}${path}`, {
        headers: { "X-Own": "header" },
        rejectUnauthorized: false,
      });
    }

    /** Opens a socket and reads its welcome. */
    async function opened(base?: string): Promise<WebSocket> {
      const socket = connect("/ws/", base);
      const [welcome] = (await once(socket, "message")) as [RawData];
      assert.equal(String(welcome), "welcome 127.0.0.1 header");
      return socket;
    }

    async function echoed(socket: WebSocket, message: string | Buffer): Promise<Buffer> {
      const answer = once(socket, "message") as Promise<[Buffer]>;
      socket.send(message);
      return (await answer)[0];
    }

    function state(): Promise<State> {
      return askJson<State>(`${httpd.url}/ws/`);
    }

    it("echoes messages, a binary one of 1 MiB among them", async () => {
      const socket = await opened();
      assert.equal(String(await echoed(socket, "hello")), "hello");
      const large = randomBytes(1_048_576);
      assert.ok((await echoed(socket, large)).equals(large));
      socket.close(1000);
      const [code] = await once(socket, "close");
      assert.equal(code, 1000);
    });

    it("passes ping and pong in both directions", async () => {
      const socket = await opened();
      const pong = once(socket, "pong");
      socket.ping("hello");
      assert.equal(String((await pong)[0]), "hello");
      assert.equal(String(await echoed(socket, "ping")), "pong are you there");
      socket.close();
      await once(socket, "close");
    });

    it("passes the close code of either side", async () => {
      const first = await opened();
      first.send("close");
      const [code, reason] = await once(first, "close");
      assert.equal(code, 4001);
      assert.equal(String(reason), "as ordered");
      const second = await opened();
      second.close(4002);
      await once(second, "close");
      await waitUntil("the close code at the application", async () =>
        (await state()).closed.includes(4002),
      );
    });

    it("tells the application that a client has gone without a word", async () => {
      const { closed } = await state();
      const socket = await opened();
      socket.terminate();
      await waitUntil("the end of the socket", async () => {
        const now = await state();
        return now.open === 0 && now.closed.length > closed.length;
      });
      assert.equal((await state()).closed.at(-1), 1006);
    });

    it("tells the client that the application has cut the socket", async () => {
      const socket = await opened();
      socket.send("terminate");
      const [code] = await once(socket, "close");
      assert.equal(code, 1006);
    });

    it("passes on the answer of an application that refuses", async () => {
      const socket = connect("/ws/refused");
      const [, response] = await once(socket, "unexpected-response");
      assert.equal(response.statusCode, 401);
      let text = "";
      for await (const chunk of response) text += String(chunk);
      assert.equal(text, "refused");
    });

    it("gives an upgrade that nobody listens for to the application as a request", async () => {
      const request = open(`${httpd.url}/plain/pid`, {
        headers: { Connection: "Upgrade", Upgrade: "something-else" },
      });
      request.end();
      const [response] = await once(request, "response");
      assert.equal(response.statusCode, 200);
      response.resume();
      await once(response, "end");
    });

    if (mpm !== "prefork") {
      it("serves WebSockets over TLS", async () => {
        const socket = await opened(httpd.tlsUrl);
        assert.equal(String(await echoed(socket, "secret")), "secret");
        socket.close();
        await once(socket, "close");
      });
    }

    for (const [order, line] of [
      ["die", /TN0009: \[ws \d+ #/],
      ["exit", /TN0007: \[ws \d+ #.*process\.exit\(3\)/],
    ] as const) {
      it(`closes the client's connection when its worker is to ${order}`, async () => {
        const socket = await opened();
        socket.on("error", () => {});
        const since = httpd.log().mark();
        socket.send(order);
        const [code] = await once(socket, "close");
        assert.equal(code, 1006);
        await httpd.waitForLog(line, { since });
      });
    }
  });
}
