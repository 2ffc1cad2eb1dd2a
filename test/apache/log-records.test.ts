// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect, type IncomingHttpHeaders } from "node:http2";
import { join } from "node:path";
import type { HttpdPlaces } from "../../ts/cli/private-httpd.ts";
import { ask, exchangeBytes } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { alive, waitUntil } from "../helpers/processes.ts";
import { type SpoolFile, spoolFiles } from "../helpers/records.ts";

/** What test/applications/log-view.ts tells of a request. */
interface SeenRecord {
  readonly id: string;
  readonly method: string;
  readonly unparsedUri: string;
  readonly uri: string;
  readonly args?: string;
  readonly theRequest?: string;
  readonly status: number;
  readonly bytesSent: number;
  readonly duration: number;
  readonly user?: string;
  readonly filename: string;
  readonly agent?: string;
  readonly type?: string;
  readonly tenant?: string;
  readonly statePid?: number;
  readonly pid: number;
}

const application = join(root, "test", "applications", "log-view.ts");
const load = ["alias", "auth_basic", "authn_core", "authn_file", "authz_user", "include"];

function configuration(places: HttpdPlaces, written: string): string {
  return `<TenonPool log>
  TenonApp "${application}"
  TenonEnv RECORDS "${written}"
  TenonProcesses 2
</TenonPool>
TenonMount /below strip
TenonHook fixups log
TenonHook log_transaction log
CustomLog "${join(places.logs, "access.log")}" "%U %{tenant}n"
ErrorDocument 404 /missing.txt
<Directory "${places.htdocs}">
  Options +Includes
  <Files "*.shtml">
    SetOutputFilter INCLUDES
  </Files>
</Directory>
<Location "/secret.txt">
  AuthType Basic
  AuthName "secret"
  AuthBasicProvider file
  AuthUserFile "${join(places.directory, "passwords")}"
  Require valid-user
</Location>
`;
}

describe("a record of the log phase", () => {
  let httpd: TestHttpd;
  let written: string;

  before(async () => {
    const text = (places: HttpdPlaces): string => {
      const folder = join(places.directory, "written");
      mkdirSync(folder);
      chmodSync(folder, 0o777);
      written = join(folder, "records");
      for (const name of ["file", "missing", "part", "secret"]) {
        writeFileSync(join(places.htdocs, `${name}.txt`), `${name}\n`);
      }
      writeFileSync(join(places.htdocs, "whole.shtml"), '<!--#include virtual="/part.txt" -->\n');
      // alice, secret
      const line = "alice:{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=\n";
      writeFileSync(join(places.directory, "passwords"), line, { mode: 0o644 });
      return configuration(places, written);
    };
    httpd = await startHttpd({ load, text, tls: true });
    await httpd.waitForReady("log", 2);
  });
  after(() => httpd.stop());

  /** Records of requests whose target holds a text; waits for the first. */
  async function recordsOf(target: string): Promise<SeenRecord[]> {
    const read = (): SeenRecord[] =>
      existsSync(written)
        ? readFileSync(written, "utf8")
            .split("\n")
            .slice(0, -1)
            .map((line) => JSON.parse(line) as SeenRecord)
            .filter(({ theRequest = "" }) => theRequest.includes(target))
        : [];
    await waitUntil(`a record of ${target}`, () => read().length > 0, {
      explain: () => httpd.log().tail(),
    });
    return read();
  }

  it("tells what the client asked for and what it got", async () => {
    const headers = { "user-agent": "a test" };
    const answer = await ask(`${httpd.url}/file.txt?a=b`, { headers });
    assert.equal(answer.status, 200);
    const [record, ...others] = await recordsOf("/file.txt?a=b");
    assert.ok(record !== undefined);
    assert.deepEqual(others, []);
    const { id, duration, pid, statePid, ...facts } = record;
    assert.match(id, /^[\w@-]{20,}$/);
    assert.ok(duration > 0 && duration < 20_000, String(duration));
    assert.deepEqual(facts, {
      method: "GET",
      unparsedUri: "/file.txt?a=b",
      uri: "/file.txt",
      args: "a=b",
      theRequest: "GET /file.txt?a=b HTTP/1.1",
      status: 200,
      bytesSent: 5,
      filename: join(httpd.places.htdocs, "file.txt"),
      agent: "a test",
      tenant: "acme",
    });
    // It came to the worker that had the request before, with what that kept of it.
    assert.equal(pid, statePid);
  });

  it("comes once for an internal redirect, with what the client asked for and what it got", async () => {
    const answer = await ask(`${httpd.url}/nothing?c=d`);
    assert.equal(answer.status, 404);
    const records = await recordsOf("/nothing?c=d");
    const seen = records.map(({ method, theRequest, uri, status }) => [
      method,
      theRequest,
      uri,
      status,
    ]);
    assert.deepEqual(seen, [["GET", "GET /nothing?c=d HTTP/1.1", "/missing.txt", 404]]);
  });

  it("does not come for a subrequest", async () => {
    const answer = await ask(`${httpd.url}/whole.shtml`);
    assert.equal(answer.text.trim(), "part");
    // A record behind it, of the same connection to the same process or not, shows that no other one is on its way.
    const records = await recordsOf("/whole.shtml");
    assert.deepEqual(
      records.map(({ uri }) => uri),
      ["/whole.shtml"],
    );
  });

  it("has the user, and comes for what was refused", async () => {
    assert.equal((await ask(`${httpd.url}/secret.txt?e=1`)).status, 401);
    const authorization = `Basic ${Buffer.from("alice:secret").toString("base64")}`;
    const answer = await ask(`${httpd.url}/secret.txt?e=2`, { headers: { authorization } });
    assert.equal(answer.status, 200);
    const [refused] = await recordsOf("/secret.txt?e=1");
    const [passed] = await recordsOf("/secret.txt?e=2");
    assert.deepEqual([refused?.status, refused?.user], [401, undefined]);
    assert.deepEqual([passed?.status, passed?.user], [200, "alice"]);
  });

  const unread = new Map([
    ["no target", "GET\r\n\r\n"],
    ["no host", "GET /x?unread HTTP/1.1\r\n\r\n"],
    ["a target that is none", "GET x?unread HTTP/1.1\r\nHost: a\r\n\r\n"],
    ["bytes of another protocol", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"],
    ["a header that is none", "GET /x?unread HTTP/1.1\r\nHost: a\r\nno header\r\n\r\n"],
  ]);
  it("comes for what httpd refuses to read", async () => {
    const before = readFileSync(written, "utf8").split("\n").length;
    for (const [what, text] of unread) {
      const { text: answer } = await exchangeBytes(httpd.places.port, text);
      assert.match(answer, /^HTTP\/1\.1 400 |<title>400 /, what);
    }
    const lines = (): string[] =>
      readFileSync(written, "utf8")
        .split("\n")
        .slice(before - 1, -1);
    await waitUntil("records of all", () => lines().length >= unread.size, {
      explain: () => httpd.log().tail(),
    });
    for (const line of lines()) assert.equal((JSON.parse(line) as SeenRecord).status, 400, line);
  });

  it("comes for each stream of HTTP/2 over TLS", async () => {
    const session = connect(httpd.tlsUrl, { rejectUnauthorized: false });
    const targets = Array.from({ length: 20 }, (_, number) => `/file.txt?h2=${number};`);
    const statuses = targets.map(async (path) => {
      const stream = session.request({ ":path": path });
      const response = once(stream, "response");
      stream.end().resume();
      const [head] = (await response) as [IncomingHttpHeaders];
      return head[":status"];
    });
    assert.deepEqual(await Promise.all(statuses), Array(targets.length).fill(200));
    session.close();
    for (const target of targets) {
      const records = await recordsOf(target);
      assert.deepEqual(
        records.map(({ theRequest, status }) => [theRequest, status]),
        [[`GET ${target} HTTP/2.0`, 200]],
      );
    }
  });

  it("leaves the access log what a hook has noted before", async () => {
    await ask(`${httpd.url}/file.txt?f=g`);
    const path = join(httpd.places.logs, "access.log");
    const noted = (): boolean => readFileSync(path, "latin1").includes("/file.txt acme\n");
    await waitUntil("a line of the access log", noted);
  });
});

describe("state of a request that its worker was not told to forget", () => {
  /** Answers, and then nothing more. */
  const application = `
export function fixups(request) {
  request.state.answered = true;
  setTimeout(() => process.kill(process.pid, "SIGSTOP"), 20);
}`;

  for (const mpm of ["event", "prefork"] as const) {
    it(`is left in no file when httpd ends, under ${mpm}`, async () => {
      const httpd = await startHttpd({
        mpm,
        text: ({ directory, htdocs }) => {
          writeFileSync(join(directory, "app.mjs"), application, { mode: 0o644 });
          writeFileSync(join(htdocs, "file.txt"), "file\n");
          const limits = "TenonProcesses 1 1\nTenonStallTimeout 1h\nTenonShutdownTimeout 1s";
          return `${pool("state", limits, join(directory, "app.mjs"))}\nTenonHook fixups state`;
        },
      });
      try {
        await httpd.waitForReady("state", 1);
        if (mpm === "prefork") httpd.expectLog("AH10034");
        // How a stopped worker ends.
        httpd.expectLog("TN0216", "TN0218");
        assert.equal((await ask(`${httpd.url}/file.txt`)).status, 200);
        const left = (): SpoolFile | undefined =>
          spoolFiles(httpd.runtime, "state").find(({ waiting }) => waiting > 0);
        await waitUntil("what waits for the worker", () => left() !== undefined);
        const child = Number(left()?.name.split("-")[1]);
        process.kill(child, "SIGKILL");
        await waitUntil("its end", () => !alive(child));
      } finally {
        await httpd.stop();
      }
    });
  }
});
