// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { ask } from "../../helpers/http-client.ts";
import { hookEach, hooksPool, modules, PhasesHttpd, putFiles } from "./httpd.ts";

const auth = ["access_checker", "check_user_id", "auth_checker"];

/** The same hooks in a module of httpd: mod_lua, in its interpreter. */
const lua = `
function said(phase)
  return function(r)
    r:info("lua " .. phase .. " " .. r.uri)
    return apache2.DECLINED
  end
end
access_checker = said("access_checker")
check_user_id = function(r)
  r:info("lua check_user_id " .. r.uri)
  r.user = "ada"
  return apache2.OK
end
auth_checker = said("auth_checker")
`;

const paths = [
  "/file.txt",
  "/index/",
  "/listed/",
  "/variants/page",
  "/page.shtml",
  "/other.shtml",
  "/rewritten",
  "/nowhere",
  "/script.cgi",
];

describe("hooks of authentication in subrequests and redirects", () => {
  let httpd: PhasesHttpd;

  before(async () => {
    httpd = await PhasesHttpd.start({
      load: [...modules, "lua", "rewrite"],
      text: ({ htdocs, directory }) => {
        putFiles(directory, { "hooks.lua": lua });
        putFiles(htdocs, {
          "file.txt": "a file",
          "index/index.html": "an index",
          "listed/a.txt": "a",
          "listed/b.txt": "b",
          "variants/page.html.en": "a page",
          "page.shtml": '<!--#include virtual="/file.txt" -->',
          "other.shtml": '<!--#include virtual="/elsewhere/file.txt" -->',
          "elsewhere/file.txt": "elsewhere",
          "missing.html": "in our words",
          "script.cgi": "#!/bin/sh\nprintf 'Location: /file.txt\\n\\n'\n",
        });
        return `${hooksPool("rec")}
${hookEach("rec", "order=early", auth)}
LuaHookAccessChecker "${directory}/hooks.lua" access_checker
LuaHookCheckUserID "${directory}/hooks.lua" check_user_id
LuaHookAuthChecker "${directory}/hooks.lua" auth_checker
TypesConfig /dev/null
AddType text/html .html .shtml
AddOutputFilter INCLUDES .shtml
AddHandler cgi-script .cgi
AddLanguage en .en
DirectoryIndex index.html
ErrorDocument 404 /missing.html
RewriteEngine On
RewriteRule ^/rewritten$ /file.txt [PT]
<Directory "${htdocs}">
  Options +Includes +ExecCGI +Indexes +MultiViews
  AuthType Lua
  AuthName here
  Require user ada
</Directory>
<Directory "${htdocs}/elsewhere">
  Options -Indexes
</Directory>`;
      },
    });
  });
  after(() => httpd.httpd.stop());

  for (const path of paths) {
    it(`are called as often as a module's for ${path}`, async () => {
      const since = httpd.httpd.log().mark();
      const ours = await httpd.called(() => ask(httpd.url + path));
      const theirs = httpd.httpd
        .log()
        .lines(since)
        .flatMap((line) => /\blua (\w+ \S+)$/.exec(line.replace(/, referer: .*/, ""))?.[1] ?? []);
      assert.ok(theirs.length >= auth.length, httpd.httpd.log().tail());
      assert.deepEqual(ours, theirs);
    });
  }
});
