// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { type Answer, ask } from "../../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";
import { waitUntil } from "../../helpers/processes.ts";

const accounts = join(root, "test", "applications", "accounts.ts");

const basic = (user: string, password: string): { Authorization: string } => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});

/** A section with a password in front of what is there. */
function protect(path: string, provider: string, ...more: string[]): string {
  return `<Location "${path}">
  AuthType Basic
  AuthName test
  AuthBasicProvider ${provider}
  ${more.join("\n  ")}
  Require valid-user
</Location>`;
}

const CHECK = "TenonHook check_password accounts";

describe("AuthBasicProvider tenon", () => {
  let httpd: TestHttpd;
  let backend: Server;

  before(async () => {
    backend = createServer((request, response) => response.end(request.headers["x-user"]));
    await new Promise<void>((resolve) => backend.listen(0, "127.0.0.1", resolve));
    httpd = await startHttpd({
      load: [
        ...["auth_basic", "authn_core", "authn_file", "authz_user", "alias", "dir", "autoindex"],
        ...["cgid", "proxy", "proxy_http", "headers", "socache_shmcb"],
        ...["auth_form", "session", "session_cookie", "request"],
      ],
      text: ({ directory, htdocs, logs }) => {
        const users = join(directory, "users");
        const hash = createHash("sha1").update("tower").digest("base64");
        writeFileSync(users, `rapunzel:{SHA}${hash}\n`);
        for (const name of [
          "form",
          "static",
          "chain",
          "down",
          "slow",
          "unnamed",
          "fallback",
          "when",
        ]) {
          mkdirSync(join(htdocs, name), { recursive: true });
          writeFileSync(join(htdocs, name, "page.txt"), `page of ${name}\n`);
        }
        const own = join(htdocs, "own");
        mkdirSync(own);
        writeFileSync(join(own, "page.txt"), "page of own\n");
        const lines = [
          "AuthType Basic",
          "AuthName test",
          "AuthBasicProvider tenon",
          CHECK,
          "Require valid-user",
        ];
        writeFileSync(join(own, ".htaccess"), lines.join("\n"));
        const programs = join(directory, "programs");
        mkdirSync(programs);
        const program =
          '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n%s %s" "$REMOTE_USER" "$AUTH_TYPE"\n';
        writeFileSync(join(programs, "who"), program, { mode: 0o755 });
        const { port } = backend.address() as AddressInfo;
        return `
ScriptSock "${join(directory, "run", "cgid")}"
LogFormat "%u %>s %U" user
CustomLog "${join(logs, "access.log")}" user
${pool("accounts", "TenonProcesses 1 1", accounts)}
${pool("other", "TenonProcesses 1 1", accounts)}
ScriptAlias /programs "${programs}"
ProxyPass /backend http://127.0.0.1:${port}/
${protect("/static", "tenon", CHECK)}
${protect("/programs", "tenon", CHECK)}
${protect("/accounts", "tenon", CHECK)}
${protect("/backend", "tenon", CHECK, 'RequestHeader set X-User "expr=%{REMOTE_USER}"')}
${protect("/chain", "tenon file", CHECK, `AuthUserFile "${users}"`)}
${protect("/slow", "tenon", `${CHECK} timeout=300ms`)}
${protect("/fallback", "tenon file", `${CHECK} timeout=300ms on-error=decline`, `AuthUserFile "${users}"`)}
${protect("/unnamed", "tenon")}
${protect("/when", "tenon", 'TenonHook check_password other when="%{REQUEST_URI} =~ m#other#"', CHECK)}
<Directory "${htdocs}/static">
  Options +Indexes
</Directory>
<Directory "${own}">
  AllowOverride AuthConfig FileInfo
  TenonAllowOverride accounts
</Directory>
<Location "/form">
  AuthType form
  AuthName test
  AuthFormProvider tenon
  ${CHECK}
  Require valid-user
  Session On
  SessionCookieName session path=/
  ErrorDocument 401 "who are you?"
</Location>`;
      },
    });
    await httpd.waitForReady("accounts", 1);
    await httpd.waitForReady("other", 1);
    // 401s of mod_auth_basic.
    httpd.expectLog("AH01617", "AH01618");
  });
  after(async () => {
    backend.close();
    await httpd.stop();
  });

  const get = (path: string, user?: string, password = ""): Promise<Answer> =>
    ask(`${httpd.url}${path}`, { headers: user === undefined ? {} : basic(user, password) });
  const counted = async (path: string): Promise<number> => {
    const { text } = await get(`/${path}/counts`, "alice", "wonder");
    return (JSON.parse(text) as Record<string, number>)["checkPassword"] ?? 0;
  };

  const paths: readonly [what: string, path: string, body: RegExp][] = [
    ["a static file", "/static/page.txt", /^page of static\n$/],
    ["a listing of mod_autoindex", "/static/", /page\.txt/],
    ["a CGI program, which knows the user", "/programs/who", /^alice Basic$/],
    ["a mod_proxy backend, which can be told the user", "/backend", /^alice$/],
    [
      "an application in a pool, which knows the user",
      "/accounts/me",
      /"user":"alice","authType":"Basic"/,
    ],
  ];
  for (const [what, path, body] of paths) {
    it(`protects ${what}`, async () => {
      const asked = await get(path);
      assert.equal(asked.status, 401);
      assert.equal(asked.headers["www-authenticate"], 'Basic realm="test"');
      for (const [user, password] of [
        ["alice", "wrong"],
        ["alice", ""],
        ["alic", "wonder"],
        ["", ""],
      ]) {
        const refused = await get(path, user, password);
        assert.equal(refused.status, 401, `${user}:${password}`);
        assert.doesNotMatch(refused.text, body);
      }
      const answer = await get(path, "alice", "wonder");
      assert.equal(answer.status, 200);
      assert.match(answer.text, body);
    });
  }

  it("takes colons and what is not ASCII in passwords and names", async () => {
    assert.equal((await get("/static/page.txt", "colon", "a:b::c:")).status, 200);
    assert.equal((await get("/static/page.txt", "colon", "a:b::c")).status, 401);
    assert.equal((await get("/static/page.txt", "jürgen", "pässwörd€")).status, 200);
    assert.equal((await get("/static/page.txt", "jürgen", "passwörd€")).status, 401);
  });

  it("has the user in the access log, also one who was refused", async () => {
    const log = httpd.log("access.log");
    const mark = log.mark();
    await get("/static/page.txt", "alice", "wonder");
    await get("/static/page.txt", "alice", "no");
    await log.waitFor(/^alice 200 \/static\/page\.txt$/m, { since: mark });
    await log.waitFor(/^alice 401 \/static\/page\.txt$/m, { since: mark });
  });

  it("leaves those whom it does not know to the next provider, and only those", async () => {
    assert.equal((await get("/chain/page.txt", "rapunzel", "tower")).status, 200);
    assert.equal((await get("/chain/page.txt", "rapunzel", "wrong")).status, 401);
    assert.equal((await get("/chain/page.txt", "alice", "wonder")).status, 200);
    assert.equal((await get("/chain/page.txt", "alice", "tower")).status, 401);
  });

  it("asks the functions of several lines in turn, each when it is meant", async () => {
    const before = await counted("other");
    assert.equal((await get("/when/page.txt", "alice", "wonder")).status, 200);
    assert.equal(await counted("other"), before);
    assert.equal((await get("/when/other", "nobody", "x")).status, 401);
    assert.equal(await counted("other"), before + 1);
  });

  it("can be named in an .htaccess", async () => {
    assert.equal((await get("/own/page.txt")).status, 401);
    assert.equal((await get("/own/page.txt", "alice", "wander")).status, 401);
    assert.equal((await get("/own/page.txt", "alice", "wonder")).text, "page of own\n");
  });

  it("serves the forms of mod_auth_form", async () => {
    const login = (password: string): Promise<Answer> => {
      const fields = { httpd_username: "alice", httpd_password: password };
      const headers = { "Content-Type": "application/x-www-form-urlencoded" };
      const body = new URLSearchParams(fields).toString();
      return ask(`${httpd.url}/form/page.txt`, { method: "POST", headers, body });
    };
    httpd.expectLog("AH01806", "AH01807", "AH01811");
    assert.equal((await get("/form/page.txt")).text, "who are you?");
    assert.equal((await login("wander")).text, "who are you?");
    const entered = await login("wonder");
    const [cookie = ""] = entered.headers["set-cookie"] ?? [];
    assert.match(cookie, /^session=.*alice/);
    const answer = await ask(`${httpd.url}/form/page.txt`, {
      headers: { Cookie: cookie.split(";")[0] },
    });
    assert.equal(answer.text, "page of form\n");
  });

  it("answers 500 when the function cannot tell, whatever the password", async () => {
    httpd.expectLog("TN0006", "TN0007");
    for (const user of ["error", "thrower"]) {
      const answer = await get("/static/page.txt", user, "x");
      assert.equal(answer.status, 500, user);
      assert.doesNotMatch(answer.text, /page of/);
    }
  });

  it("answers 500 when the function hangs, after the time-out, and goes on with the next one", async () => {
    httpd.expectLog("TN0004");
    const started = Date.now();
    const answer = await get("/slow/page.txt", "sleeper", "x");
    assert.equal(answer.status, 500);
    assert.ok(Date.now() - started < 5000);
    assert.equal((await get("/slow/page.txt", "alice", "wonder")).status, 200);
  });

  it("answers 500 when the worker dies of the question, and goes on with the next worker", async () => {
    httpd.expectLog("TN0009", "TN0216");
    const [before] = httpd.workersOf("accounts");
    const answer = await get("/static/page.txt", "killer", "x");
    assert.equal(answer.status, 500);
    assert.doesNotMatch(answer.text, /page of/);
    await waitUntil("another worker", () => {
      const [now] = httpd.workersOf("accounts");
      return now !== undefined && now !== before;
    });
    assert.equal((await get("/static/page.txt", "alice", "wonder")).status, 200);
  });

  it("leaves it to the next provider where on-error=decline says so", async () => {
    assert.equal((await get("/fallback/page.txt", "sleeper", "x")).status, 401);
    assert.equal((await get("/fallback/page.txt", "thrower", "x")).status, 401);
    assert.equal((await get("/fallback/page.txt", "rapunzel", "tower")).status, 200);
  });

  it("answers 500 where no function is named, and says what to write", async () => {
    httpd.expectLog("TN0095");
    const mark = httpd.log().mark();
    assert.equal((await get("/unnamed/page.txt", "alice", "wonder")).status, 500);
    await httpd.waitForLog(/TN0095: .*write TenonHook check_password <pool>/, { since: mark });
  });
});
