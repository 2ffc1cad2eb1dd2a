// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import http from "node:http";
import { type Answer, type Ask, ask } from "../../helpers/http-client.ts";
import { hookEach, hooksPool, modules, PhasesHttpd, putFiles } from "./httpd.ts";

const OK = 0;
const DECLINED = -1;
const DONE = -2;

/** Phases that may end a request, in their order, where a user is needed. */
const ending = [
  "post_read_request",
  "quick_handler",
  "pre_translate_name",
  "translate_name",
  "map_to_storage",
  "post_perdir_config",
  "header_parser",
  "access_checker",
  "access_checker_ex",
  "force_authn",
  "check_user_id",
  "auth_checker",
  "type_checker",
  "fixups",
  "handler",
];

/** What counts by itself when a hook fails: 0 stands for "as if it were not there". */
const failure: Readonly<Record<string, number>> = {
  access_checker: 503,
  access_checker_ex: 503,
  force_authn: 503,
  check_user_id: 503,
  auth_checker: 503,
  type_checker: 0,
  handler: 502,
};

for (const mpm of ["event", "worker", "prefork"] as const) {
  describe(`what a hook returns, under the ${mpm} MPM`, () => {
    let httpd: PhasesHttpd;

    before(async () => {
      httpd = await PhasesHttpd.start({
        mpm,
        load: modules,
        text: ({ htdocs }) => {
          putFiles(htdocs, {
            "file.txt": "a file",
            "other.txt": "another file",
            "count.cgi": "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\n'\nexec wc -c\n",
            "error.txt": "an error in our words",
            "include.shtml": '<!--#include virtual="/file.txt?fixups=respond:200" -->',
            "handled.shtml": '<!--#include virtual="/file.txt?handler=respond:200" -->',
            "quick.shtml": '<!--#include virtual="/missing?quick_handler=respond:200" -->',
          });
          return `${hooksPool("rec")}
${hookEach("rec", "order=early")}
TypesConfig /dev/null
AddType text/plain .txt
AddType text/html .html .shtml
AddOutputFilter INCLUDES .shtml
AddHandler cgi-script .cgi
<Directory "${htdocs}">
  Options +Includes +ExecCGI
</Directory>
# mod_include tells of what it could not include, without a number.
LogLevel include:crit
<Location "/user">
  AuthType Basic
  AuthName user
  Require valid-user
</Location>
<Location "/document">
  ErrorDocument 401 /error.txt
  ErrorDocument 403 /error.txt
</Location>`;
        },
      });
    });
    after(() => httpd.httpd.stop());

    /** A path that passes a phase, and what has its hooks do. */
    function target(phase: string, action: string): string {
      const user = phase === "check_user_id" || phase === "auth_checker";
      const auth = phase === "auth_checker" ? "&check_user_id=user:ada" : "";
      return `${user ? "/user/" : "/"}file.txt?${phase}=${encodeURIComponent(action)}${auth}`;
    }

    async function told(
      phase: string,
      action: string,
      options: Ask = {},
    ): Promise<{ answer: Answer; last: string; errors: boolean }> {
      let answer: Answer | undefined;
      const called = await httpd.called(async () => {
        answer = await ask(httpd.url + target(phase, action), options);
      });
      assert.ok(answer !== undefined);
      const names = called.map((line) => line.split(" ")[0] ?? "");
      const errors = names.at(-1) === "insert_error_filter";
      return { answer, last: names.at(errors ? -2 : -1) ?? "", errors };
    }

    for (const phase of ending) {
      describe(phase, () => {
        it("ends the request with a status, and httpd's page for it", async () => {
          const { answer, last, errors } = await told(phase, "status:403");
          assert.equal(answer.status, 403);
          assert.match(answer.text, /<title>403 Forbidden<\/title>/);
          assert.deepEqual([last, errors], [phase, true]);
        });

        it("ends the request with a status that has no body", async () => {
          const { answer, last } = await told(phase, "status:204");
          assert.deepEqual([answer.status, answer.text, last], [204, "", phase]);
        });

        it("answers with a Response, and no error page", async () => {
          const { answer, last, errors } = await told(phase, "respond:403");
          assert.equal(answer.status, 403);
          assert.equal(answer.text, `answered by ${phase}`);
          assert.equal(answer.headers["x-answered-by"], phase);
          assert.equal(answer.headers["content-type"], "text/x-hook");
          assert.deepEqual([last, errors], [phase, false]);
        });

        it("answers HEAD with a Response's head", async () => {
          const { answer } = await told(phase, "respond:200", { method: "HEAD" });
          assert.equal(answer.status, 200);
          assert.equal(answer.headers["x-answered-by"], phase);
          assert.equal(answer.text, "");
        });

        it("answers before a body is sent", async () => {
          const options = { method: "POST", body: Buffer.alloc(100_000, "x") };
          const { answer } = await told(phase, "respond:401", options);
          assert.deepEqual([answer.status, answer.text], [401, `answered by ${phase}`]);
        });

        const counts = failure[phase] ?? 500;
        it(`${counts === 0 ? "is passed over" : `gives ${counts}`} when it throws`, async () => {
          httpd.httpd.expectLog("TN0006", "TN0007");
          const since = httpd.httpd.log().mark();
          const { answer } = await told(phase, "throw");
          assert.equal(answer.status, counts === 0 ? 200 : counts);
          assert.equal(answer.headers["retry-after"], counts === 503 ? "1" : undefined);
          const role = new RegExp(`TN0006: \\[rec 0 #\\S+\\] ${phase} \\w+: the worker broke off`);
          await httpd.httpd.waitForLog(role, { since });
        });

        it("is passed over when it declines", async () => {
          const { answer } = await told(phase, `status:${DECLINED}`);
          // Where a user is needed mod_auth_basic is next, and asks for one.
          const next = { check_user_id: [401], auth_checker: [404] }[phase] ?? [200, "a file"];
          assert.deepEqual([answer.status, answer.text].slice(0, next.length), next);
        });
      });
    }

    it("keeps the connection behind a Response", async () => {
      const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
      const ports = new Set<string | undefined>();
      for (const phase of ["quick_handler", "access_checker", "fixups"]) {
        const answer = await ask(httpd.url + target(phase, "respond:200"), { agent });
        assert.equal(answer.text, `answered by ${phase}`);
        ports.add(answer.headers["connection"]);
      }
      agent.destroy();
      assert.deepEqual([...ports], ["Keep-Alive"]);
    });

    it("closes it behind an answer before httpd has taken the request", async () => {
      const answer = await ask(httpd.url + target("post_read_request", "respond:200"));
      assert.equal(answer.headers["connection"], "close");
    });

    it("grants access without a user by OK of access_checker_ex", async () => {
      const answer = await ask(`${httpd.url}/user/file.txt?access_checker_ex=status:${OK}`);
      assert.equal(answer.status, 404);
    });

    it("demands a user by OK of force_authn", async () => {
      const path = `/user/file.txt?access_checker_ex=status:${OK}&force_authn=status:${OK}`;
      const called = await httpd.called(() => ask(httpd.url + path));
      assert.ok(called.includes("check_user_id /user/file.txt"));
    });

    it("leaves a path as it was sent by DONE of pre_translate_name", async () => {
      const answer = await ask(`${httpd.url}/%66ile.txt?pre_translate_name=status:${DONE}`);
      assert.deepEqual([answer.status, answer.text], [200, "a file"]);
    });

    it("has httpd answer errors by ErrorDocument, which a Response is not", async () => {
      const page = await ask(`${httpd.url}/document?access_checker=status:403`);
      assert.deepEqual([page.status, page.text], [403, "an error in our words"]);
      const answer = await ask(`${httpd.url}/document?access_checker=respond:403`);
      assert.deepEqual([answer.status, answer.text], [403, "answered by access_checker"]);
    });

    for (const phase of ["access_checker", "fixups", "handler"]) {
      it(`redirects within httpd from ${phase}, at once by DONE`, async () => {
        const path = target(phase, "redirect:/other.txt");
        const called = await httpd.called(async () => {
          const answer = await ask(httpd.url + path);
          assert.deepEqual([answer.status, answer.text], [200, "another file"]);
        });
        const before = called.slice(0, called.indexOf("post_read_request /other.txt"));
        assert.equal(before.at(-1), `${phase} /file.txt`);
      });
    }

    it("redirects within httpd in place of the handler", async () => {
      const called = await httpd.called(async () => {
        const answer = await ask(httpd.url + target("access_checker", "replace:/other.txt"));
        assert.deepEqual([answer.status, answer.text], [200, "another file"]);
      });
      assert.ok(called.includes("fixups /file.txt") && !called.includes("handler /file.txt"));
    });

    it("redirects to nothing that a later phase refuses", async () => {
      const path = `${target("access_checker", "replace:/other.txt")}&fixups=status:403`;
      assert.equal((await ask(httpd.url + path)).status, 403);
    });

    describe("handler, with a body", () => {
      const body = Buffer.alloc(300_000, "tenon ");

      it("reads it", async () => {
        const answer = await ask(httpd.url + target("handler", "echo"), { method: "POST", body });
        assert.ok(answer.body.equals(body));
      });

      it("leaves it to the next handler when it declines", async () => {
        const answer = await ask(`${httpd.url}/count.cgi`, { method: "POST", body });
        assert.equal(answer.text.trim(), String(body.length));
      });

      it("fails when it declines too late", async () => {
        httpd.httpd.expectLog("TN0073");
        const path = `${httpd.url}/count.cgi?handler=swallow`;
        assert.equal((await ask(path, { method: "POST", body })).status, 500);
      });
    });

    it("sends no Response from a phase that looks a subrequest up", async () => {
      const since = httpd.httpd.log().mark();
      const answer = await ask(`${httpd.url}/include.shtml`);
      assert.match(answer.text, /an error occurred/);
      const line = /TN0070: .* fixups fixups: a Response cannot be sent from a subrequest/;
      await httpd.httpd.waitForLog(line, { since });
    });

    it("sends a subrequest's Response as its content", async () => {
      assert.equal((await ask(`${httpd.url}/handled.shtml`)).text, "answered by handler");
      assert.equal((await ask(`${httpd.url}/quick.shtml`)).text, "answered by quick_handler");
    });
  });
}
