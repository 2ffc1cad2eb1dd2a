// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { ask, askJson } from "../../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";

const hooks = fileURLToPath(new URL("phase-hooks.ts", import.meta.url));

/** Lines for hooks of a phase, one after the other. */
function hook(phase: string, exports: string, more = ""): string {
  return exports
    .split(" ")
    .map((name) => `TenonHook ${phase} parity#${name} ${more}\n`)
    .join("");
}

const stacked = `"when=%{REQUEST_URI} == '/stacked'"`;
const all = `"when=%{REQUEST_URI} == '/all'"`;
const bogus = "AuthType bogus\n  AuthName bogus\n  Require valid-user";

/** Every phase that is asked for any request, in httpd's order. */
const inOrder = [
  "post_read_request",
  "pre_translate_name",
  "translate_name",
  "map_to_storage",
  "post_perdir_config",
  "header_parser",
  "access_checker",
  "access_checker_ex",
  "check_user_id",
  "auth_checker",
  "type_checker",
  "fixups",
  "insert_filter",
  "handler",
];

const configuration = `
${hook("post_read_request", "ok okAgain", stacked)}
${hook("translate_name", "ok serverError", stacked)}
${hook("map_to_storage", "ok serverError", stacked)}
<Location "/stacked">
  ${bogus}
  ${hook("header_parser", "ok declined declinedAgain okAgain")}
  ${hook("access_checker", "ok okAgain")}
  ${hook("check_user_id", "declined someone unauthorized")}
  ${hook("auth_checker", "declined ok unauthorized")}
  ${hook("type_checker", "ok serverError")}
  ${hook("fixups", "ok declined declinedAgain okAgain")}
  ${hook("handler", "declined handler serverError")}
</Location>
${hook("post_read_request", "ok", all)}
${hook("pre_translate_name", "declined", all)}
${hook("translate_name", "declined", all)}
${hook("map_to_storage", "declined", all)}
<Location "/all">
  ${bogus}
  ${hook("post_perdir_config", "ok")}
  ${hook("header_parser", "dieWhenAsked")}
  ${hook("access_checker", "ok")}
  ${hook("access_checker_ex", "declined")}
  ${hook("check_user_id", "someone")}
  ${hook("auth_checker", "ok")}
  ${hook("type_checker", "declined")}
  ${hook("fixups", "ok")}
  ${hook("insert_filter", "ok")}
  ${hook("handler", "handler")}
  TenonHook log_transaction parity
</Location>
<Location "/three">
  ${hook("fixups", "ok declined okAgain")}
  TenonHook handler parity
</Location>
<Location "/status">
  ${bogus}
  ${hook("check_user_id", "one two three")}
  ${hook("auth_checker", "four")}
  ${hook("fixups", "five six seven")}
  TenonHook handler parity#eight
  TenonHook log_transaction parity#cleanup
</Location>
`;

describe("phases in which hooks are asked, as mod_python's and mod_perl's", () => {
  let httpd: TestHttpd;

  before(async () => {
    httpd = await startHttpd({
      load: ["authn_core", "authz_user"],
      text: ({ htdocs }) => {
        for (const name of ["stacked", "all", "three", "status"]) {
          writeFileSync(join(htdocs, name), "not this");
        }
        return `${pool("parity", "TenonProcesses 1 1", hooks)}\n${configuration}`;
      },
    });
    await httpd.waitForReady("parity", 1);
  });
  after(() => httpd.stop());

  it("go on after OK or end, each as httpd has it (hooks/stacked_handlers2)", async () => {
    const { order, ...counts } = await askJson<Record<string, string>>(`${httpd.url}/stacked`);
    assert.deepEqual(counts, {
      post_read_request: "2",
      translate_name: "1",
      map_to_storage: "1",
      header_parser: "4",
      access_checker: "2",
      check_user_id: "2",
      auth_checker: "2",
      type_checker: "1",
      fixups: "4",
      handler: "2",
    });
    assert.ok(order?.endsWith("handler handler"), order);
  });

  it("run one after the other (hooks/stacked_handlers)", async () => {
    const { order } = await askJson<Record<string, string>>(`${httpd.url}/three`);
    assert.equal(order, "fixups fixups fixups handler");
  });

  it("come in httpd's order, the log phase last (hooks/hookrun)", async () => {
    const { order } = await askJson<Record<string, string>>(`${httpd.url}/all`);
    assert.deepEqual(order?.split(" "), inOrder);
    await httpd.waitForLog(new RegExp(`asked in ${inOrder.join(" ")} log_transaction of /all`));
  });

  it("end at once with a status (hooks/hookrun)", async () => {
    const since = httpd.log().mark();
    assert.equal((await ask(`${httpd.url}/all?die`)).status, 500);
    await httpd.waitForLog(/header_parser[a-z_ ]* log_transaction of \/all/, { since });
    assert.doesNotMatch(httpd.log().tail(), /header_parser access_checker[a-z_ ]*of \/all\?die/);
  });

  it("share a user and state (test_phase_status)", async () => {
    assert.deepEqual(await askJson(`${httpd.url}/status`), {
      phases: [1, 2, 4, 5, 6, 7],
      user: "bogus",
    });
    await httpd.waitForLog(/phase_status_cleanup_log_entry 1,2,4,5,6,7 bogus/);
  });
});
