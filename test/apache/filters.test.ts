// SPDX-License-Identifier: Apache-2.0
// Output filters over whatever httpd answers with.
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import type { HttpdPlaces } from "../../ts/cli/private-httpd.ts";
import { type Answer, ask, exchangeBytes, head, open } from "../helpers/http-client.ts";
import { root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

const application = join(root, "test", "applications", "filters.ts");
const SIZES = [0, 1, 8191, 8192, 8193, 16_385, 65_535, 65_536, 65_537, 327_680, 1_048_577];
const STEADY = ["upper", "identity", "steady", "brackets", "headOnly", "measure", "recut"] as const;
const OTHERS = ["asking", "replaced", "emptied", "refused", "ownTag", "slowly"] as const;

function letters(size: number): Buffer {
  return Buffer.alloc(size, "The quick brown fox. ");
}

/** What a filter makes of a body. */
const made: Record<string, (body: string) => string> = {
  upper: (body) => body.toUpperCase(),
  steady: (body) => body.toUpperCase(),
  recut: (body) => body.toUpperCase(),
  identity: (body) => body,
  headOnly: (body) => body,
  brackets: (body) => `[${body}]`,
  measure: (body) => JSON.stringify({ bytes: body.length }),
};

/** Compares long texts without printing them. */
function same(actual: string, expected: string | undefined): void {
  if (actual === expected) return;
  let at = 0;
  while (actual[at] === expected?.[at]) at++;
  const around = (text = ""): string => JSON.stringify(text.slice(Math.max(0, at - 20), at + 40));
  assert.fail(
    `${actual.length} bytes, not ${expected?.length}: at ${at} ${around(actual)}, not ${around(expected)}`,
  );
}

/** A folder of files, an SSI page and a CGI program for each filter. */
function fill(folder: string): void {
  mkdirSync(folder);
  for (const size of SIZES) writeFileSync(join(folder, `${size}.txt`), letters(size));
  writeFileSync(join(folder, "part.txt"), "part");
  writeFileSync(join(folder, "page.shtml"), 'a <!--#include virtual="part.txt" --> b');
  writeFileSync(
    join(folder, "body.cgi"),
    "#!/bin/sh\necho 'Content-Type: text/plain'\necho 'X-Secret: cgi'\necho\necho \"cgi $QUERY_STRING\"\n",
  );
  writeFileSync(
    join(folder, "slow.cgi"),
    "#!/bin/sh\necho 'Content-Type: text/plain'\necho\necho one\nread answer < \"$QUERY_STRING\"\necho two\n",
  );
  for (const name of ["body.cgi", "slow.cgi"]) chmodSync(join(folder, name), 0o755);
  mkdirSync(join(folder, "index"));
  writeFileSync(join(folder, "index", "listed"), "");
}

function configuration(places: HttpdPlaces, backend: number): string {
  const { htdocs } = places;
  const sections = [...STEADY, ...OTHERS].map((name) => {
    fill(join(htdocs, name));
    return `<Location "/${name}">
  TenonHook output_filter app#${name}
</Location>
<Location "/tenon/${name}">
  TenonHook output_filter app#${name}
  SetHandler tenon:app
</Location>
<Location "/proxy/${name}">
  TenonHook output_filter app#${name}
  ProxyPass "http://127.0.0.1:${backend}/${name}"
</Location>`;
  });
  return `LogLevel tenon:debug
CustomLog "${places.logs}/filtered.log" "%U %{FILTERED}e"
ScriptSock "${places.directory}/run/cgisock"
TypesConfig /dev/null
AddType text/plain .txt
AddType text/html .shtml
AddHandler cgi-script .cgi
AddOutputFilter INCLUDES .shtml
TenonFilter named-upper output app#upper
TenonFilter named-brackets output app#brackets
<Directory "${htdocs}">
  Options +Includes +ExecCGI +Indexes
</Directory>
<TenonPool app>
  TenonApp "${application}"
  TenonProcesses 1 1
</TenonPool>
${sections.join("\n")}
Alias /gzip "${htdocs}/upper"
<Location "/gzip">
  TenonHook output_filter app#upper
  SetOutputFilter DEFLATE
</Location>
Alias /named "${htdocs}/identity"
<Location "/named">
  SetOutputFilter named-upper;named-brackets
</Location>
Alias /squeezed "${htdocs}/identity"
<Location "/squeezed">
  SetOutputFilter named-upper;DEFLATE
</Location>
<Location "/repacked">
  SetOutputFilter INFLATE;named-upper;DEFLATE
  ProxyPass "http://127.0.0.1:${backend}/packed"
</Location>
Alias /typed "${htdocs}/identity"
<Location "/typed">
  AddOutputFilterByType named-upper text/html
</Location>
Alias /texts "${htdocs}/identity"
<Location "/texts">
  AddOutputFilterByType named-upper text/plain
</Location>
Alias /when "${htdocs}/identity"
<Location "/when">
  TenonHook output_filter app#upper "when=%{CONTENT_TYPE} == 'text/plain'"
</Location>
Alias /two "${htdocs}/identity"
<Location "/two">
  TenonHook output_filter app#brackets
  TenonHook output_filter app#upper
</Location>
<Location "/errors">
  TenonHook output_filter app#upper errors=on
</Location>
<Location "/plain-errors">
  TenonHook output_filter app#upper
</Location>
<Location "/page-errors">
  ErrorDocument 404 /upper/part.txt
</Location>
<Location "/none">
  TenonHook output_filter app#upper
</Location>
<Location "/none/deep">
  TenonHook output_filter none
</Location>
<Location "/none">
  SetHandler tenon:app
</Location>`;
}

function makeBackend(): Server {
  return createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://a");
    if (request.headers["if-none-match"] === '"b1"') {
      response.writeHead(304).end();
      return;
    }
    response.setHeader("ETag", '"b1"');
    response.setHeader("Content-Type", "text/plain");
    response.setHeader("X-Range", request.headers.range ?? "none");
    if (url.pathname === "/packed") {
      response.setHeader("Content-Encoding", "gzip");
      response.end(gzipSync(letters(8192)));
    } else if (url.searchParams.has("chunks")) {
      for (const piece of ["one ", "two ", "three"]) response.write(piece);
      response.end();
    } else response.end(letters(Number(url.searchParams.get("size") ?? "10")));
  });
}

for (const mpm of ["event", "prefork"] as const) {
  describe(`output filters under the ${mpm} MPM`, () => {
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
          "include",
          "mime",
          "alias",
          "autoindex",
          "proxy",
          "proxy_http",
          "filter",
          "deflate",
          "dir",
        ],
        text: (places) => {
          const text = configuration(places, port);
          return mpm === "event" ? text : text.replace(/^ScriptSock.*$/m, "");
        },
      });
      if (mpm === "prefork") httpd.expectLog("AH10034");
    });
    after(async () => {
      backend.close();
      backend.closeAllConnections();
      await httpd.stop();
    });

    const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
      ask(`${httpd.url}${path}`, { headers });

    for (const name of STEADY) {
      for (const size of SIZES) {
        it(`runs ${name} over a file, a proxied answer and an application's of ${size} bytes`, async () => {
          const expected = made[name]?.(String(letters(size)));
          const file = await get(`/${name}/${size}.txt?seed=${size}`);
          same(file.text, expected);
          same((await get(`/proxy/${name}?size=${size}&seed=7`)).text, expected);
          const own = made[name]?.("tenon ".repeat(174_763).slice(0, size));
          same((await get(`/tenon/${name}/bytes?count=${size}&seed=9`)).text, own);
          const length = file.headers["content-length"];
          if (length !== undefined) assert.equal(Number(length), expected?.length);
        });
      }

      if (mpm === "event")
        it(`runs ${name} over HTTP/2`, async () => {
          const session = http2.connect(httpd.tlsUrl, { rejectUnauthorized: false });
          const texts = await Promise.all(
            SIZES.map(async (size) => {
              const stream = session.request({ ":path": `/${name}/${size}.txt?seed=3` });
              const pieces: Buffer[] = [];
              for await (const piece of stream) pieces.push(piece);
              return Buffer.concat(pieces).toString();
            }),
          );
          session.close();
          assert.deepEqual(
            texts,
            SIZES.map((size) => made[name]?.(String(letters(size)))),
          );
        });

      it(`runs ${name} over CGI, SSI, a listing and chunks of a proxy`, async () => {
        assert.equal((await get(`/${name}/body.cgi?x`)).text, made[name]?.("cgi x\n"));
        assert.equal((await get(`/proxy/${name}?chunks`)).text, made[name]?.("one two three"));
        const plain = (await get("/identity/index/")).text;
        assert.match(plain, /listed/);
        assert.equal(
          (await get(`/${name}/index/`)).text,
          made[name]?.(plain.replaceAll("identity", name)),
        );
      });
    }

    it("filters what SSI includes where httpd's own filters would: in the part and in the page", async () => {
      assert.equal((await get("/brackets/page.shtml")).text, "[a [part] b]");
      assert.equal((await get("/upper/page.shtml")).text, "A PART B");
    });

    it("lets a filter change the head and leave the body, which keeps its length and ranges", async () => {
      const whole = await get("/headOnly/8192.txt");
      assert.equal(whole.headers["x-filter"], "saw 200 text/plain");
      assert.deepEqual(whole.headers["set-cookie"], ["filter=1"]);
      assert.equal(whole.headers["content-length"], "8192");
      assert.equal(whole.headers["accept-ranges"], "bytes");
      const part = await get("/headOnly/8192.txt", { Range: "bytes=4-8" });
      assert.equal(part.status, 206);
      assert.equal(part.text, "quick");
      assert.equal((await get("/headOnly/body.cgi?x")).headers["x-secret"], undefined);
      assert.equal(
        (await get("/headOnly/1.txt", { "If-None-Match": whole.headers.etag ?? "" })).status,
        200,
      );
      const again = await get("/headOnly/8192.txt", { "If-None-Match": whole.headers.etag ?? "" });
      assert.equal(again.status, 304);
      assert.equal(again.headers["x-filter"], "saw 200 text/plain");
    });

    it("lets a filter answer with another status, type and length", async () => {
      const answer = await get("/measure/8192.txt");
      assert.equal(answer.status, 203);
      assert.equal(answer.headers["content-type"], "application/json");
      assert.equal(answer.headers["content-length"], String(answer.body.length));
    });

    it("answers with a body, with none, or with an error in place of the response", async () => {
      assert.equal((await get("/replaced/65536.txt")).text, "replaced");
      const emptied = await get("/emptied/65536.txt");
      assert.equal(emptied.status, 200);
      assert.equal(emptied.body.length, 0);
      for (const path of ["/refused/1.txt", "/proxy/refused", "/tenon/refused/bytes?count=9"]) {
        const refused = await get(path);
        assert.equal(refused.status, 403);
        assert.match(refused.text, /Forbidden/);
      }
    });

    it("answers conditional requests by what the filter says of its body", async () => {
      const tag = (await get("/identity/8192.txt.none")).headers.etag;
      assert.equal(tag, undefined);
      const plain = await get("/upper/8192.txt");
      assert.equal(plain.headers.etag, undefined);
      assert.equal(plain.headers["last-modified"], undefined);
      const source = (await get("/named/../headOnly/8192.txt")).headers;
      for (const condition of [
        { "If-None-Match": source.etag ?? "" },
        { "If-None-Match": "*" },
        { "If-Modified-Since": source["last-modified"] ?? "" },
      ]) {
        assert.equal(
          (await get("/upper/8192.txt", condition as Record<string, string>)).status,
          200,
        );
      }
      assert.equal((await get("/proxy/upper", { "If-None-Match": '"b1"' })).status, 200);

      const steady = await get("/steady/8192.txt");
      assert.match(steady.headers.etag ?? "", /^W\//);
      assert.ok(steady.headers["last-modified"]);
      const known = { "If-None-Match": steady.headers.etag ?? "" };
      const answer = await get("/steady/8192.txt", known);
      assert.equal(answer.status, 304);
      assert.equal(answer.body.length, 0);
      assert.equal(answer.headers.etag, steady.headers.etag);
      assert.equal((await get("/steady/8192.txt", { "If-None-Match": '"other"' })).status, 200);
      assert.equal(
        (
          await get("/steady/8192.txt", {
            "If-Modified-Since": steady.headers["last-modified"] ?? "",
          })
        ).status,
        304,
      );
      assert.equal((await get("/proxy/steady", { "If-None-Match": '"b1"' })).status, 304);
      assert.equal((await get("/ownTag/8192.txt", { "If-None-Match": '"own"' })).status, 304);
      assert.equal((await get("/ownTag/8192.txt")).text, "own");
    });

    it("serves no ranges of a body that a filter makes", async () => {
      for (const path of [
        "/upper/8192.txt",
        "/steady/8192.txt",
        "/proxy/upper?size=8192",
        "/upper/1048577.txt",
      ]) {
        const answer = await get(path, { Range: "bytes=0-9" });
        assert.equal(answer.status, 200);
        assert.equal(answer.headers["accept-ranges"], undefined);
        assert.ok(answer.body.length >= 8192);
        assert.equal(answer.headers["x-range"] ?? "none", "none");
      }
    });

    it("answers HEAD without a length that may be another's", async () => {
      const answer = await ask(`${httpd.url}/upper/8192.txt`, { method: "HEAD" });
      assert.equal(answer.status, 200);
      assert.equal(answer.body.length, 0);
      const left = await ask(`${httpd.url}/headOnly/8192.txt`, { method: "HEAD" });
      assert.equal(left.headers["content-length"], "8192");
      assert.equal(left.headers["x-filter"], "saw 200 text/plain");
    });

    for (const code of [204, 304]) {
      it(`asks about ${code}, which has no body`, async () => {
        const bytes =
          `GET /tenon/headOnly/status?code=${code} HTTP/1.1\r\nHost: a\r\n\r\n` +
          `GET /tenon/upper/status?code=${code} HTTP/1.1\r\nHost: a\r\n\r\n` +
          "GET /tenon/upper/status?code=200 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        const { text } = await exchangeBytes(httpd.places.port, bytes);
        const answers = text.split(/(?=HTTP\/1\.1 )/);
        assert.equal(answers.length, 3);
        assert.match(
          answers[0] ?? "",
          new RegExp(`^HTTP/1.1 ${code} .*X-Filter: saw ${code}`, "si"),
        );
        assert.match(answers[1] ?? "", new RegExp(`^HTTP/1.1 ${code} .*\\r\\n\\r\\n$`, "s"));
        assert.match(answers[2] ?? "", /STATUS$/);
      });
    }

    it("lets a filter ask httpd and change the request", async () => {
      const answer = await get("/tenon/asking/status?code=200");
      assert.equal(answer.headers["x-asked"], "GET handler");
      assert.equal(answer.headers["x-before"], "the question");
      assert.equal(answer.headers["x-behind"], "it");
      assert.equal(answer.headers["x-secret"], undefined);
      assert.equal(answer.text, "STATUS");
      await httpd.log("filtered.log").waitFor(/\/tenon\/asking\/status yes/);
    });

    it("compresses what a filter made", async () => {
      const answer = await get("/gzip/8192.txt", { "Accept-Encoding": "gzip" });
      assert.equal(answer.headers["content-encoding"], "gzip");
      assert.equal(gunzipSync(answer.body).toString(), String(letters(8192)).toUpperCase());
    });

    it("runs filters by name in the order in which they are named, and by type", async () => {
      assert.equal((await get("/named/part.txt")).text, "[PART]");
      assert.equal((await get("/texts/part.txt")).text, "PART");
      const other = await get("/typed/part.txt");
      assert.equal(other.text, "part");
      assert.equal(
        (await get("/typed/part.txt", { "If-None-Match": other.headers.etag ?? "" })).status,
        304,
      );
      assert.equal((await get("/typed/8192.txt", { Range: "bytes=4-8" })).text, "quick");
    });

    it("runs a filter by name before mod_deflate compresses, and on what it has unpacked", async () => {
      const gzip = { "Accept-Encoding": "gzip" };
      for (const path of ["/squeezed/8192.txt", "/repacked"]) {
        const answer = await get(path, gzip);
        assert.equal(answer.headers["content-encoding"], "gzip");
        assert.equal(gunzipSync(answer.body).toString(), String(letters(8192)).toUpperCase());
      }
      const plain = await get("/squeezed/8192.txt");
      assert.equal(plain.headers["content-encoding"], undefined);
      assert.equal(plain.text, String(letters(8192)).toUpperCase());
    });

    it("runs by when= of what is answered", async () => {
      assert.equal((await get("/when/part.txt")).text, "PART");
      assert.match((await get("/when/index/")).text, /listed/);
    });

    it("runs two filters in the order of the configuration, and none where it is ended", async () => {
      assert.equal((await get("/two/part.txt")).text, "[PART]");
      assert.equal((await get("/none/status?code=200")).text, "STATUS");
      assert.equal((await get("/none/deep/status?code=200")).status, 200);
    });

    it("leaves error pages alone, unless told otherwise", async () => {
      assert.match((await get("/plain-errors/x")).text, /not found/i);
      assert.match((await get("/plain-errors/x")).text, /<title>404/);
      assert.match((await get("/errors/x")).text, /<TITLE>404 NOT FOUND/);
      assert.equal((await get("/errors/x")).status, 404);
      const page = await get("/page-errors/x");
      assert.equal(page.status, 404);
      assert.equal(page.text, "PART");
    });

    it("passes on what was filtered as soon as a slow source waits", async () => {
      const fifo = join(httpd.places.directory, "fifo");
      const { execFileSync } = await import("node:child_process");
      execFileSync("mkfifo", [fifo]);
      chmodSync(fifo, 0o666);
      const response = await head(open(`${httpd.url}/upper/slow.cgi?${fifo}`).end());
      const [first] = (await once(response, "data")) as [Buffer];
      assert.equal(String(first), "ONE\n");
      writeFileSync(fifo, "go\n");
      const [second] = (await once(response, "data")) as [Buffer];
      assert.equal(String(second), "TWO\n");
    });

    it("keeps a connection alive behind a filtered answer", async () => {
      const bytes =
        "GET /upper/part.txt HTTP/1.1\r\nHost: a\r\n\r\n" +
        "GET /replaced/1048577.txt HTTP/1.1\r\nHost: a\r\n\r\n" +
        "GET /brackets/part.txt HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
      const { text } = await exchangeBytes(httpd.places.port, bytes);
      assert.equal(text.match(/HTTP\/1\.1 200 OK/g)?.length, 3);
      assert.match(text, /PART.*replaced.*\[part\]/s);
    });
  });
}
