// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import http2 from "node:http2";
import https from "node:https";
import { join } from "node:path";
import type { RequestFacts } from "../../ts/index.ts";
import { ask } from "../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

const application = `
import { requestFacts } from "tenon";
export default { fetch: (request) => Response.json(requestFacts(request)) };
`;

const basic = (user: string, password: string): { Authorization: string } => ({
  Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`,
});

describe("facts of a request under httpd", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({
      tls: true,
      load: ["auth_basic", "authn_core", "authn_file", "authz_user"],
      text: ({ directory }) => {
        const app = join(directory, "facts.mjs");
        const users = join(directory, "users");
        writeFileSync(app, application);
        writeFileSync(
          users,
          `alice:{SHA}${createHash("sha1").update("wonder").digest("base64")}\n`,
        );
        return `${pool("facts", "TenonProcesses 1 1", app)}
<Location "/facts/private">
  AuthType Basic
  AuthName test
  AuthUserFile "${users}"
  Require valid-user
</Location>`;
      },
    });
    // A wrong password.
    httpd.expectLog("AH01617");
  });
  after(() => httpd.stop());

  it("name the user that httpd has authenticated", async () => {
    const url = `${httpd.url}/facts/private`;
    const answer = await ask(url, { headers: basic("alice", "wonder") });
    const facts = JSON.parse(answer.text) as RequestFacts;
    assert.equal(facts.user, "alice");
    assert.equal(facts.authType, "Basic");
    assert.equal((await ask(url, { headers: basic("alice", "wrong") })).status, 401);
  });

  it("name nobody where httpd asks for no password, whatever the client sends", async () => {
    const headers = { ...basic("mallory", "x"), "X-Remote-User": "root", "Remote-User": "root" };
    const facts = JSON.parse((await ask(`${httpd.url}/facts`, { headers })).text) as RequestFacts;
    assert.equal(facts.user, undefined);
    assert.equal(facts.authType, undefined);
  });

  it("name server, client and request", async () => {
    const { text } = await ask(`${httpd.url}/facts?x`);
    const { clientPort, requestId, connectionId, ...others } = JSON.parse(text) as RequestFacts;
    assert.deepEqual(others, {
      method: "GET",
      target: "/facts?x",
      protocol: "HTTP/1.1",
      scheme: "http",
      serverName: "127.0.0.1",
      clientAddress: "127.0.0.1",
      localAddress: "127.0.0.1",
      localPort: httpd.places.port,
    });
    assert.ok((clientPort ?? 0) > 0);
    assert.match(requestId ?? "", /^[\w@-]{20,}$/, "mod_unique_id's");
    assert.ok(connectionId !== undefined);
  });

  it("name what TLS has agreed on", async () => {
    const request = https.get(`${httpd.tlsUrl}/facts`, { rejectUnauthorized: false, agent: false });
    const [response] = await once(request, "response");
    const facts = JSON.parse((await response.toArray()).join("")) as RequestFacts;
    assert.equal(facts.scheme, "https");
    assert.match(facts.tlsProtocol ?? "", /^TLSv1\.[23]$/);
    assert.match(facts.tlsCipher ?? "", /^[A-Z0-9_-]+$/);
    assert.equal(facts.tlsServerName, "localhost");
  });

  it("name the protocol of the client, and one connection for all its streams", async () => {
    const session = http2.connect(httpd.tlsUrl, { rejectUnauthorized: false });
    try {
      const read = async (): Promise<RequestFacts> => {
        const stream = session.request({ ":path": "/facts" });
        return JSON.parse((await stream.toArray()).join("")) as RequestFacts;
      };
      const [one, other] = await Promise.all([read(), read()]);
      assert.equal(one.protocol, "HTTP/2.0");
      assert.equal(one.connectionId, other.connectionId);
      assert.notEqual(one.requestId, other.requestId);
    } finally {
      session.close();
    }
  });
});
