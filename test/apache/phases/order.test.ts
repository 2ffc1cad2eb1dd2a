// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { ask } from "../../helpers/http-client.ts";
import { hookEach, hooksPool, modules, PhasesHttpd, putFiles } from "./httpd.ts";

const files = {
  "file.txt": "a file",
  "page.shtml": 'before <!--#include virtual="/file.txt" --> after',
  "lookup.shtml": '<!--#fsize virtual="/file.txt" -->',
  "index/index.html": "an index",
  "listed/a.txt": "a",
  "variants/page.html.en": "a page",
  "script.cgi": "#!/bin/sh\nprintf 'Content-Type: text/plain\\n\\nscript'\n",
  "private/secret.txt": "secret",
  "missing.html": "not found, in our words",
};

/** What httpd does before it knows the file, of a request that a client sent. */
const arrival = ["post_read_request", "quick_handler"];
const naming = ["pre_translate_name", "translate_name", "map_to_storage", "post_perdir_config"];
/** Without a `Require` that needs a user. */
const access = ["access_checker", "access_checker_ex", "force_authn"];
const content = ["type_checker", "fixups"];
const answer = ["insert_filter", "handler"];
/** Of a subrequest by path, and by file: what the main request has passed need not be asked again. */
const lookup = [...naming, ...content];
const fileLookup = ["map_to_storage", "post_perdir_config", ...content];

/** Phases of one path. */
function of(path: string, ...groups: readonly (readonly string[])[]): string[] {
  return groups.flat().map((phase) => `${phase} ${path}`);
}

const checked = [arrival, naming, ["header_parser"], access];
const whole = [...checked, content, answer];

interface Kind {
  readonly title: string;
  readonly path: string;
  /** Unset: 200. */
  readonly status?: number;
  readonly headers?: http.OutgoingHttpHeaders;
  readonly called: readonly string[];
}

const ada = { Authorization: `Basic ${Buffer.from("ada:lovelace").toString("base64")}` };

const kinds: readonly Kind[] = [
  { title: "a static file", path: "/file.txt", called: of("/file.txt", ...whole) },
  { title: "a CGI script", path: "/script.cgi", called: of("/script.cgi", ...whole) },
  { title: "an application", path: "/application", called: of("/application", ...whole) },
  {
    // mod_proxy is as early, and was loaded before: it answers translate_name, map_to_storage and handler.
    title: "a proxied path",
    path: "/proxied",
    called: of(
      "/proxied",
      arrival,
      ["pre_translate_name", "post_perdir_config", "header_parser"],
      access,
      content,
      ["insert_filter"],
    ),
  },
  {
    title: "what needs a user",
    path: "/private/secret.txt",
    headers: ada,
    called: of(
      "/private/secret.txt",
      arrival,
      naming,
      ["header_parser", "access_checker", "access_checker_ex", "check_user_id", "auth_checker"],
      content,
      answer,
    ),
  },
  {
    title: "a user who may not",
    path: "/private/babbage/",
    status: 401,
    headers: ada,
    called: of("/private/babbage/", arrival, naming, [
      "header_parser",
      "access_checker",
      "access_checker_ex",
      "check_user_id",
      "auth_checker",
      "note_auth_failure",
      "insert_error_filter",
    ]),
  },
  {
    title: "a missing file",
    path: "/missing.txt",
    status: 404,
    called: of("/missing.txt", ...whole, ["insert_error_filter"]),
  },
  {
    title: "an ErrorDocument",
    path: "/nowhere/at-all",
    status: 404,
    called: [...of("/nowhere/at-all", ...whole), ...of("/missing.html", ...whole)],
  },
  {
    title: "a directory without a slash",
    path: "/index",
    status: 301,
    called: of("/index", ...checked, content, ["insert_error_filter"]),
  },
  {
    title: "an index, which mod_dir looks up",
    path: "/index/",
    called: [...of("/index/", ...checked, content), ...of("/index/index.html", lookup, answer)],
  },
  {
    title: "a listing, for which mod_autoindex looks files up",
    path: "/listed/",
    called: [
      ...of("/listed/", ...checked, content),
      ...of("/listed/index.html", lookup),
      ...of("/listed/", answer),
      ...of("/listed/a.txt", fileLookup),
    ],
  },
  {
    title: "a negotiated file",
    path: "/variants/page",
    called: [
      ...of("/variants/page", ...checked),
      ...of("/variants/page.html.en", fileLookup, ["fixups"], answer),
    ],
  },
  {
    title: "SSI that includes",
    path: "/page.shtml",
    called: [...of("/page.shtml", ...whole), ...of("/file.txt", lookup, answer)],
  },
  {
    title: "SSI that looks up",
    path: "/lookup.shtml",
    called: [...of("/lookup.shtml", ...whole), ...of("/file.txt", lookup)],
  },
];

describe("the order of the phases", () => {
  let httpd: PhasesHttpd;
  let origin: http.Server;

  before(async () => {
    origin = http.createServer((_request, response) => response.end("from the origin"));
    origin.listen(0, "127.0.0.1");
    await once(origin, "listening");
    const { port } = origin.address() as AddressInfo;
    httpd = await PhasesHttpd.start({
      load: modules,
      text: ({ htdocs, directory }) => {
        putFiles(htdocs, files);
        putFiles(directory, { passwords: "ada:{SHA}MJgvYgf2tRctgBqviyzN0HpBdyY=\n" });
        return `${hooksPool("rec")}
${hookEach("rec", "order=early")}
TypesConfig /dev/null
AddType text/html .html .shtml
AddOutputFilter INCLUDES .shtml
AddHandler cgi-script .cgi
AddLanguage en .en
DirectoryIndex index.html
<Directory "${htdocs}">
  Options +Includes +ExecCGI +Indexes +MultiViews
</Directory>
<Location "/private">
  AuthType Basic
  AuthName private
  AuthBasicProvider file
  AuthUserFile "${directory}/passwords"
  Require valid-user
</Location>
<Location "/private/babbage">
  Require user babbage
</Location>
<Location "/application">
  SetHandler tenon:rec
</Location>
ProxyPass /proxied http://127.0.0.1:${port}/
<Location "/nowhere">
  ErrorDocument 404 /missing.html
</Location>`;
      },
    });
    // A user who may not.
    httpd.httpd.expectLog("AH01631");
  });
  after(async () => {
    await httpd.httpd.stop();
    origin.close();
  });

  for (const { title, path, status = 200, headers = {}, called } of kinds) {
    it(`is httpd's for ${title}`, async () => {
      const got = await httpd.called(async () => {
        const result = await ask(httpd.url + path, { headers });
        assert.equal(result.status, status);
      });
      assert.deepEqual(got, called);
    });
  }
});
