// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import http2 from "node:http2";
import { join } from "node:path";
import { type Answer, type Ask, ask, askJson } from "../helpers/http-client.ts";
import { configtest, pool, probe, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

/** What the application saw; a file of httpd's has no such JSON. */
interface Seen {
  readonly method: string;
  readonly url: string;
}

const modules = [
  "dir",
  "mime",
  "alias",
  "autoindex",
  "rewrite",
  "negotiation",
  "include",
  "filter",
  "cgi",
  "auth_basic",
  "authn_core",
  "authz_user",
];

const definePool = (directives = ""): string => `<TenonPool app>
  TenonApp "${probe}"
  ${directives}
</TenonPool>`;

/** What every configuration below has beside its own lines. */
const common = `TypesConfig /dev/null
AddType text/plain .txt
AddType text/html .html .shtml
AddEncoding x-gzip .gz
AddLanguage en .en
DirectoryIndex index.html`;

/** A DocumentRoot with one thing of each kind. */
function fill(folder: string): void {
  const put = (path: string, text: string): void => {
    mkdirSync(join(folder, path, ".."), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  put("file.txt", "a file");
  put("with-index/index.html", "an index");
  put("without-index/inner.txt", "inner");
  put(".htpasswd", "secret");
  put("variants/page.html.en", "a variant");
  put("page.shtml", 'included: <!--#include virtual="/from-application/request" -->');
  put("script.cgi", '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\nscript $PATH_INFO"\n');
  chmodSync(join(folder, "script.cgi"), 0o755);
  put("aliased/other.txt", "aliased");
  put("private/index.html", "private");
  put("off/here.txt", "here");
}

describe("TenonFallback", () => {
  let httpd: TestHttpd;

  before(async () => {
    const text = ({ htdocs }: { htdocs: string }): string => {
      fill(htdocs);
      return `${definePool("TenonProcesses 0 1")}
${common}
TenonFallback app
Alias "/elsewhere" "${htdocs}/aliased"
ScriptAlias "/scripts/" "${htdocs}/scripts/"
Redirect "/moved" "/file.txt"
RewriteEngine On
RewriteRule "^/rewritten$" "/file.txt" [PT]
RewriteRule "^/rewritten-away$" "/nothing/request" [PT]
RewriteRule "^/gone$" "-" [G]
<Directory "${htdocs}">
  Options Indexes FollowSymLinks Includes ExecCGI MultiViews
  AddOutputFilter INCLUDES .shtml
  AddHandler cgi-script .cgi
  Require all granted
</Directory>
<Directory "${htdocs}/off">
  TenonFallback Off
</Directory>
<Directory "${htdocs}/private">
  Require all denied
</Directory>
<Files ".ht*">
  Require all denied
</Files>
<Location "/slashless">
  DirectorySlash Off
</Location>
<Location "/path-info-accepted">
  AcceptPathInfo On
</Location>`;
    };
    httpd = await startHttpd({ load: modules, text });
    // Denied, not executable, no such script: each is what a test asks for.
    httpd.expectLog("AH01630", "AH02811", "AH00128");
  });
  after(() => httpd.stop());

  const get = (path: string, options?: Ask): Promise<Answer> => ask(httpd.url + path, options);

  async function reaches(path: string, options: Ask = {}): Promise<void> {
    const answer = await get(path, options);
    assert.equal(answer.status, 200, `${path}: ${answer.text}`);
    const { url, method } = JSON.parse(answer.text) as Seen;
    assert.deepEqual({ url, method }, { url: path, method: options.method ?? "GET" });
  }

  /** First in this suite: the application must never have been asked. */
  describe("what httpd answers without a hop", () => {
    const files: Record<string, string> = {
      "/file.txt": "a file",
      "/file.txt?query": "a file",
      "/%66ile.txt": "a file",
      "/with-index/": "an index",
      "/without-index/inner.txt": "inner",
      "/elsewhere/other.txt": "aliased",
      "/rewritten": "a file",
      "/variants/page": "a variant",
      "/script.cgi": "script ",
      "/script.cgi/more": "script /more",
      "/off/here.txt": "here",
    };
    for (const [path, text] of Object.entries(files)) {
      it(`is ${path}`, async () => {
        const answer = await get(path);
        assert.equal(answer.status, 200, answer.text);
        assert.equal(answer.text, text);
      });
    }

    it("is HEAD, a range and a condition of a file", async () => {
      const whole = await get("/file.txt", { method: "HEAD" });
      assert.equal(whole.headers["content-length"], "6");
      const range = await get("/file.txt", { headers: { Range: "bytes=2-5" } });
      assert.equal(range.status, 206);
      assert.equal(range.text, "file");
      const headers = { "If-None-Match": String(whole.headers.etag) };
      assert.equal((await get("/file.txt", { headers })).status, 304);
    });

    const others: Record<string, number> = {
      "/.htpasswd": 403,
      "/.htaccess": 403,
      "/private/": 403,
      "/private/nothing": 403,
      "/with-index": 301,
      "/without-index": 301,
      "/moved": 302,
      "/gone": 410,
      "/scripts/missing": 404,
      "/missing.cgi": 404,
      "/off/nothing": 404,
      "/a%2fb": 404,
    };
    for (const [path, status] of Object.entries(others)) {
      it(`is ${path}, with ${status}`, async () => {
        assert.equal((await get(path)).status, status);
      });
    }

    it("is OPTIONS for the server and TRACE", async () => {
      const answer = await get("/request", { method: "TRACE" });
      assert.equal(answer.status, 200);
      assert.match(answer.text, /^TRACE \/request /);
    });

    it("has started no worker", () => {
      assert.deepEqual(httpd.workersOf("app"), []);
      assert.doesNotMatch(httpd.log().lines().join("\n"), /TN02\d\d: \[app /);
    });
  });

  describe("what the application answers, at the target that the client sent", () => {
    const paths = [
      "/nothing/request",
      "/request",
      "/nothing/%7Ea%20b/request?x=%20&y",
      "/with-index/nothing/request",
      "/elsewhere/nothing/request",
      "/off-limits/request",
      "/without-index/request",
      "/rewritten-away/request",
      "/variants/nothing/request",
      "/file.txt/more/request",
      "/page.shtml/request",
      "/path-info-accepted/request",
      "//double/request",
      `/${"a".repeat(300)}/request`,
      `/with-index/${"b".repeat(600)}/request?${"c".repeat(600)}`,
    ];
    for (const path of paths) {
      it(`is ${path.slice(0, 60)}`, () => reaches(path));
    }

    for (const method of ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND"]) {
      it(`is ${method} to a path without a file`, () => reaches("/nothing/request", { method }));
    }

    it("is a directory without an index, with Options Indexes on", async () => {
      const answer = await get("/without-index/?request");
      // The probe knows no action of that name; httpd would have listed inner.txt.
      assert.equal(answer.status, 404);
      assert.doesNotMatch(answer.text, /inner\.txt/);
      assert.notEqual(answer.headers["content-type"], "httpd/unix-directory");
    });

    it("is a path that a rewrite has led to no file", async () => {
      const answer = await get("/rewritten-away");
      assert.equal(answer.status, 404);
      assert.doesNotMatch(answer.text, /Not Found.*not found on this server/s);
    });

    it("is what a server-side include asks for", async () => {
      const answer = await get("/page.shtml");
      assert.match(answer.text, /^included: \{"method":"GET","url":"\/from-application\/request"/);
    });

    it("has no type and encoding by its name", async () => {
      // For httpd the name ends at the first part that is not there.
      const answer = await get("/nothing.txt.gz/status?code=200&body=x");
      assert.equal(answer.text, "x");
      assert.equal(answer.headers["content-encoding"], undefined);
      assert.equal(answer.headers["content-type"], undefined);
    });

    it("is a file that has been removed, and no more when it is there again", async () => {
      const path = join(httpd.places.htdocs, "request");
      await reaches("/request");
      writeFileSync(path, "now a file");
      assert.equal((await get("/request")).text, "now a file");
    });
  });
});

describe("TenonFallback elsewhere", () => {
  for (const mpm of ["worker", "prefork"] as const) {
    it(`tells files from the application under the ${mpm} MPM`, async () => {
      const text = ({ htdocs }: { htdocs: string }): string => {
        fill(htdocs);
        return `${definePool("TenonProcesses 0 1")}\n${common}\nTenonFallback app`;
      };
      const httpd = await startHttpd({ mpm, load: modules, text });
      try {
        assert.equal((await ask(`${httpd.url}/file.txt`)).text, "a file");
        assert.equal((await ask(`${httpd.url}/with-index/`)).text, "an index");
        assert.deepEqual(httpd.workersOf("app"), []);
        const { url } = await askJson<Seen>(`${httpd.url}/nothing/request?x`);
        assert.equal(url, "/nothing/request?x");
      } finally {
        await httpd.stop();
      }
    });
  }

  it("holds, as TenonMount does, for the streams of HTTP/2", async () => {
    const text = ({ htdocs }: { htdocs: string }): string => {
      fill(htdocs);
      return `${definePool("TenonProcesses 0 1")}\n${common}\nTenonFallback app\nTenonMount /mounted strip`;
    };
    const httpd = await startHttpd({ tls: true, load: modules, text });
    const session = http2.connect(httpd.tlsUrl, { rejectUnauthorized: false });
    try {
      const read = async (path: string): Promise<string> =>
        (await session.request({ ":path": path }).toArray()).join("");
      assert.equal(await read("/file.txt"), "a file");
      assert.deepEqual(httpd.workersOf("app"), []);
      const [mounted, whole] = await Promise.all([read("/mounted/request?x"), read("/request")]);
      assert.equal((JSON.parse(mounted) as Seen).url, "/request?x");
      assert.equal((JSON.parse(whole) as Seen).url, "/request");
    } finally {
      session.destroy();
      await httpd.stop();
    }
  });
});

describe("TenonFallback in sections", () => {
  let httpd: TestHttpd;

  before(async () => {
    const text = ({ htdocs, port }: { htdocs: string; port: number }): string => {
      fill(htdocs);
      return `${common}
${pool("taken", "TenonProcesses 0 1")}
${definePool("TenonProcesses 0 1")}
<Location "/only-here">
  TenonFallback APP
</Location>
<Location "/only-here/not-below">
  TenonFallback off
</Location>
<Directory "${htdocs}/with-index">
  TenonFallback app
</Directory>
<Location "/with-index/protected">
  AuthType Basic
  AuthName x
  AuthUserFile /dev/null
  Require valid-user
</Location>
<VirtualHost 127.0.0.1:${port}>
  ServerName plain
</VirtualHost>
<VirtualHost 127.0.0.1:${port}>
  ServerName whole
  TenonFallback app
</VirtualHost>`;
    };
    httpd = await startHttpd({ load: [...modules, "authn_file"], text });
    httpd.expectLog("AH00128");
    mkdirSync(join(httpd.places.htdocs, "taken"));
    writeFileSync(join(httpd.places.htdocs, "taken", "index.html"), "a file in the way");
  });
  after(() => httpd.stop());

  const statusOf = async (path: string, host = "plain"): Promise<number> =>
    (await ask(httpd.url + path, { headers: { Host: host } })).status;

  it("holds for its location and what is below", async () => {
    assert.equal(await statusOf("/only-here/request"), 200);
    assert.equal(await statusOf("/elsewhere/request"), 404);
    assert.equal(await statusOf("/only-here/not-below/request"), 404);
  });

  it("holds for a directory", async () => {
    assert.equal(await statusOf("/with-index/request"), 200);
    assert.equal(await statusOf("/request"), 404);
  });

  it("holds for one virtual host", async () => {
    assert.equal(await statusOf("/any/request", "whole"), 200);
    assert.equal(await statusOf("/any/request"), 404);
  });

  it("leaves authentication to httpd", async () => {
    assert.equal(await statusOf("/with-index/protected/request"), 401);
  });

  it("leaves a location with SetHandler to its pool, whatever lies in DocumentRoot at its path", async () => {
    for (const path of ["/taken", "/taken/"]) {
      const answer = await ask(httpd.url + path, { headers: { Host: "whole" } });
      assert.equal(answer.status, 404, `${path}: ${answer.text}`);
      assert.doesNotMatch(answer.text, /a file in the way/);
    }
    assert.equal(await statusOf("/taken/request"), 200);
  });
});

describe("TenonFallback at configtest", () => {
  const at = (config: string, line: string): number => config.split("\n").indexOf(line) + 1;

  it("names a pool that is not there, with file and line", async () => {
    const line = "TenonFallback nobody";
    const { code, output, config } = await configtest({ text: `${definePool()}\n${line}` });
    assert.notEqual(code, 0);
    const message = output.replaceAll(/\s+/g, " ");
    assert.match(message, /TenonFallback: there is no pool 'nobody': add a section/);
    assert.ok(message.includes(`on line ${at(config, line)} of`), output);
  });

  it("finds the pool in any letter case, and one that stands further down", async () => {
    const { code, output } = await configtest({ text: `TenonFallback APP\n${definePool()}` });
    assert.equal(code, 0, output);
  });

  it("takes no pool of the name that switches it off", async () => {
    const text = definePool().replace("app>", "off>");
    const { code, output } = await configtest({ text });
    assert.notEqual(code, 0);
    assert.match(output.replaceAll(/\s+/g, " "), /'off' is not a name for a pool: .* not Off/);
  });
});

describe("TenonFallback in an .htaccess", () => {
  it("is refused: the file's owner would choose whose code runs", async () => {
    const text = ({ htdocs }: { htdocs: string }): string => `${definePool()}
<Directory "${htdocs}">
  AllowOverride All
</Directory>`;
    const httpd = await startHttpd({ text });
    writeFileSync(join(httpd.places.htdocs, ".htaccess"), "TenonFallback app\n");
    // httpd's line about it has no tag; the other comes when httpd stops while it closes the connection.
    httpd.expectLog("", "AH03092");
    try {
      assert.equal((await ask(`${httpd.url}/request`)).status, 500);
      assert.match(httpd.log().tail(), /TenonFallback not allowed here/);
    } finally {
      writeFileSync(join(httpd.places.htdocs, ".htaccess"), "");
      await httpd.stop();
    }
  });
});
