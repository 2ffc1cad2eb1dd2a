// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Answer, type Ask, ask } from "../../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";

const application = join(root, "examples", "login", "app.ts");
const PAGE = { Accept: "text/html" };

describe("schemes of one's own, as examples/login has them", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({
      load: [
        ...["auth_basic", "authn_core", "authz_user", "alias", "cgid", "headers"],
        "socache_shmcb",
      ],
      text: ({ directory, htdocs, logs }) => {
        const programs = join(directory, "programs");
        mkdirSync(programs);
        const program =
          '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n%s %s" "$REMOTE_USER" "$AUTH_TYPE"\n';
        writeFileSync(join(programs, "who"), program, { mode: 0o755 });
        for (const name of ["members", "mixed"]) {
          mkdirSync(join(htdocs, name));
          writeFileSync(join(htdocs, name, "page.txt"), `page of ${name}\n`);
        }
        return `
ScriptSock "${join(directory, "run", "cgid")}"
LogFormat "%u %>s %U" user
CustomLog "${join(logs, "access.log")}" user
${pool("login", "TenonProcesses 1 1", application)}
ScriptAlias /members/programs "${programs}"
<Location "/members">
  AuthType   Session
  AuthName   members
  TenonHook  check_user_id login
  TenonHook  note_auth_failure login
  Require    valid-user
</Location>
<Location "/members/programs/admin">
  Require    tenon login#inGroup admins
</Location>
<Location "/mixed">
  AuthType           Basic
  AuthName           mixed
  AuthBasicProvider  tenon
  TenonHook          check_password login
  TenonHook          access_checker_ex login order=early
  Require            valid-user
</Location>
<Location "/forced">
  AuthType   Session
  AuthName   forced
  TenonHook  check_user_id login
  TenonHook  force_authn login#always
  Require    all granted
</Location>`;
      },
    });
    await httpd.waitForReady("login", 1);
  });
  after(() => httpd.stop());

  const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
    ask(`${httpd.url}${path}`, { headers });
  const post = (path: string, fields: Record<string, string>): Promise<Answer> => {
    const asked: Ask = {
      method: "POST",
      headers: { "Content-Type": "application/x-www-form-urlencoded" },
      body: new URLSearchParams(fields).toString(),
    };
    return ask(`${httpd.url}${path}`, asked);
  };
  const login = async (user: string, password: string): Promise<string> => {
    const answer = await post("/login", { user, password, to: "/members/page.txt" });
    return /^session=[^;]+/.exec(answer.headers["set-cookie"]?.[0] ?? "")?.[0] ?? "";
  };
  const token = async (user: string, password: string): Promise<string> => {
    const { text } = await post("/login/token", { user, password, to: "/" });
    return (JSON.parse(text) as { token: string }).token;
  };

  it("send a person without a session to the form, with the way back", async () => {
    const answer = await get("/members/page.txt?a=1", PAGE);
    assert.equal(answer.status, 303);
    assert.equal(answer.headers.location, "/login?to=%2Fmembers%2Fpage.txt%3Fa%3D1");
    assert.doesNotMatch(answer.text, /page of/);
    const form = await get("/login?to=%2Fmembers%2Fpage.txt");
    assert.match(form.text, /name="to" type="hidden" value="\/members\/page\.txt"/);
  });

  it("let a person in who has logged in, and out again", async () => {
    const session = await login("alice", "wonder");
    const answer = await get("/members/page.txt", { ...PAGE, Cookie: session });
    assert.deepEqual([answer.status, answer.text], [200, "page of members\n"]);
    const out = await get("/login/logout", { Cookie: session });
    assert.match(out.headers["set-cookie"]?.[0] ?? "", /^session=; .*Max-Age=0/);
  });

  it("give no session for a wrong password, and lead nowhere else", async () => {
    assert.equal(await login("alice", "wander"), "");
    assert.equal(await login("nobody", "wonder"), "");
    for (const to of ["https://evil.test/", "//evil.test/", "/\\evil.test/"]) {
      const answer = await post("/login", { user: "alice", password: "wonder", to });
      assert.equal(answer.headers.location, "/", to);
    }
  });

  it("let a program in that has a token, and tell one that has none how", async () => {
    const none = await get("/members/page.txt");
    assert.deepEqual(
      [none.status, none.headers["www-authenticate"]],
      [401, 'Bearer realm="members"'],
    );
    const good = await token("bob", "build");
    const answer = await get("/members/page.txt", { Authorization: `Bearer ${good}` });
    assert.equal(answer.status, 200);
    const forged = `${good.slice(0, -2)}xx`;
    const refused = await get("/members/page.txt", { Authorization: `Bearer ${forged}` });
    assert.equal(refused.status, 401);
    assert.match(refused.headers["www-authenticate"] ?? "", /error="invalid_token"/);
  });

  it("tell the user and the scheme to CGI programs and to the log", async () => {
    const mark = httpd.log("access.log").mark();
    const session = await login("alice", "wonder");
    for (let turn = 0; turn < 3; turn++) {
      assert.equal((await get("/members/programs/who", { Cookie: session })).text, "alice Session");
    }
    const authorization = { Authorization: `Bearer ${await token("bob", "build")}` };
    assert.equal((await get("/members/programs/who", authorization)).text, "bob Bearer");
    await httpd.log("access.log").waitFor(/^bob 200 \/members\/programs\/who$/m, { since: mark });
  });

  it("have note_auth_failure say how to authenticate where Require refuses", async () => {
    httpd.expectLog("AH01631");
    const authorization = { Authorization: `Bearer ${await token("bob", "build")}` };
    const answer = await get("/members/programs/admin", authorization);
    assert.equal(answer.status, 401);
    assert.match(
      answer.headers["www-authenticate"] ?? "",
      /^Bearer realm="members", error="insufficient_scope"$/,
    );
  });

  it("have a session skip Basic by access_checker_ex, and nobody else", async () => {
    httpd.expectLog("AH01617");
    const basic = (password: string): Record<string, string> => ({
      Authorization: `Basic ${Buffer.from(`alice:${password}`).toString("base64")}`,
    });
    const asked = await get("/mixed/page.txt");
    assert.deepEqual(
      [asked.status, asked.headers["www-authenticate"]],
      [401, 'Basic realm="mixed"'],
    );
    assert.equal((await get("/mixed/page.txt", basic("wander"))).status, 401);
    assert.equal((await get("/mixed/page.txt", basic("wonder"))).status, 200);
    const session = await login("alice", "wonder");
    assert.equal((await get("/mixed/page.txt", { Cookie: session })).text, "page of mixed\n");
    assert.equal((await get("/mixed/page.txt", { Cookie: `${session}x` })).status, 401);
  });

  it("demand a user by force_authn although all are granted access", async () => {
    assert.equal((await get("/forced")).status, 401);
  });
});
