// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Answer, type Ask, ask } from "../helpers/http-client.ts";
import { configtest, pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { type Mistake, refuses } from "../helpers/mistakes.ts";
import { waitUntil } from "../helpers/processes.ts";

const load = ["rewrite", "headers", "setenvif", "socache_shmcb", "status"];

/** A mistake in one line, beside a pool "a". */
function mistake(title: string, line: string, says: RegExp): Mistake {
  return { title, text: `${pool("a")}${line}`, line, says };
}

const tooMany = Array.from({ length: 65 }, (_, i) => `RewriteMap m${i} tenon:a#map${i}`);

const mistakes: Mistake[] = [
  mistake(
    "a map of an unknown pool",
    "RewriteMap m tenon:nobody#look",
    /RewriteMap: there is no pool 'nobody': add a section/,
  ),
  mistake(
    "a map without export",
    "RewriteMap m tenon:a",
    /write RewriteMap <name> tenon:<pool>#<export>/,
  ),
  mistake(
    "a map with more behind it",
    "RewriteMap m tenon:a#b c",
    /write RewriteMap <name> tenon:/,
  ),
  mistake(
    "a map whose export is no name",
    "RewriteMap m tenon:a#9lives",
    /RewriteMap: '9lives' is not the name of an export/,
  ),
  {
    title: "more maps than mod_rewrite can be told of",
    text: `${pool("a")}${tooMany.join("\n")}`,
    line: "RewriteMap m64 tenon:a#map64",
    says: /more than 64 different maps of tenon: let one export answer several, by its key/,
  },
  mistake(
    "an expression with an unknown pool",
    `LogMessage "%{tenon:nobody#look %{REMOTE_ADDR}}"`,
    /LogMessage: there is no pool 'nobody'/,
  ),
];

describe("maps in the configuration", () => {
  refuses(mistakes, [...load, "log_debug"]);

  it("are accepted, as often as the same ones are named", async () => {
    const again = tooMany.slice(1).map((line) => line.replace("RewriteMap m", "RewriteMap again"));
    const lines = [...tooMany.slice(1), ...again, 'RewriteMap "a name" "tenon:A#map1"'];
    const text = `${pool("a")}${lines.join("\n")}
<If "tenon( 'a#look ' . %{REMOTE_ADDR}) == 'yes' || %{TENON:a#other} == \\"x\\"">
  Require all denied
</If>`;
    const { code, output } = await configtest({ text, load });
    assert.equal(output, "Syntax OK\n");
    assert.equal(code, 0);
  });
});

const app = join(root, "test", "applications", "maps.ts");

/** Folders with a page and an .htaccess that asks a map. */
function fill(htdocs: string): void {
  for (const folder of ["open", "closed"]) {
    mkdirSync(join(htdocs, folder));
    writeFileSync(join(htdocs, folder, "page.txt"), "a page");
    writeFileSync(
      join(htdocs, folder, ".htaccess"),
      'Header set X-Seen "expr=%{tenon:site#seen here}"\n',
    );
  }
  writeFileSync(join(htdocs, "page.txt"), "the page");
  writeFileSync(join(htdocs, "default.txt"), "the default");
}

const text = ({ htdocs, logs }: { htdocs: string; logs: string }): string => {
  fill(htdocs);
  return `<TenonPool site>
  TenonApp "${app}"
  TenonProcesses 1 1
</TenonPool>
RewriteEngine On
RewriteMap files tenon:site#fileOf
RewriteMap seen tenon:site#seen
RewriteMap broken tenon:site#missing
RewriteRule "^/by-map/(.*)" "/\${files:$1|default.txt}"
RewriteRule "^/broken/(.*)" "/\${broken:$1|default.txt}"
RewriteRule "^/seen/(.*)" - [E=SEEN:\${seen:$1}]
RewriteRule "^/empty/" - [E=SEEN:<\${files:empty|default.txt}>]
Header always set X-Seen "%{SEEN}e" env=SEEN
<Directory "${htdocs}">
  AllowOverride FileInfo
</Directory>
<Directory "${htdocs}/open">
  TenonAllowOverride site
</Directory>
<Location "/guarded">
  Require expr "tenon( 'site#mayEnter ' . %{HTTP:X-User}) == 'yes'"
</Location>
<Location "/status">
  SetHandler server-status
</Location>
<Location "/logged">
  SetEnvIfExpr "tenon('site#seen ' . %{REQUEST_URI}) =~ /(.*)/" SEEN_BY=$1
</Location>
CustomLog "${join(logs, "access.log")}" "%U %{SEEN_BY}e" env=SEEN_BY
<Location "/kept">
  Header always set X-Seen "expr=%{tenon:site#kept %{QUERY_STRING}}"
</Location>
<Location "/expression">
  Header always set X-Seen "expr=%{tenon:site#seen %{REQUEST_URI} twice}"
  Header always set X-None "expr=<%{tenon:site#fileOf nothing}>"
</Location>`;
};

describe("RewriteMap", () => {
  let httpd: TestHttpd;
  const get = (path: string, options: Ask = {}): Promise<Answer> => ask(httpd.url + path, options);

  before(async () => {
    httpd = await startHttpd({ text, load });
    await httpd.waitForReady("site", 1);
  });
  after(() => httpd.stop());

  it("tenon:<pool>#<export> gives a key's value, or the default where it has none", async () => {
    const paths = ["/by-map/known", "/by-map/unknown"];
    const answers = await Promise.all(paths.map((path) => get(path)));
    assert.deepEqual(
      answers.map((answer) => answer.text.slice(0, 11)),
      ["the page", "the default"],
    );
    assert.equal((await get("/empty/")).headers["x-seen"], "<>");
  });

  it("asks with the key and the request", async () => {
    const { headers } = await get("/seen/a%20key", { headers: { host: "www.example.org" } });
    assert.equal(headers["x-seen"], "a key|GET|www.example.org");
  });

  it("takes the default of a map that cannot be asked, and says why in the log", async () => {
    httpd.expectLog("TN0006", "TN0007");
    const since = httpd.log().mark();
    const answer = await get("/broken/known");
    assert.equal(answer.text, "the default");
    await httpd.waitForLog(/TN0006: .*missing/, { since });
  });
});

describe("tenon() in expressions", () => {
  let httpd: TestHttpd;
  const get = (path: string, options: Ask = {}): Promise<Answer> => ask(httpd.url + path, options);

  before(async () => {
    httpd = await startHttpd({ text, load });
    await httpd.waitForReady("site", 1);
    // httpd has no tag for an expression that fails.
    httpd.expectLog("AH01630", "AH02557", "");
  });
  after(() => httpd.stop());

  it("decides who may enter", async () => {
    const users = ["alice", "bob", ""];
    const answers = await Promise.all(
      users.map((user) => get("/guarded/", { headers: { "x-user": user } })),
    );
    assert.deepEqual(
      answers.map((answer) => answer.status),
      [404, 403, 403],
    );
  });

  it("makes the expression fail, and so refuses, when it cannot be asked", async () => {
    httpd.expectLog("TN0006", "TN0007", "AH02320");
    const since = httpd.log().mark();
    const answer = await get("/guarded/", { headers: { "x-user": "mallory" } });
    assert.notEqual(answer.status, 404);
    await httpd.waitForLog(/mallory again/, { since });
  });

  it("takes a computed key, blanks and all, and gives the empty text where there is no value", async () => {
    const { headers } = await get("/expression/", { headers: { host: "h" } });
    assert.deepEqual([headers["x-seen"], headers["x-none"]], ["/expression/ twice|GET|h", "<>"]);
  });

  it("gives a value to the access log, by way of the environment", async () => {
    await get("/logged/page", { headers: { host: "h" } });
    const log = join(httpd.places.logs, "access.log");
    await waitUntil("a line", () => readFileSync(log, "utf8").endsWith("\n"));
    assert.equal(readFileSync(log, "utf8"), "/logged/page /logged/page|GET|h\n");
  });

  it("asks no worker for a value that may be kept, and counts so on the status page", async () => {
    const seen = async (key: string): Promise<number> =>
      Number((await get(`/kept?${key}`)).headers["x-seen"]);
    await seen("one");
    // The first answer tells what it depends on, the second is kept.
    const second = await seen("one");
    for (let i = 0; i < 3; i++) assert.equal(await seen("one"), second);
    assert.equal(await seen("two"), second + 1);
    const { text: report } = await get("/status?auto");
    const [, index] = /^TenonHook\[(\d+)\]Export: site#kept$/m.exec(report) ?? [];
    const count = (name: string): string | undefined =>
      new RegExp(`^TenonHook\\[${index}\\]${name}: (\\d+)$`, "m").exec(report)?.[1];
    assert.deepEqual([count("Asked"), count("CacheHits"), count("Failed")], ["3", "3", "0"]);
  });

  it("answers an .htaccess only where TenonAllowOverride names the pool", async () => {
    const open = await get("/open/page.txt", { headers: { host: "h" } });
    const closed = await get("/closed/page.txt", { headers: { host: "h" } });
    assert.equal(open.headers["x-seen"], "here|GET|h");
    assert.ok(
      !(closed.headers["x-seen"] ?? "").includes("here"),
      closed.headers["x-seen"] as string,
    );
  });
});
