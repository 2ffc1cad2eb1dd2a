// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { type Answer, type Ask, ask } from "../../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";

const application = fileURLToPath(new URL("content.ts", import.meta.url));
/** Where mod_python's reader of uploads once cut a line. */
const readBlockSize = 65_368;

function md5(content: Buffer): string {
  return createHash("md5").update(content).digest("hex");
}

/** A form of one variable and one file, as mod_python's test program writes it. */
function multipart(content: Buffer): Ask {
  const boundary = "=============0123456789==";
  const head = `--${boundary}\r
Content-Type: text/plain\r
Content-Disposition: form-data; name="test"\r
\r
abcd\r
--${boundary}\r
Content-Type: application/octet-stream\r
Content-Disposition: form-data; name="testfile"; filename="test.txt"\r
\r
`;
  const body = Buffer.concat([Buffer.from(head), content, Buffer.from(`\r\n--${boundary}--\r\n`)]);
  const headers = { "Content-Type": `multipart/form-data; boundary="${boundary}"` };
  return { method: "POST", headers, body };
}

describe("content as mod_python's handlers and mod_perl's give it", () => {
  let httpd: TestHttpd;
  const at = (path: string, options?: Ask): Promise<Answer> =>
    ask(`${httpd.url}/content${path}`, options);

  before(async () => {
    httpd = await startHttpd({
      load: ["cgid", "alias"],
      text: ({ directory, htdocs }) => {
        const cgi = join(directory, "cgi");
        mkdirSync(cgi);
        const program = '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\ntest ok\\n"\n';
        writeFileSync(join(cgi, "test.sh"), program, { mode: 0o755 });
        writeFileSync(join(htdocs, "digits"), "0123456789".repeat(100));
        writeFileSync(join(htdocs, "words"), "  test ok  ");
        symlinkSync("digits", join(htdocs, "link"));
        return `${pool("content", "TenonProcesses 1 1", application)}
ScriptSock "${join(directory, "run", "cgi.sock")}"
ScriptAlias "/cgi" "${cgi}"`;
      },
    });
    await httpd.waitForReady("content", 1);
  });
  after(() => httpd.stop());

  const credentials = (text: string): Ask => ({
    headers: { Authorization: `Basic ${btoa(text)}` },
  });

  it("says 401 by itself (test_req_unauthorized)", async () => {
    assert.equal((await at("/unauthorized", credentials("spam:eggs"))).text, "test ok");
    const refused = await at("/unauthorized", credentials("spam:BAD PASSWD"));
    assert.equal(refused.status, 401);
    assert.equal(refused.headers["www-authenticate"], "Basic realm=blah");
  });

  it("says which methods it has (test_req_allow_methods)", async () => {
    const answer = await at("/methods");
    assert.equal(answer.status, 405);
    assert.match(String(answer.headers.allow), /MKWORKSPACE/);
  });

  it("knows the address of its neighbours (test_req_construct_url)", async () => {
    const port = httpd.places.port;
    const answer = await at("/url", { headers: { Host: `test_req_construct_url:${port}` } });
    assert.equal(answer.text, `http://test_req_construct_url:${port}/index.html`);
  });

  it("reads a body whole (test_req_read)", async () => {
    const body = "1234567890".repeat(10_000);
    assert.equal((await at("/read", { method: "POST", body })).text, body);
  });

  it("reads a body by lines (test_req_readline)", async () => {
    const body = `${"1234567890".repeat(3000)}\n`.repeat(4);
    assert.equal((await at("/lines", { method: "POST", body })).text, body);
  });

  it("may leave a body half read (test_req_discard_request_body)", async () => {
    const body = "1234567890".repeat(100_000);
    assert.equal((await at("/discard", { method: "POST", body })).text, "test ok");
  });

  it("sends part of a file (test_req_sendfile)", async () => {
    const path = join(httpd.places.htdocs, "words");
    assert.equal((await at(`/sendfile?path=${path}&start=2&end=8`)).text, "test ok");
  });

  it("sends a file, with what caches need (test_req_sendfile2, test_req_update_mtime)", async () => {
    const answer = await at(`/sendfile?path=${join(httpd.places.htdocs, "digits")}`);
    assert.equal(answer.text, "0123456789".repeat(100));
    assert.ok(answer.headers.etag);
    assert.ok(answer.headers["last-modified"]);
    const headers = { "If-None-Match": answer.headers.etag };
    const again = await at(`/sendfile?path=${join(httpd.places.htdocs, "digits")}`, { headers });
    assert.equal(again.status, 304);
  });

  it("sends a file behind a symbolic link (test_req_sendfile3)", async () => {
    const answer = await at(`/sendfile?path=${join(httpd.places.htdocs, "link")}`);
    assert.equal(answer.text, "0123456789".repeat(100));
  });

  it("forbids caching (test_req_no_cache)", async () => {
    const answer = await at("/no-cache");
    assert.equal(answer.text, "test ok");
    assert.equal(answer.headers.expires, "0");
  });

  it("takes a file of a megabyte from a form (test_fileupload)", async () => {
    const content = randomBytes(1024 * 1024);
    assert.equal((await at("/upload", multipart(content))).text, md5(content));
  });

  it("keeps a carriage return inside a file (test_fileupload_embedded_cr)", async () => {
    const line = `${"b".repeat(readBlockSize - 1)}\rccc${"d".repeat(100)}`;
    const content = Buffer.from(`${"a".repeat(100)}\r\n${line}\r\n`);
    assert.equal((await at("/upload", multipart(content))).text, md5(content));
  });

  it("finds the boundary wherever it falls (test_fileupload_split_boundary)", async () => {
    for (const end of ["", "\r"]) {
      const line = "b".repeat(readBlockSize - 1);
      const content = Buffer.from(`${"a".repeat(100)}\r\n${line}${end}`);
      assert.equal((await at("/upload", multipart(content))).text, md5(content));
    }
  });

  it("reads the fields of a form in their order (test_util_fieldstorage)", async () => {
    const headers = { "Content-Type": "application/x-www-form-urlencoded" };
    const body = "spam=1&spam=2&eggs=3&bacon=4";
    const answer = await at("/fields", { method: "POST", headers, body });
    assert.deepEqual(JSON.parse(answer.text), [
      ["spam", "1"],
      ["spam", "2"],
      ["eggs", "3"],
      ["bacon", "4"],
    ]);
  });

  it("is given all cookies and sets several (test_Cookie_Cookie)", async () => {
    const headers = { Cookie: ["spam=foo; path=blah;;eggs=bar;", "bar=foo"] };
    const answer = await at("/cookies", { headers });
    assert.equal(answer.text, "test ok");
    assert.deepEqual(answer.headers["set-cookie"]?.toSorted(), [
      "bar=foo",
      "eggs=bar",
      "path=blah",
      "spam=foo",
    ]);
  });

  it("knows a session again (test_Session_Session)", async () => {
    const first = await at("/session");
    assert.equal(first.text, "new");
    const [cookie = ""] = first.headers["set-cookie"] ?? [];
    assert.match(cookie, /; Path=\/path/);
    assert.equal((await at("/session", { headers: { Cookie: cookie } })).text, "known");
  });

  it("replaces a session id that it has not given (test_Session_illegal_sid)", async () => {
    for (const bad of ["/path/traversal/attack/bad", "abcdef".repeat(64)]) {
      const answer = await at("/session", { headers: { Cookie: `sid=${bad}` } });
      assert.equal(answer.status, 200);
      assert.equal(answer.headers["set-cookie"]?.length, 1);
    }
  });

  it("runs beside CGI programs (test_cgihandler)", async () => {
    assert.equal((await ask(`${httpd.url}/cgi/test.sh`)).text, "test ok\n");
  });

  it("answers with any status (api/status)", async () => {
    for (const code of [200, 201, 404, 418, 500]) {
      const answer = await at(`/status?code=${code}`);
      assert.equal(answer.status, code);
      assert.equal(answer.text, "text");
    }
  });

  it("encodes its content itself (api/content_encoding)", async () => {
    const answer = await at("/gzip", { method: "POST", body: "This is a test" });
    assert.equal(answer.headers["content-encoding"], "gzip");
    assert.equal(gunzipSync(answer.body).toString(), "This is a test");
  });
});
