// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Answer, ask, askJson } from "../../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";

const hooks = fileURLToPath(new URL("authentication-hooks.ts", import.meta.url));

const basic = "AuthType Basic\n  AuthName simple\n  Require valid-user";
const configuration = `
<Location "/access">
  TenonHook access_checker parity
</Location>
<Location "/authen-basic">
  ${basic}
  TenonHook check_user_id parity order=early
</Location>
<Location "/authen-digest">
  AuthType Digest
  AuthName "Simple Digest"
  Require valid-user
  TenonHook check_user_id parity#digestOnDemand order=early
</Location>
<Location "/authz">
  ${basic}
  TenonHook check_user_id parity#anyone order=early
  TenonHook auth_checker parity#onlyDougm
</Location>
<Location "/provided">
  AuthType Basic
  AuthName Access
  AuthBasicProvider tenon
  TenonHook check_password parity
  Require tenon parity#checkAuthorization goo bar
  TenonHook fixups parity#sayUser
</Location>
<Location "/dummy">
  AuthType dummy
  AuthName blah
  Require valid-user
  TenonHook check_user_id parity#dummyUser
  TenonHook auth_checker parity#dummyMay
  TenonHook fixups parity#sayUser
</Location>
<Location "/password">
  TenonHook fixups parity#sayPassword
</Location>
<Location "/latin1">
  TenonHook fixups parity#sayLatin1
</Location>
`;

describe("authentication by hooks, as mod_python's and mod_perl's", () => {
  let httpd: TestHttpd;

  function as(path: string, user?: string, password = ""): Promise<Answer> {
    const encoded = Buffer.from(`${user}:${password}`, "latin1").toString("base64");
    const headers = user === undefined ? {} : { Authorization: `Basic ${encoded}` };
    return ask(`${httpd.url}/${path}`, { headers });
  }

  before(async () => {
    httpd = await startHttpd({
      load: ["auth_basic", "auth_digest", "authn_core", "authz_user", "socache_shmcb"],
      text: ({ htdocs }) => {
        for (const name of ["access", "authen-basic", "authen-digest", "authz"]) {
          writeFileSync(join(htdocs, name), "ok");
        }
        return `${pool("parity", "TenonProcesses 1 1", hooks)}\n${configuration}`;
      },
    });
    // Wrong users and passwords, as httpd says them.
    httpd.expectLog("AH01617", "AH01618", "AH01631");
    await httpd.waitForReady("parity", 1);
  });
  after(() => httpd.stop());

  it("refuses by a header (hooks/access)", async () => {
    const from = (address: string): Promise<Answer> =>
      ask(`${httpd.url}/access`, { headers: { "X-Forwarded-For": address } });
    assert.equal((await as("access")).status, 403);
    assert.equal((await from("127.0.0.1")).text, "ok");
    assert.equal((await from("666.0.0.1")).status, 403);
  });

  it("asks for a password (hooks/authen_basic)", async () => {
    const stranger = await as("authen-basic");
    assert.equal(stranger.status, 401);
    assert.equal(stranger.headers["www-authenticate"], 'Basic realm="simple"');
    assert.equal((await as("authen-basic", "dougm", "foo")).text, "ok");
    assert.equal((await as("authen-basic", "dougm", "wrong")).status, 401);
  });

  it("asks in the way of Digest (hooks/authen_digest)", async () => {
    assert.equal((await as("authen-digest")).text, "ok");
    const refused = await as("authen-digest?demand");
    assert.equal(refused.status, 401);
    assert.match(String(refused.headers["www-authenticate"]), /^Digest realm="Simple Digest"/);
  });

  it("asks another when the first may not (hooks/authz)", async () => {
    assert.equal((await as("authz")).status, 401);
    assert.equal((await as("authz", "dougm", "foo")).text, "ok");
    assert.equal((await as("authz", "jobbob", "whatever")).status, 401);
  });

  it("gives the arguments of its line to Require (api/access2_24, test_req_requires)", async () => {
    assert.equal((await as("provided")).status, 401);
    assert.equal((await as("provided", "goo", "wrong")).status, 401);
    assert.equal((await as("provided", "tar", "tarpass")).status, 401);
    assert.deepEqual(JSON.parse((await as("provided", "goo", "goopass")).text), {
      user: "goo",
      authType: "Basic",
    });
  });

  it("knows what AuthName says (test_req_auth_type)", async () => {
    assert.deepEqual(await askJson(`${httpd.url}/dummy`), { user: "dummy", authType: "dummy" });
  });

  it("reads a user and a password (test_req_get_basic_auth_pw)", async () => {
    assert.equal((await as("password", "spam", "eggs")).text, "spam eggs");
  });

  it("reads those that are not of ASCII (test_req_get_basic_auth_pw_latin1)", async () => {
    const { body } = await as("latin1", "sp\xe1m", "\xe9ggs");
    assert.equal(body.toString("utf8"), "sp\xe1m \xe9ggs");
  });
});
