// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import http2 from "node:http2";
import { join } from "node:path";
import { ask, askJson } from "../../helpers/http-client.ts";
import { waitUntil } from "../../helpers/processes.ts";
import { waitingBytes } from "../../helpers/records.ts";
import { hookEach, hooksPool, modules, PhasesHttpd, phases, putFiles } from "./httpd.ts";

type View = Readonly<Record<string, unknown>>;

const seeing = phases.filter(
  (phase) => !/insert|note_auth|force_authn|check_user|auth_checker/.test(phase),
);
/** Phases before httpd knows which file a path stands for. */
const early = seeing.slice(0, seeing.indexOf("map_to_storage"));

for (const mpm of ["event", "prefork"] as const) {
  describe(`what a hook sees, under the ${mpm} MPM`, () => {
    let httpd: PhasesHttpd;
    let htdocs: string;

    /** Of how many requests workers hold state; asked at once, so that all workers are asked before long: one at a time the first always is. */
    async function held(): Promise<{ pid: number; size: number }[]> {
      const url = `${httpd.url}/several/file.txt?post_perdir_config=held`;
      return await Promise.all(Array.from({ length: 12 }, async () => await askJson(url)));
    }

    before(async () => {
      httpd = await PhasesHttpd.start({
        mpm,
        tls: true,
        load: [...modules, "headers", "env", "setenvif"],
        text: (places) => {
          htdocs = places.htdocs;
          putFiles(htdocs, {
            "file.txt": "a file",
            "several/file.txt": "a file",
            "mortal/file.txt": "a file",
            "page.shtml": '<!--#include virtual="/file.txt?handler=view" -->',
          });
          return `${hooksPool("rec")}
${hookEach("rec", "order=early")}
TypesConfig /dev/null
AddType text/plain .txt
AddType text/html .shtml
AddOutputFilter INCLUDES .shtml
ServerAdmin ada@example.test
TenonOption colour blue
SetEnvIf X-Asked . SET=value
${hooksPool("several", "TenonProcesses 3 3\nTenonStallTimeout 60")}
${hooksPool("mortal", "TenonProcesses 1 1")}
<LocationMatch "^/(several|mortal)/">
  TenonHook post_perdir_config none
  TenonHook header_parser none
  TenonHook fixups none
</LocationMatch>
<Location "/several">
  TenonHook post_perdir_config several order=late
  TenonHook fixups several order=late
</Location>
<Location "/mortal">
  TenonHook post_perdir_config mortal order=late
  TenonHook header_parser mortal order=late on-error=decline
  TenonHook fixups mortal order=late timeout=20
</Location>
<Directory "${htdocs}">
  Options +Includes
  AuthName here
</Directory>`;
        },
      });
      await httpd.httpd.waitForReady("several", 3);
      await httpd.httpd.waitForReady("mortal", 1);
      if (mpm === "prefork") httpd.httpd.expectLog("AH10034");
    });
    after(async () => {
      // Workers are told to forget state behind the request, which a loaded machine may not do before httpd's end.
      for (const pool of ["rec", "several", "mortal"]) {
        const told = (): boolean => waitingBytes(httpd.httpd.runtime, pool) === 0;
        await waitUntil(`nothing to tell ${pool}`, told);
      }
      await httpd.httpd.stop();
    });

    for (const phase of seeing) {
      it(`is the request in ${phase}`, async () => {
        const url = `${httpd.url}/%66ile.txt?${phase}=view`;
        const answer = await ask(url, { headers: { "X-Asked": "yes" } });
        const view = JSON.parse(answer.text) as View;
        assert.deepEqual(
          [view["method"], view["args"], view["unparsedUri"], view["theRequest"]],
          [
            "GET",
            `${phase}=view`,
            `/%66ile.txt?${phase}=view`,
            `GET /%66ile.txt?${phase}=view HTTP/1.1`,
          ],
        );
        assert.deepEqual(
          [view["protocol"], view["hostname"], view["scheme"], view["clientAddress"]],
          ["HTTP/1.1", "127.0.0.1", "http", "127.0.0.1"],
        );
        assert.deepEqual(
          [view["isInitial"], view["isSubrequest"], view["isRedirect"]],
          [true, false, false],
        );
        assert.deepEqual(
          [view["documentRoot"], view["serverAdmin"], view["serverPort"], view["headersIn"]],
          [htdocs, "ada@example.test", httpd.httpd.places.port, "yes"],
        );
        assert.equal(view["option"], "blue");
        assert.ok(Math.abs(Date.parse(String(view["requestTime"])) - Date.now()) < 60_000);
        const file = join(htdocs, "file.txt");
        if (!early.includes(phase)) assert.equal(view["filename"], file);
        if (["fixups", "handler"].includes(phase)) {
          assert.deepEqual(
            [view["uri"], view["contentType"], view["env"], view["authName"]],
            ["/file.txt", "text/plain", "value", "here"],
          );
          const { type, size } = view["finfo"] as { type: string; size: number };
          assert.deepEqual([type, size], ["file", 6]);
        }
      });
    }

    it("is the redirected request, and its subrequest", async () => {
      const redirected = await askJson<View>(
        `${httpd.url}/file.txt?fixups=redirect:/file.txt%3Fhandler%3Dview`,
      );
      assert.deepEqual([redirected["isRedirect"], redirected["isInitial"]], [true, false]);
    });

    it("keeps state and id over the phases of a request", async () => {
      const path = "/file.txt?post_read_request=remember:one&fixups=recall";
      const first = await askJson<{ state: View; lost: boolean; id: string }>(httpd.url + path);
      assert.deepEqual([first.state, first.lost], [{ word: "one" }, false]);
      const second = await askJson<{ state: View; id: string }>(
        `${httpd.url}/file.txt?fixups=recall`,
      );
      assert.deepEqual(second.state, {});
      assert.notEqual(first.id, second.id);
    });

    it("keeps state in the worker that has it, among several", async () => {
      const path = "/several/file.txt?post_perdir_config=ponder:";
      const words = Array.from({ length: 40 }, (_, index) => `word${index}`);
      const seen = await Promise.all(
        words.map((word) =>
          askJson<{ state: View; lost: boolean; pid: number }>(
            `${httpd.url}${path}${word}&fixups=recall`,
          ),
        ),
      );
      assert.deepEqual(
        seen.map(({ state }) => state["word"]),
        words,
      );
      assert.ok(new Set(seen.map(({ pid }) => pid)).size > 1);
      assert.ok(!seen.some(({ lost }) => lost));
    });

    it("lets go of state with its request, also of what only an answering hook has made", async () => {
      for (let count = 0; count < 5; count++) {
        await ask(`${httpd.url}/several/file.txt?post_perdir_config=recall`);
      }
      const all = new Map<number, number>();
      await waitUntil("nothing held", async () => {
        for (const { pid, size } of await held()) all.set(pid, size);
        return [...all.values()].every((count) => count === 0);
      });
    });

    it("lets go of state in the worker that holds it, also when that does not turn as the request ends", async () => {
      const since = httpd.httpd.log().mark();
      // Longer than a worker is trusted without a sign of life.
      await ask(`${httpd.url}/several/file.txt?post_perdir_config=stop:&type_checker=pause:2500`);
      const line = await httpd.httpd.waitForLog(/stops: \d+/, { since });
      const stopped = Number(/stops: (\d+)/.exec(line)?.[1]);
      try {
        // Longer than records wait for company.
        await ask(`${httpd.url}/several/file.txt?type_checker=pause:500`);
        assert.ok(!(await held()).some(({ pid }) => pid === stopped));
      } finally {
        process.kill(stopped, "SIGCONT");
      }
      await waitUntil("nothing held by the worker that was stopped", async () => {
        const all = await held();
        return all.some(({ pid, size }) => pid === stopped && size === 0);
      });
    });

    it("tells that state is lost with the worker that had it", async () => {
      const path =
        "/mortal/file.txt?post_perdir_config=remember:one&header_parser=die&fixups=recall";
      httpd.httpd.expectLog("TN0009", "TN0216");
      const answer = await askJson<{ state: View; lost: boolean }>(httpd.url + path);
      assert.deepEqual([answer.state, answer.lost], [{}, true]);
    });

    if (mpm !== "prefork") {
      it("is the same over HTTP/2 and TLS", async () => {
        const session = http2.connect(httpd.httpd.tlsUrl, { rejectUnauthorized: false });
        for (const phase of ["post_read_request", "access_checker", "fixups"]) {
          const stream = session.request({ ":path": `/file.txt?${phase}=view` });
          const pieces: Buffer[] = [];
          stream.on("data", (piece: Buffer) => pieces.push(piece));
          await once(stream, "end");
          const view = JSON.parse(Buffer.concat(pieces).toString()) as View;
          assert.deepEqual(
            [view["protocol"], view["scheme"], view["uri"]],
            ["HTTP/2.0", "https", "/file.txt"],
          );
          assert.match(String(view["tls"]), /^TLSv1\.[23]$/);
        }
        const refused = session.request({ ":path": "/file.txt?access_checker=status:403" });
        const [head] = (await once(refused, "response")) as [http2.IncomingHttpHeaders];
        assert.equal(head[":status"], 403);
        refused.resume();
        session.close();
        await once(session, "close");
      });
    }
  });
}
