// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Answer, type Ask, ask } from "../helpers/http-client.ts";
import { root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

const app = join(root, "test", "applications", "trail.ts");

/** .htaccess files below two folders, of which only the first may name the pool. */
const htaccess = {
  hook: "TenonHook fixups trail#d",
  tenant: "TenonHook fixups tenant#c",
  option: 'TenonHook fixups trail\nTenonOption own "an owner\'s"\nTenonOption shared changed',
};

function fill(htdocs: string): void {
  for (const folder of ["outer/inner", "outer/ended", "order", "sections", "plain"]) {
    mkdirSync(join(htdocs, folder), { recursive: true });
    writeFileSync(join(htdocs, folder, "page.txt"), "a page");
    writeFileSync(join(htdocs, folder, "page.bin"), "a page");
  }
  for (const [name, text] of Object.entries(htaccess)) {
    const folder = join(htdocs, "owned", name);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, "page.txt"), "a page");
    writeFileSync(join(folder, ".htaccess"), `${text}\n`);
  }
}

const text = ({ htdocs, port }: { htdocs: string; port: number }): string => {
  fill(htdocs);
  return `<TenonPool trail>
  TenonApp "${app}"
  TenonProcesses 1 1
</TenonPool>
<TenonPool other>
  TenonApp "${app}"
  TenonProcesses 1 1
</TenonPool>
<TenonPool tenant>
  TenonApp "${app}"
  TenonProcesses 1 1
</TenonPool>
<Directory "${htdocs}/outer">
  TenonHook fixups trail#a
  TenonHook fixups trail#b
  TenonOption place outer
  TenonOption kept yes
</Directory>
<Directory "${htdocs}/outer/inner">
  TenonHook fixups trail#c
  TenonHook fixups trail
  TenonOption place inner
</Directory>
<Directory "${htdocs}/outer/ended">
  TenonHook fixups none
  TenonHook fixups trail#d
</Directory>
<Directory "${htdocs}/order">
  TenonHook fixups trail#a order=late
  TenonHook fixups trail#b
  TenonHook fixups trail#c order=early
  TenonHook fixups trail#d
</Directory>
<Directory "${htdocs}/sections">
  <Files "*.txt">
    TenonHook fixups trail#a
  </Files>
  <If "%{QUERY_STRING} == 'if'">
    TenonHook fixups trail#b
  </If>
  TenonHook fixups trail#c "when=%{QUERY_STRING} == 'when'"
</Directory>
<Directory "${htdocs}/owned">
  AllowOverride FileInfo
  TenonAllowOverride trail Tenant
  TenonHook fixups other when="%{QUERY_STRING} == 'other'"
  TenonHook fixups trail#a
  TenonOption shared "the administrator's"
</Directory>
<Location "/outer/inner/page.txt">
  TenonHook fixups trail#d
</Location>
<VirtualHost *:${port}>
  ServerName first
  TenonHook fixups trail#a when="%{REQUEST_URI} =~ m#^/plain/#"
</VirtualHost>
<VirtualHost *:${port}>
  ServerName second
  TenonHook fixups trail#b when="%{REQUEST_URI} =~ m#^/plain/#"
</VirtualHost>`;
};

describe("sections of hooks", () => {
  let httpd: TestHttpd;
  const get = (path: string, options: Ask = {}): Promise<Answer> => ask(httpd.url + path, options);
  const trail = async (path: string, options: Ask = {}): Promise<string | undefined> => {
    const answer = await get(path, options);
    assert.equal(answer.status, 200);
    return answer.headers["x-trail"] as string | undefined;
  };

  before(async () => {
    httpd = await startHttpd({ text });
    for (const name of ["trail", "other", "tenant"]) await httpd.waitForReady(name, 1);
  });
  after(() => httpd.stop());

  it("hooks of outer ones run first, those of locations last", async () => {
    assert.equal((await get("/outer/page.txt")).status, 404);
    assert.equal(await trail("/outer/inner/page.bin"), "a, b, c");
    assert.equal(await trail("/outer/inner/page.txt"), "a, b, c, d");
  });

  it("TenonHook none ends what outer ones say", async () => {
    assert.equal(await trail("/outer/ended/page.txt"), "d");
  });

  it("order= comes before the order of the configuration", async () => {
    assert.equal(await trail("/order/page.txt"), "c, b, d, a");
  });

  it("<Files>, <If> and when= choose", async () => {
    const trails = await Promise.all(
      ["page.bin", "page.txt", "page.bin?if", "page.bin?when"].map((path) =>
        trail(`/sections/${path}`),
      ),
    );
    assert.deepEqual(trails, [undefined, "a", "b", "c"]);
  });

  it("each virtual host has its own", async () => {
    const trails = await Promise.all(
      ["first", "second"].map((host) => trail("/plain/page.txt", { headers: { host } })),
    );
    assert.deepEqual(trails, ["a", "b"]);
  });

  it("options of inner ones win, name by name", async () => {
    const { headers } = await get("/outer/inner/page.bin");
    assert.equal(headers["x-options"], "kept=yes place=inner");
  });

  it("an .htaccess adds hooks behind those of the configuration", async () => {
    assert.equal(await trail("/owned/hook/page.txt"), "a, d");
  });

  it("an .htaccess may be all that names hooks of a pool", async () => {
    assert.equal(await trail("/owned/tenant/page.txt"), "a, c");
  });

  it("options of an .htaccess are seen by the pools that it may name, and by no other", async () => {
    const own = await get("/owned/option/page.txt");
    assert.equal(own.headers["x-options"], "own=an owner's shared=changed");
    const both = await get("/owned/option/page.txt?other");
    assert.equal(
      both.headers["x-options"],
      "shared=the administrator's, own=an owner's shared=changed",
    );
  });
});
