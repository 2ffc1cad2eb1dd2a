// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type Answer, type Ask, ask, askJson } from "../../helpers/http-client.ts";
import { configtest, pool, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";

const hooks = fileURLToPath(new URL("view-hooks.ts", import.meta.url));
const content = fileURLToPath(new URL("content.ts", import.meta.url));

/** A location with one hook, in fixups unless said otherwise. */
function at(path: string, hook: string, more = ""): string {
  const line = hook.includes(" ") ? hook : `fixups parity#${hook}`;
  return `<Location "/${path}">\n  TenonHook ${line}\n  ${more}\n</Location>\n`;
}

const configuration = `
LogFormat "%U %{data}e" parity
ServerAdmin serveradmin@somewhere.com
TenonOption global 1
TenonOption override 1
Define FOOBAR
<IfDefine FOOBAR>
  TenonOption defined FOOBAR
</IfDefine>
<IfDefine NO_FOOBAR>
  TenonOption defined NO_FOOBAR
</IfDefine>
TenonHook translate_name parity
TenonHook post_read_request parity "when=%{REQUEST_URI} == '/postreadrequest'"
TenonHook post_read_request parity#initEarly "when=%{REQUEST_URI} == '/init.txt'"
${at("members", "members", "TenonOption testing 123")}
${at("surroundings", "surroundings")}
${at("variables", "commonVariables")}
${at("options", "options")}
${at("options/below", "options", "TenonOption local 1\n  TenonOption override 2")}
${at("python", "options")}
${at("tables", "tables")}
${at("test-header", "testHeader")}
${at("both-headers", "bothHeaders")}
${at("log-levels", "logLevels", "LogLevel tenon:debug")}
${at("redirect", "redirectInside")}
${at("found", "redirect")}
${at("refused", "refuseWithText")}
${at("look-up", "lookUp")}
${at("translated", "refuseWithText")}
${at("init.txt", "header_parser parity#initLate", "TenonHook fixups parity#sayInit")}
${at("echo.shtml", "setEnvironment", "SetOutputFilter INCLUDES\n  Options +Includes")}
${at("including.shtml", "setEnvironment", "SetOutputFilter INCLUDES\n  Options +Includes")}
${at("part", "handler parity#sayPart")}
${at("handled", "giveHandler")}
${at("access-handled", "access_checker parity#giveHandler")}
${at("state", "header_parser parity#remember", "TenonHook fixups parity#recall")}
${at("cleanup", "setCleanup", "TenonHook log_transaction parity")}
${at("bad", "badHandler")}
${at("none", "noneHandler")}
${at("bomb", "bomb", "ErrorDocument 500 /bombed\n  TenonHook header_parser parity#seed")}
${at("bombed", "sayError")}
${at("cgi", "setEnvironment")}
${at("piped", `fixups parity#refuseWithText "when=%{REQUEST_URI} =~ /[.]py$/"`)}
<Files "*.py">
  TenonOption files yes
</Files>
`;

describe("a hook's view of a request, as mod_python's and mod_perl's", () => {
  let httpd: TestHttpd;
  const get = (path: string, options?: Ask): Promise<Answer> =>
    ask(`${httpd.url}/${path}`, options);

  before(async () => {
    httpd = await startHttpd({
      load: ["alias", "cgid", "env", "include"],
      text: ({ directory, htdocs }) => {
        for (const name of ["plain.txt", "members", "tables", "test-header", "both-headers"]) {
          writeFileSync(join(htdocs, name), `this is ${name}\n`);
        }
        mkdirSync(join(htdocs, "python"));
        writeFileSync(join(htdocs, "python", "some.py"), "plain");
        for (const name of ["log-levels", "cleanup", "init.txt", "piped", "options"]) {
          writeFileSync(join(htdocs, name), "plain");
        }
        writeFileSync(join(htdocs, "echo.shtml"), '<!--#echo var="data" -->');
        const including = '<!--#include virtual="/part" --> and plain';
        writeFileSync(join(htdocs, "including.shtml"), including);
        mkdirSync(join(directory, "cgi"));
        const program = '#!/bin/sh\nprintf "Content-Type: text/plain\\n\\n%s" "$data"\n';
        writeFileSync(join(directory, "cgi", "env.sh"), program, { mode: 0o755 });
        return `${pool("parity", "TenonProcesses 1 1", hooks)}
${pool("handled", "TenonProcesses 1 1", content)}
ScriptSock "${join(directory, "run", "cgi.sock")}"
ScriptAlias "/cgi" "${join(directory, "cgi")}"
${configuration}`;
      },
    });
    await httpd.waitForReady("parity", 1);
    await httpd.waitForReady("handled", 1);
  });
  after(() => httpd.stop());

  it("has the members of a request (test_req_members, test_req_document_root, api/request_rec)", async () => {
    const seen = await askJson<Record<string, unknown>>(`${httpd.url}/members?a=b%20c`);
    const { requestTime, ...members } = seen;
    assert.deepEqual(members, {
      phase: "fixups",
      method: "GET",
      theRequest: "GET /members?a=b%20c HTTP/1.1",
      protocol: "HTTP/1.1",
      hostname: "127.0.0.1",
      uri: "/members",
      unparsedUri: "/members?a=b%20c",
      args: "a=b%20c",
      filename: join(httpd.places.htdocs, "members"),
      pathInfo: "",
      documentRoot: httpd.places.htdocs,
      finfo: { type: "file", size: "this is members\n".length },
      isInitial: true,
      isSubrequest: false,
      isRedirect: false,
      host: `127.0.0.1:${httpd.places.port}`,
      testing: "123",
    });
    assert.ok(Math.abs(Date.now() - Number(requestTime)) < 10_000, String(requestTime));
  });

  it("knows connection and server (test_connection_members, test_server_members)", async () => {
    const seen = await askJson<Record<string, unknown>>(`${httpd.url}/surroundings`);
    assert.equal(seen["clientAddress"], "127.0.0.1");
    assert.equal(seen["localAddress"], "127.0.0.1");
    assert.equal(seen["localPort"], httpd.places.port);
    assert.ok(seen["clientPort"]);
    assert.ok(seen["connectionId"]);
    assert.equal(seen["serverName"], "127.0.0.1");
    assert.equal(seen["serverAdmin"], "serveradmin@somewhere.com");
    assert.equal(seen["serverPort"], httpd.places.port);
    assert.equal(seen["scheme"], "http");
  });

  it("reads any variable (test_req_add_common_vars, test_req_add_cgi_vars, test_req_get_remote_host)", async () => {
    assert.deepEqual(await askJson(`${httpd.url}/variables?a=b`), {
      REMOTE_HOST: "127.0.0.1",
      DOCUMENT_ROOT: httpd.places.htdocs,
      REQUEST_METHOD: "GET",
      SERVER_NAME: "127.0.0.1",
      QUERY_STRING: "a=b",
    });
  });

  it("is given options (test_PythonOption, test_apache_exists_config_define)", async () => {
    assert.deepEqual(await askJson(`${httpd.url}/options`), [
      ["defined", "FOOBAR"],
      ["global", "1"],
      ["override", "1"],
    ]);
  });

  it("is given options that inner sections change (test_PythonOption_override, test_req_server_get_options)", async () => {
    assert.deepEqual(await askJson(`${httpd.url}/options/below`), [
      ["defined", "FOOBAR"],
      ["global", "1"],
      ["local", "1"],
      ["override", "2"],
    ]);
  });

  it("is configured by files (test_files_directive)", async () => {
    assert.deepEqual((await askJson<unknown[]>(`${httpd.url}/python/some.py`)).slice(1, 2), [
      ["files", "yes"],
    ]);
  });

  it("changes tables (test_apache_table)", async () => {
    const { headers, status } = await get("tables");
    assert.equal(status, 200);
    assert.equal(headers["x-single"], "kept");
    assert.equal(headers["x-several"], "b, c");
    assert.equal(headers["x-never"], undefined);
    assert.equal(headers["x-notes"], "b=2");
    assert.equal(headers["x-has"], "false,true,");
  });

  it("adds a header to a static file (test_req_headers_out)", async () => {
    const answer = await get("test-header");
    assert.equal(answer.headers["x-test-header"], "test ok");
    assert.equal(answer.text, "this is test-header\n");
  });

  it("adds headers that errors keep, and headers that they lose (api/err_headers_out)", async () => {
    const good = await get("both-headers");
    assert.equal(good.headers["x-err_headers_out"], "err_headers_out");
    assert.equal(good.headers["x-headers_out"], "headers_out");
    const missing = await get("both-headers?404");
    assert.equal(missing.status, 404);
    assert.equal(missing.headers["x-err_headers_out"], "err_headers_out");
    assert.equal(missing.headers["x-headers_out"], undefined);
  });

  it("writes to the error log at any level (test_apache_log_error)", async () => {
    httpd.expectLog("TN0007");
    assert.equal((await get("log-levels")).status, 200);
    for (const [level, text] of [
      ["error", "xERRx"],
      ["warn", "xWARNINGx"],
      ["info", "xINFOx"],
      ["debug", "xDEBUGx"],
    ]) {
      await httpd.waitForLog(new RegExp(`\\[tenon:${level}\\].*${text}`));
    }
  });

  it("redirects inside (test_req_internal_redirect, api/internal_redirect)", async () => {
    assert.equal((await get("redirect/start")).text, "test ok main=1");
  });

  it("redirects inside to what it does not serve (api/internal_redirect_handler)", async () => {
    assert.equal((await get("redirect/start?static")).text, "this is plain.txt\n");
  });

  it("redirects the client (test_util_redirect)", async () => {
    const answer = await get("found");
    assert.equal(answer.status, 302);
    assert.equal(answer.headers.location, "/dummy");
    assert.equal(answer.text, "test ok");
  });

  it("answers an error in its own words (api/custom_response)", async () => {
    const answer = await get("refused?because");
    assert.equal(answer.status, 403);
    assert.equal(answer.text, "because");
  });

  it("asks for what stands elsewhere (api/lookup_uri, api/lookup_misc)", async () => {
    assert.equal((await get("look-up")).text, "200 this is plain.txt\n");
    assert.match((await get("look-up?missing")).text, /^404 /);
  });

  it("says which file a path stands for (test_trans, hooks/trans)", async () => {
    assert.equal((await get("trans")).text, "this is plain.txt\n");
    assert.equal((await get("nope")).status, 404);
    assert.equal((await get("phooey?moved")).text, "moved");
  });

  it("answers before httpd looks at the request (test_postreadrequest)", async () => {
    const { text } = await get("postreadrequest");
    assert.match(text, /^TEST1='$/m);
    assert.match(text, /^TEST2="$/m);
  });

  it("runs for a server and for a directory (hooks/init)", async () => {
    assert.equal((await get("init.txt")).text, "server directory");
  });

  it("gives variables to server side includes (test_server_side_include)", async () => {
    assert.equal((await get("echo.shtml")).text, "test ok");
  });

  it("answers what server side includes ask for (modules/include_subreq)", async () => {
    assert.equal((await get("including.shtml")).text, "part: true and plain");
  });

  it("gives variables to CGI programs (modperl/setupenv)", async () => {
    assert.equal((await get("cgi/env.sh")).text, "test ok");
  });

  it("gives a request to a handler (test_req_handler, test_req_add_handler, test_req_add_handler_empty_phase)", async () => {
    assert.equal((await get("handled/status?code=201")).status, 201);
    assert.equal((await get("handled")).text, "no such case");
  });

  it("gives a request to a handler from the access check (test_accesshandler_add_handler_to_empty_hl)", async () => {
    assert.equal((await get("access-handled")).text, "no such case");
  });

  it("keeps state over the phases of a request and no longer (modperl/pnotes)", async () => {
    for (const args of ["1", "2", "3"]) {
      assert.equal((await get(`state?${args}`)).text, `nothing ${args}`);
    }
  });

  it("has the last word in the log phase (test_req_register_cleanup)", async () => {
    await get("cleanup");
    await httpd.waitForLog(/req_register_cleanup test ok \/cleanup 200/);
  });

  it("depends on the file's extension (test_pipe_ext)", async () => {
    assert.equal((await get("piped")).text, "plain");
    assert.equal((await get("piped/x.py?py")).status, 403);
  });

  it("says which export is missing (test_req_add_bad_handler)", async () => {
    httpd.expectLog("TN0006", "TN0007");
    const since = httpd.log().mark();
    assert.equal((await get("bad")).status, 500);
    await httpd.waitForLog(/badHandler/, { since });
  });

  it("says which export is no function (test_none_handler)", async () => {
    httpd.expectLog("TN0006", "TN0007");
    const since = httpd.log().mark();
    assert.equal((await get("none")).status, 500);
    await httpd.waitForLog(/noneHandler/, { since });
  });

  it("fails closed when it throws, and ErrorDocument knows of it (hooks/error, error/runtime)", async () => {
    httpd.expectLog("TN0006", "TN0007");
    const since = httpd.log().mark();
    const answer = await get("bomb?seed_text");
    assert.equal(answer.status, 500);
    assert.equal(answer.text, "Error: seed_text, true");
    await httpd.waitForLog(/bomb of \/bomb/, { since });
    await httpd.waitForLog(/at Module\.bomb .*view-hooks\.ts/, { since });
  });
});

describe("hooks in the life of a worker, as mod_python's and mod_perl's", () => {
  it("load before the first request, and end with httpd (test_import, test_srv_register_cleanup, test_apache_register_cleanup)", async () => {
    const text = `${pool("parity", "TenonProcesses 1 1", hooks)}\nTenonHook fixups parity#options`;
    const httpd = await startHttpd({ text });
    await httpd.waitForReady("parity", 1);
    await httpd.waitForLog(/dummymodule is loaded/);
    await httpd.httpd.end();
    await httpd.waitForLog(/srv_register_cleanup test ok/);
    await httpd.waitForLog(/apache_register_cleanup test ok/);
    await httpd.stop();
  });

  it("are refused when they have no name (test_req_add_empty_handler_string)", async () => {
    const { code, output } = await configtest({
      text: `${pool("parity", "", hooks)}\nTenonHook fixups parity#`,
    });
    assert.notEqual(code, 0);
    assert.match(output, /TenonHook/);
  });

  it("answer nothing when their file does not load (error/syntax)", async () => {
    const httpd = await startHttpd({
      text: ({ directory, htdocs }) => {
        const path = join(directory, "wrong.mjs");
        writeFileSync(path, "export const fixups = (r) => {\n");
        writeFileSync(join(htdocs, "page"), "must not be seen");
        return `${pool("parity", "TenonStartupTimeout 5", path)}
<Location "/page">
  TenonHook fixups parity timeout=2s
</Location>`;
      },
    });
    httpd.expectLog("TN0212", "TN0213", "TN0003", "TN0255", "TN0257");
    assert.equal((await ask(`${httpd.url}/page`)).status, 500);
    await httpd.waitForLog(/SyntaxError/);
    await httpd.stop();
  });
});
