// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { digestAuthorization, parseChallenge } from "../../helpers/digest.ts";
import { type Answer, ask } from "../../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";

const accounts = join(root, "test", "applications", "accounts.ts");

describe("AuthDigestProvider tenon", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({
      load: [
        ...["auth_basic", "auth_digest", "authn_core", "authz_user"],
        ...["authn_socache", "socache_shmcb"],
      ],
      text: ({ htdocs }) => {
        mkdirSync(htdocs, { recursive: true });
        for (const name of ["page", "kept", "basic"]) writeFileSync(join(htdocs, name), name);
        const scheme =
          "AuthName secret place\nTenonHook get_realm_hash accounts\nRequire valid-user";
        return `
${pool("accounts", "TenonProcesses 1 1", accounts)}
<Location "/page">
  AuthType Digest
  AuthDigestProvider tenon
  ${scheme.replace("secret place", '"secret place"')}
</Location>
<Location "/kept">
  AuthType Digest
  AuthDigestProvider socache tenon
  AuthnCacheProvideFor tenon
  ${scheme.replace("secret place", '"secret place"')}
</Location>
<Location "/basic">
  AuthType Basic
  AuthBasicProvider tenon
  AuthBasicUseDigestAlgorithm MD5
  ${scheme.replace("secret place", '"secret place"')}
</Location>`;
      },
    });
    await httpd.waitForReady("accounts", 1);
    // Unknown users, wrong passwords, replays.
    httpd.expectLog(
      "AH01790",
      "AH01791",
      "AH01792",
      "AH01794",
      "AH01776",
      "AH01617",
      "AH01618",
      "AH01769",
    );
  });
  after(() => httpd.stop());

  const challengeOf = (answer: Answer): string => answer.headers["www-authenticate"] ?? "";

  async function enter(
    path: string,
    user: string,
    password: string,
    count = 1,
    challenge?: string,
  ): Promise<Answer> {
    const asked = challenge ?? challengeOf(await ask(`${httpd.url}${path}`));
    const authorization = digestAuthorization({
      challenge: asked,
      user,
      password,
      uri: path,
      count,
    });
    return ask(`${httpd.url}${path}`, { headers: { Authorization: authorization } });
  }

  const counted = async (): Promise<number> => {
    const { text } = await ask(`${httpd.url}/accounts/counts`);
    return (JSON.parse(text) as Record<string, number>)["getRealmHash"] ?? 0;
  };

  it("lets a client in that knows the password, and no other", async () => {
    const asked = await ask(`${httpd.url}/page`);
    assert.equal(asked.status, 401);
    assert.equal(parseChallenge(challengeOf(asked)).get("qop"), "auth");
    assert.equal((await enter("/page", "alice", "wonder")).text, "page");
    assert.equal((await enter("/page", "alice", "wrong")).status, 401);
    assert.equal((await enter("/page", "nobody", "wonder")).status, 401);
    assert.equal((await enter("/page", "colon", "a:b::c:")).text, "page");
  });

  it("takes a nonce more than once, counted", async () => {
    const challenge = challengeOf(await ask(`${httpd.url}/page`));
    for (const count of [1, 2, 3]) {
      assert.equal((await enter("/page", "alice", "wonder", count, challenge)).text, "page");
    }
  });

  it("refuses a forged nonce", async () => {
    const challenge = challengeOf(await ask(`${httpd.url}/page`)).replace(
      /nonce="..../,
      'nonce="AAAA',
    );
    assert.equal((await enter("/page", "alice", "wonder", 1, challenge)).status, 401);
  });

  it("answers 500 when the function throws", async () => {
    httpd.expectLog("TN0006", "TN0007");
    assert.equal((await enter("/page", "thrower", "wonder")).status, 500);
  });

  it("has mod_authn_socache keep what it found", async () => {
    const before = await counted();
    for (let turn = 0; turn < 4; turn++) {
      assert.equal((await enter("/kept", "alice", "wonder")).text, "kept");
    }
    assert.equal(await counted(), before + 1);
    assert.equal((await enter("/kept", "alice", "wrong")).status, 401);
  });

  it("serves AuthBasicUseDigestAlgorithm", async () => {
    const get = (password: string): Promise<Answer> => {
      const value = Buffer.from(`alice:${password}`).toString("base64");
      return ask(`${httpd.url}/basic`, { headers: { Authorization: `Basic ${value}` } });
    };
    assert.equal((await get("wonder")).text, "basic");
    assert.equal((await get("wander")).status, 401);
  });
});
