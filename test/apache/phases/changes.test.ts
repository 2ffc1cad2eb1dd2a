// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Answer, ask } from "../../helpers/http-client.ts";
import { hookEach, hooksPool, modules, PhasesHttpd, putFiles } from "./httpd.ts";

const environment = `#!/bin/sh
printf 'Content-Type: text/plain\\n\\n'
echo "$REMOTE_USER|$AUTH_TYPE|$FROM_HOOK|$HTTP_X_FROM_HOOK|$QUERY_STRING"
`;

describe("what a hook changes", () => {
  let httpd: PhasesHttpd;
  let directory: string;

  before(async () => {
    httpd = await PhasesHttpd.start({
      load: modules,
      text: (places) => {
        ({ directory } = places);
        putFiles(places.htdocs, {
          "file.txt": "a file",
          "other.txt": "another file",
          "script.cgi": environment,
        });
        return `${hooksPool("rec")}
${hookEach("rec", "order=early")}
TypesConfig /dev/null
AddType text/plain .txt
AddHandler cgi-script .cgi
LogFormat "%u %{noted}n %{FROM_HOOK}e %>s %U" hooked
CustomLog "${places.logs}/access.log" hooked
<Location "/user">
  AuthType Own
  AuthName here
  Require valid-user
</Location>
<Directory "${places.htdocs}">
  Options +ExecCGI
</Directory>`;
      },
    });
  });
  after(() => httpd.httpd.stop());

  /** Asks for a path with one change in each of some phases. */
  function changed(path: string, changes: Readonly<Record<string, string>>): Promise<Answer> {
    const query = Object.entries(changes).map(
      ([phase, what]) => `${phase}=${encodeURIComponent(what)}`,
    );
    return ask(`${httpd.url}${path}?${query.join("&")}`);
  }

  it("is the user, the environment and the headers that CGI has", async () => {
    const { text } = await changed("/script.cgi", {
      access_checker: "set:user=ada",
      access_checker_ex: "set:authType=Own",
      type_checker: "set:env.FROM_HOOK=there",
      fixups: "set:headersIn.X-From-Hook=here",
    });
    assert.match(text, /^ada\|Own\|there\|here\|access_checker=/);
  });

  it("is the user, notes and environment of the access log", async () => {
    await changed("/file.txt", {
      access_checker: "set:user=ada",
      header_parser: "set:notes.noted=a note",
      fixups: "set:env.FROM_HOOK=there",
    });
    const line = "ada a note there 200 /file.txt";
    await httpd.httpd.log("access.log").waitFor(new RegExp(`^${line}$`));
    assert.ok(readFileSync(join(directory, "logs", "access.log"), "utf8").includes(line));
  });

  it("is the headers of a response; only some stay with an error", async () => {
    const told = {
      header_parser: "set:headersOut.X-A=1",
      access_checker: "set:errHeadersOut.X-B=2",
    };
    const fine = await changed("/file.txt", told);
    assert.deepEqual([fine.headers["x-a"], fine.headers["x-b"]], ["1", "2"]);
    const error = await changed("/file.txt", { ...told, fixups: "status:404" });
    assert.deepEqual(
      [error.status, error.headers["x-a"], error.headers["x-b"]],
      [404, undefined, "2"],
    );
  });

  it("is what a response is sent with, from the phases that set up its filters", async () => {
    const fine = await changed("/file.txt", { insert_filter: "set:headersOut.X-A=1" });
    assert.deepEqual([fine.status, fine.headers["x-a"]], [200, "1"]);
    const error = await changed("/missing", { insert_error_filter: "set:errHeadersOut.X-B=2" });
    assert.deepEqual([error.status, error.headers["x-b"]], [404, "2"]);
  });

  it("is how a client is to authenticate", async () => {
    const challenge = "set:errHeadersOut.WWW-Authenticate=Own realm=here";
    const { status, headers } = await changed("/user/file.txt", {
      check_user_id: "status:401",
      note_auth_failure: challenge,
    });
    assert.deepEqual([status, headers["www-authenticate"]], [401, "Own realm=here"]);
  });

  for (const phase of ["insert_filter", "insert_error_filter"]) {
    it(`is all that counts in ${phase}: a Response cannot be sent there`, async () => {
      const path = phase === "insert_filter" ? "/file.txt" : "/missing";
      const { status, text } = await changed(path, { [phase]: "respond:200" });
      assert.equal(status, phase === "insert_filter" ? 200 : 404);
      assert.ok(!text.includes("answered by"));
    });
  }

  it("is the file that a path stands for, before that is looked at", async () => {
    const path = `set:filename=${directory}/htdocs/other.txt`;
    const named = await ask(`${httpd.url}/file.txt?map_to_storage=${encodeURIComponent(path)}`);
    assert.equal(named.text, "another file");
  });

  it("is the path, the handler and the type", async () => {
    assert.equal(
      (await changed("/file.txt", { post_read_request: "set:uri=/other.txt" })).status,
      200,
    );
    const handled = await changed("/file.txt", { type_checker: "set:handler=tenon:rec" });
    assert.equal(handled.text, "answered by the application");
    const typed = await changed("/file.txt", { fixups: "set:contentType=text/x-changed" });
    assert.equal(typed.headers["content-type"], "text/x-changed");
  });

  const refused: readonly (readonly [title: string, phase: string, change: string, why: RegExp])[] =
    [
      [
        "a file, once what may be read is decided",
        "fixups",
        "set:filename=/etc/passwd",
        /redirect to a path/,
      ],
      ["the length of a body", "fixups", "set:headersIn.Content-Length=3", /httpd's business/],
      [
        "how a body is coded",
        "access_checker",
        "set:headersOut.Transfer-Encoding=chunked",
        /httpd's business/,
      ],
      [
        "a path without a slash",
        "post_read_request",
        "set:uri=file.txt",
        /must begin with a slash/,
      ],
      ["a user with a line break", "fixups", "set:user=ada\r\nX: y", /line break/],
    ];
  for (const [title, phase, change, why] of refused) {
    it(`is not ${title}`, async () => {
      httpd.httpd.expectLog("TN0072", "TN0006", "TN0007");
      const since = httpd.httpd.log().mark();
      const { status, text } = await changed("/file.txt", { [phase]: change });
      assert.ok([500, 503].includes(status) && !text.includes("a file"));
      const line = new RegExp(
        `TN0072: \\[rec 0 #\\S+\\] ${phase} \\w+: \\w+ '.*' cannot be changed so: `,
      );
      assert.match(await httpd.httpd.waitForLog(line, { since }), why);
    });
  }
});
