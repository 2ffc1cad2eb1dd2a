// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import http2 from "node:http2";
import { join } from "node:path";
import { type Answer, type Ask, ask, open } from "../helpers/http-client.ts";
import { pool, probe, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

const app = join(root, "test", "applications", "asking.ts");
const BIG = 20_000_003;

/** What the hook got of a subrequest. */
interface Got {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: number;
  readonly beginning: string;
  readonly digest: string;
  readonly error?: string;
}

const big = Buffer.alloc(BIG, "some bytes, ");
const digestOfBig = createHash("sha256").update(big).digest("hex");

function fill(htdocs: string): void {
  mkdirSync(join(htdocs, "folder"));
  writeFileSync(join(htdocs, "page.txt"), "a page");
  for (const name of ["filtered.txt", "late.txt"]) {
    writeFileSync(join(htdocs, "folder", name), "a page");
  }
  writeFileSync(join(htdocs, "big.bin"), big);
  writeFileSync(join(htdocs, "secret.txt"), "secret");
  writeFileSync(
    join(htdocs, "script.cgi"),
    '#!/bin/sh\nprintf "Content-Type: text/x-method\\n\\n$REQUEST_METHOD $HTTP_X_ONE"\ncat\n',
  );
  chmodSync(join(htdocs, "script.cgi"), 0o755);
}

const text = ({ htdocs }: { htdocs: string }): string => {
  fill(htdocs);
  return `<TenonPool asking>
  TenonApp "${app}"
  TenonProcesses 1 2
</TenonPool>
${pool("probe", "TenonProcesses 1 1", probe)}
${pool("faults", "TenonProcesses 1 1", join(root, "test", "applications", "faults.ts"))}
<TenonPool filters>
  TenonApp "${join(root, "test", "applications", "asking-filters.ts")}"
  TenonProcesses 1 1
</TenonPool>
<Location "/folder/filtered.txt">
  TenonHook output_filter filters timeout=20
</Location>
<Location "/folder/late.txt">
  TenonHook output_filter filters#late timeout=20
</Location>
<Location "/probe/echo">
  TenonHook input_filter filters timeout=20
</Location>
TypesConfig /dev/null
AddType text/plain .txt
AddHandler cgi-script .cgi
SetEnv FROM_HTTPD "a value"
<Directory "${htdocs}">
  Options ExecCGI
</Directory>
<Location "/secret.txt">
  Require all denied
</Location>
<Location "/moved">
  Redirect 302 /page.txt
</Location>
<Location "/ask">
  TenonHook fixups asking timeout=20
</Location>
<Location "/handler">
  SetHandler none
  TenonHook handler asking
</Location>`;
};

const load = ["mime", "cgi", "env", "dir", "alias"];

/** The path that has the hook ask. */
function query(fields: Readonly<Record<string, string | readonly string[]>>): string {
  const pairs = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((text): [string, string] => [name, text as string]),
  );
  return `/ask?${new URLSearchParams(pairs)}`;
}

describe("what a hook asks httpd", () => {
  let httpd: TestHttpd;
  const get = (path: string, options: Ask = {}): Promise<Answer> => ask(httpd.url + path, options);
  const got = async (fields: Parameters<typeof query>[0], options: Ask = {}): Promise<Got> => {
    const answer = await get(query(fields), options);
    assert.equal(answer.status, 200, answer.text);
    return JSON.parse(answer.text) as Got;
  };

  before(async () => {
    httpd = await startHttpd({ text, load });
    for (const name of ["asking", "probe", "faults", "filters"]) await httpd.waitForReady(name, 1);
    httpd.expectLog("AH01630");
  });
  after(() => httpd.stop());

  describe("variable()", () => {
    it("gives strings as expressions have them, several at once and in order", async () => {
      const variable = [
        "%{REQUEST_METHOD} %{HTTP:X-One}",
        "%{toupper:abc}",
        "text",
        "%{reqenv:NOTHING}",
      ];
      const values = await got({ variable }, { headers: { "x-one": "1" } });
      assert.deepEqual(values, ["GET 1", "ABC", "text", ""]);
    });

    it("gives the same time and again, and what is of the request each time anew", async () => {
      const variable = ["%{HTTP:X-One}"];
      for (const value of ["1", "2", "3", "4", "5"]) {
        assert.deepEqual(await got({ variable }, { headers: { "x-one": value } }), [value]);
      }
    });

    it("sees what the hook has changed before", async () => {
      for (const note of ["1", "2", "3", "4"]) {
        assert.deepEqual(await got({ variable: "%{note:asked}", note }), [note]);
      }
    });

    it("rejects with httpd's words for an expression that is none", async () => {
      const { error } = await got({ variable: "%{NO_SUCH" });
      assert.match(error ?? "", /syntax error|unexpected/);
    });

    it("reads no files with httpd's rights", async () => {
      const { error } = await got({ variable: "%{file:/etc/passwd}" });
      assert.match(error ?? "", /file|not|restricted/i);
    });

    it("takes text longer than a frame for no value", async () => {
      const long = "%{HTTP:X-Long}".repeat(40);
      const { error } = await got({ variable: long }, { headers: { "x-long": "x".repeat(8000) } });
      assert.match(error ?? "", /does not fit/);
    });
  });

  describe("variable() in a filter", () => {
    it("is answered before the filter's answer has begun", async () => {
      const { text: page } = await get("/folder/filtered.txt");
      const sent = { method: "POST", body: "x".repeat(300_000) };
      const { text: echoed } = await get("/probe/echo", sent);
      assert.equal(page, "GET a page");
      assert.equal(echoed, `POST ${sent.body}`);
    });

    it("is refused afterwards, and says so", async () => {
      const { text: page } = await get("/folder/late.txt");
      assert.match(page, /^begun .*ask.*a page$/s);
    });
  });

  describe("subrequest()", () => {
    it("gives a static file, its status and headers", async () => {
      const { status, headers, beginning } = await got({ uri: "/page.txt" });
      assert.deepEqual([status, headers["content-type"], beginning], [200, "text/plain", "a page"]);
    });

    it("gives a body of any size whole", async () => {
      const { bytes, digest } = await got({ uri: "/big.bin" });
      assert.equal(bytes, BIG);
      assert.equal(digest, digestOfBig);
    });

    it("ends a body that the hook does not read on, and serves on", async () => {
      for (let i = 0; i < 5; i++) {
        const { status, bytes } = await got({ uri: "/big.bin", leave: "" });
        assert.equal(status, 200);
        assert.ok(bytes < BIG);
      }
      assert.equal((await got({ uri: "/page.txt" })).bytes, 6);
    });

    it("says what httpd forbids, redirects or does not find", async () => {
      const uris = ["/secret.txt", "/moved", "/nothing", "/folder"];
      const all = await Promise.all(uris.map((uri) => got({ uri })));
      assert.deepEqual(
        all.map(({ status }) => status),
        [403, 302, 404, 301],
      );
      assert.match(all[1]?.headers["location"] ?? "", /^http:.*\/page\.txt$/);
    });

    it("has a method and headers of its own, and none of the client's body or conditions", async () => {
      const script = await got(
        { uri: "/script.cgi", method: "DELETE", header: "X-One: eins" },
        { method: "POST", body: "the client's body", headers: { "x-one": "1" } },
      );
      assert.equal(script.beginning, "DELETE eins");
      assert.equal(script.headers["content-type"], "text/x-method");
      const page = await got(
        { uri: "/page.txt" },
        { headers: { "if-none-match": "*", range: "bytes=0-0" } },
      );
      assert.deepEqual([page.status, page.bytes], [200, 6]);
    });

    it("gives no body for HEAD", async () => {
      const { status, headers, bytes } = await got({ uri: "/page.txt", method: "HEAD" });
      assert.deepEqual([status, headers["content-length"], bytes], [200, "6", 0]);
    });

    it("reaches another application", async () => {
      const { status, beginning } = await got({ uri: "/probe/request" });
      assert.equal(status, 200);
      assert.equal((JSON.parse(beginning) as { url: string }).url, "/probe/request");
    });

    it("ends with a worker that dies meanwhile: the hook is asked once more, then has failed", async () => {
      httpd.expectLog("TN0009", "TN0216");
      const since = httpd.log().mark();
      const answer = await get(query({ uri: "/big.bin", die: "" }));
      assert.equal(answer.status, 500);
      await httpd.waitForLog(/TN0015: /, { since });
      await httpd.waitForLog(/TN0009: .*another had ended before/, { since });
      assert.equal((await got({ uri: "/page.txt" })).bytes, 6);
    });

    it("ends with its client", async () => {
      const request = open(httpd.url + query({ uri: "/probe/hold?name=asked" }));
      request.on("error", () => undefined).end();
      await get("/probe/happened?name=asked-begun");
      request.destroy();
      const { status } = await get("/probe/happened?name=asked-gone");
      assert.equal(status, 200);
    });

    it("wants a path", async () => {
      const { error } = await got({ uri: "http://elsewhere/" });
      assert.match(error ?? "", /begins with a slash/);
    });

    it("fails the hook when the response breaks off, and spares the client's connection", async () => {
      httpd.expectLog("TN0053", "TN0006");
      const since = httpd.log().mark();
      for (const path of ["/faults/break", "/faults/destroy"]) {
        const agent = new Agent({ keepAlive: true, maxSockets: 1 });
        const answer = await get(query({ uri: path }), { agent });
        assert.equal(answer.status, 500, answer.text);
        await httpd.waitForLog(new RegExp(`TN0053: .*${path} broke off`), { since });
        // The same connection serves on.
        assert.equal((await get("/page.txt", { agent })).status, 200);
        agent.destroy();
      }
    });

    it("ends with httpd's limit of recursion", async () => {
      httpd.expectLog("AH00125");
      const { status } = await get(query({ recursive: "" }));
      assert.equal(status, 500);
    });

    it("waits for the request's own body to be read, in a handler", async () => {
      const path = `/handler?${new URLSearchParams({ uri: "/page.txt" })}`;
      const unread = await get(path, { method: "POST", body: "x".repeat(500_000) });
      assert.match(unread.text, /read the body of the request to its end/);
      const none = await get(path);
      assert.match(none.text, /a page/);
    });
  });
});

for (const mpm of ["worker", "prefork"] as const) {
  describe(`what a hook asks httpd, under the ${mpm} MPM`, () => {
    let httpd: TestHttpd;
    before(async () => {
      httpd = await startHttpd({ text, load, mpm, tls: mpm === "worker" });
      await httpd.waitForReady("asking", 1);
    });
    after(() => httpd.stop());

    it("is answered over HTTP/1.1", async () => {
      const { text: variables } = await ask(
        httpd.url + query({ variable: ["%{REQUEST_METHOD}", "2"] }),
      );
      assert.deepEqual(JSON.parse(variables), ["GET", "2"]);
      const { text: whole } = await ask(httpd.url + query({ uri: "/big.bin" }));
      assert.equal((JSON.parse(whole) as Got).digest, digestOfBig);
    });

    // prefork has no HTTP/2.
    if (mpm === "prefork") return;

    it("is answered over HTTP/2, for several streams at once", async () => {
      const session = http2.connect(httpd.tlsUrl, { rejectUnauthorized: false });
      try {
        const read = async (path: string): Promise<Got> =>
          JSON.parse((await session.request({ ":path": path }).toArray()).join("")) as Got;
        const all = await Promise.all([1, 2, 3, 4].map(() => read(query({ uri: "/big.bin" }))));
        assert.deepEqual(
          all.map(({ digest }) => digest),
          Array(4).fill(digestOfBig),
        );
      } finally {
        session.destroy();
      }
    });
  });
}
