// SPDX-License-Identifier: Apache-2.0
// Input filters over the bodies of requests.
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import http2 from "node:http2";
import net, { type AddressInfo } from "node:net";
import { join } from "node:path";
import { Readable } from "node:stream";
import type { HttpdPlaces } from "../../ts/cli/private-httpd.ts";
import { type Answer, ask, exchangeBytes, head, open, rest } from "../helpers/http-client.ts";
import { root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

const application = join(root, "test", "applications", "filters.ts");
const SIZES = [1, 8191, 8192, 8193, 65_535, 65_536, 65_537, 327_680, 1_048_577];
const made: Record<string, (body: string) => string> = {
  upperBody: (body) => body.toUpperCase(),
  bracketsBody: (body) => `[${body}]`,
  replacedBody: () => "replaced",
  untouchedBody: (body) => body,
};

function letters(size: number): string {
  return "The quick brown fox. ".repeat(Math.ceil(size / 21)).slice(0, size);
}

/** Compares long texts without printing them. */
function same(actual: string, expected: string | undefined): void {
  assert.ok(
    actual === expected,
    `${actual.length} bytes ${actual.slice(0, 80)}, not ${expected?.length} ${expected?.slice(0, 80)}`,
  );
}

function configuration({ htdocs, directory }: HttpdPlaces, backend: number): string {
  const filters = [...Object.keys(made), "refusedBody", "failsLateBody"];
  mkdirSync(join(htdocs, "cgi"));
  const program = join(htdocs, "cgi", "echo.cgi");
  writeFileSync(
    program,
    '#!/bin/sh\necho "Content-Type: text/plain"\necho "X-Length: $CONTENT_LENGTH"\necho\ncat\n',
  );
  chmodSync(program, 0o755);
  const sections = filters.map(
    (name) => `<Location "/tenon/${name}">
  TenonHook input_filter app#${name}
  SetHandler tenon:app
</Location>
<Location "/proxy/${name}">
  TenonHook input_filter app#${name}
  ProxyPass "http://127.0.0.1:${backend}/"
</Location>
Alias /cgi/${name} "${htdocs}/cgi"
<Location "/cgi/${name}">
  TenonHook input_filter app#${name}
</Location>
Alias /dav/${name} "${directory}/dav"
<Location "/dav/${name}">
  TenonHook input_filter app#${name}
  Dav On
</Location>`,
  );
  for (const name of ["dav", "davlock"]) {
    mkdirSync(join(directory, name));
    chmodSync(join(directory, name), 0o777);
  }
  return `LogLevel tenon:debug
TypesConfig /dev/null
AddHandler cgi-script .cgi
DavLockDB "${directory}/davlock/db"
TenonFilter named-upper input app#upperBody
<Directory "${htdocs}">
  Options +ExecCGI
</Directory>
<TenonPool app>
  TenonApp "${application}"
  TenonProcesses 1 1
</TenonPool>
${sections.join("\n")}
<Location "/tenon/named">
  SetInputFilter named-upper
  SetHandler tenon:app
</Location>
<Location "/tenon/limited">
  TenonHook input_filter app#bracketsBody
  LimitRequestBody 100
  SetHandler tenon:app
</Location>
<Location "/tenon/two">
  TenonHook input_filter app#upperBody
  TenonHook input_filter app#bracketsBody
  SetHandler tenon:app
</Location>
<Location "/tenon/both">
  TenonHook input_filter app#bracketsBody
  TenonHook output_filter app#upper
  SetHandler tenon:app
</Location>
<Location "/tenon/when">
  TenonHook input_filter app#upperBody "when=%{REQUEST_METHOD} == 'PUT'"
  SetHandler tenon:app
</Location>`;
}

function makeBackend(): Server {
  return createServer((request, response) => {
    response.setHeader("X-Length", request.headers["content-length"] ?? "");
    response.setHeader("X-Coding", request.headers["transfer-encoding"] ?? "");
    // mod_proxy sends all of a body before it reads of the answer.
    const pieces: Buffer[] = [];
    request.on("data", (piece) => pieces.push(piece));
    request.on("end", () => response.end(Buffer.concat(pieces)));
  });
}

for (const mpm of ["event", "prefork"] as const) {
  describe(`input filters under the ${mpm} MPM`, () => {
    let httpd: TestHttpd;
    let backend: Server;
    before(async () => {
      backend = makeBackend().listen(0, "127.0.0.1");
      await once(backend, "listening");
      const { port } = backend.address() as AddressInfo;
      httpd = await startHttpd({
        mpm,
        tls: true,
        load: [
          mpm === "event" ? "cgid" : "cgi",
          "mime",
          "alias",
          "proxy",
          "proxy_http",
          "dav",
          "dav_fs",
          "authz_host",
        ],
        text: (places) =>
          (mpm === "event" ? `ScriptSock "${places.directory}/run/cgisock"\n` : "") +
          configuration(places, port),
      });
      if (mpm === "prefork") httpd.expectLog("AH10034");
    });
    after(async () => {
      backend.close();
      backend.closeAllConnections();
      await httpd.stop();
    });

    const post = (
      path: string,
      body: string | Readable,
      headers: Record<string, string> = {},
    ): Promise<Answer> => ask(`${httpd.url}${path}`, { method: "POST", headers, body });

    for (const name of Object.keys(made)) {
      for (const size of SIZES) {
        it(`runs ${name} over ${size} bytes for an application, a proxy and CGI`, async () => {
          const body = letters(size);
          const expected = made[name]?.(body);
          for (const coding of ["Content-Length", "Transfer-Encoding"]) {
            const headers = { [coding]: coding === "Content-Length" ? String(size) : "chunked" };
            same((await post(`/tenon/${name}/echo`, body, headers)).text, expected);
            same((await post(`/proxy/${name}`, body, headers)).text, expected);
            // mod_cgi writes all of a body before it reads: a program that answers meanwhile fills the pipe.
            if (size <= 8193)
              same((await post(`/cgi/${name}/echo.cgi`, body, headers)).text, expected);
          }
        });
      }

      it(`runs ${name} for DAV`, async () => {
        const path = `/dav/${name}/file.txt`;
        const put = await ask(`${httpd.url}${path}`, { method: "PUT", body: letters(70_000) });
        assert.ok(put.status === 201 || put.status === 204, put.text);
        const stored = readFileSync(join(httpd.places.directory, "dav", "file.txt"), "latin1");
        same(stored, made[name]?.(letters(70_000)));
      });
    }

    it("shows a handler a length only when it is that of the filtered body", async () => {
      const headers = { "Content-Length": "10" };
      const shown = async (name: string): Promise<(string | undefined)[]> => {
        const seen = JSON.parse((await post(`/tenon/${name}/headers`, letters(10), headers)).text);
        return [seen["content-length"], seen["transfer-encoding"]];
      };
      assert.deepEqual(await shown("upperBody"), [undefined, "chunked"]);
      assert.deepEqual(await shown("replacedBody"), ["8", undefined]);
      assert.deepEqual(await shown("untouchedBody"), ["10", undefined]);
      assert.equal((await post("/cgi/upperBody/echo.cgi", "abc")).headers["x-length"], "");
      assert.equal((await post("/cgi/untouchedBody/echo.cgi", "abc")).headers["x-length"], "3");
      const proxied = await post("/proxy/bracketsBody", letters(100_000));
      assert.equal(proxied.headers["x-coding"], "chunked");
      // mod_proxy counts a short body itself.
      assert.equal((await post("/proxy/bracketsBody", "abc")).headers["x-length"], "5");
    });

    it("refuses a request with the filter's status", async () => {
      for (const path of [
        "/tenon/refusedBody/echo",
        "/proxy/refusedBody",
        "/cgi/refusedBody/echo.cgi",
      ]) {
        assert.equal((await post(path, letters(100_000))).status, 422);
      }
    });

    it("counts the client's bytes for LimitRequestBody", async () => {
      assert.equal((await post("/tenon/limited/echo", letters(100))).text.length, 102);
      httpd.expectLog("AH01588", "TN0012");
      assert.equal((await post("/tenon/limited/echo", letters(101))).status, 413);
    });

    it("runs filters by name, two in the order of the configuration, and beside an output filter", async () => {
      assert.equal((await post("/tenon/named/echo", "abc")).text, "ABC");
      assert.equal((await post("/tenon/two/echo", "abc")).text, "[ABC]");
      assert.equal((await post("/tenon/both/echo", "abc")).text, "[ABC]");
    });

    it("runs by when= of the request", async () => {
      assert.equal((await post("/tenon/when/echo", "abc")).text, "abc");
      assert.equal(
        (await ask(`${httpd.url}/tenon/when/echo`, { method: "PUT", body: "abc" })).text,
        "ABC",
      );
    });

    it("asks the client to go on only when somebody reads", async () => {
      const head = (name: string): string =>
        `POST /tenon/${name} HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`;
      const unread = await exchangeBytes(httpd.places.port, head("upperBody/status?code=200"));
      assert.doesNotMatch(unread.text, /100 Continue/);
      assert.match(unread.text, /^HTTP\/1.1 200 OK/);
      const socket = net.connect(httpd.places.port, "127.0.0.1");
      socket.write(head("upperBody/echo"));
      let text = "";
      socket.on("data", (piece) => {
        text += piece;
        if (text.endsWith("100 Continue\r\n\r\n")) socket.write("abc");
      });
      await once(socket, "end");
      assert.match(text, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK\r\n.*ABC/s);
    });

    it("forwards the last byte of a body behind a channel that was full", async () => {
      const body = letters(1_048_577);
      const client = async (): Promise<void> => {
        for (let count = 0; count < 100; count++) {
          const echoed = await post("/tenon/untouchedBody/echo", body);
          same(echoed.text, body);
        }
      };
      await Promise.all([client(), client(), client(), client()]);
    });

    it("lets a body and its answer run both ways at once", async () => {
      const request = open(`${httpd.url}/tenon/upperBody/pipe`, { method: "POST" });
      request.write("one ");
      const response = await head(request);
      const [first] = (await once(response, "data")) as [Buffer];
      assert.equal(String(first), "ONE ");
      request.end("two");
      assert.equal((await rest(response)).text, "TWO");
    });

    it("answers with an error when a filter fails before the answer", async () => {
      httpd.expectLog("TN0006", "TN0007", "TN0012", "AH01086", "AH01087", "AH01097", "AH01095");
      for (const path of ["/tenon/failsLateBody/echo", "/cgi/failsLateBody/echo.cgi"]) {
        const answer = await post(path, letters(10)).catch((error: Error) => error);
        if (!(answer instanceof Error))
          assert.ok(answer.status >= 500, `${path}: ${answer.status}`);
      }
      await waitUntil("the filter's stack in the log", () =>
        httpd
          .log()
          .lines()
          .some((line) => line.includes("this filter of a body fails")),
      );
    });

    it("takes bodies in many pieces", async () => {
      const pieces = Array.from({ length: 300 }, (_, index) => letters(1 + ((index * 37) % 900)));
      const answer = await post("/tenon/upperBody/echo", Readable.from(pieces));
      same(answer.text, pieces.join("").toUpperCase());
    });

    if (mpm === "event")
      it("runs over HTTP/2", async () => {
        const session = http2.connect(httpd.tlsUrl, { rejectUnauthorized: false });
        for (const size of SIZES) {
          const stream = session.request({
            ":path": "/tenon/bracketsBody/echo",
            ":method": "POST",
          });
          stream.end(letters(size));
          const pieces: Buffer[] = [];
          for await (const piece of stream) pieces.push(piece);
          same(Buffer.concat(pieces).toString(), `[${letters(size)}]`);
        }
        session.close();
      });
  });
}
