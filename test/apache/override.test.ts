// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Answer, ask } from "../helpers/http-client.ts";
import { root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

const app = join(root, "test", "applications", "pool-name.ts");

/** A folder with a file page.txt. @param line of the folder's .htaccess */
interface Folder {
  readonly name: string;
  readonly line: string;
}

/** What an .htaccess may try to have bob's pool answer. */
const attempts: Folder[] = [
  { name: "set-handler", line: "SetHandler tenon:bob" },
  { name: "set-handler-in-capitals", line: "SetHandler tenon:BOB" },
  { name: "set-handler-by-expression", line: 'SetHandler "tenon:%{tolower:BOB}"' },
  { name: "set-handler-in-if", line: '<If "true">\nSetHandler tenon:bob\n</If>' },
  { name: "set-handler-in-files", line: "<Files page.txt>\nSetHandler tenon:bob\n</Files>" },
  { name: "add-handler", line: "AddHandler tenon:bob .txt" },
  { name: "force-type", line: "ForceType tenon:bob" },
  { name: "add-type", line: "AddType tenon:bob .txt" },
  { name: "rewrite-handler", line: "RewriteEngine On\nRewriteRule . - [H=tenon:bob]" },
  { name: "rewrite-type", line: "RewriteEngine On\nRewriteRule . - [T=tenon:bob]" },
];

/** Lines of an .htaccess that hooks would be made of, by folder. */
const hooks = {
  hook: "TenonHook fixups bob",
  "hook-in-files": "<Files page.txt>\nTenonHook fixups bob#check\n</Files>",
  // These phases are of the refusal, too.
  "error-hook": "TenonHook insert_error_filter carol",
  "log-hook": "TenonHook log_transaction carol",
  filter: "TenonHook output_filter carol",
  option: "TenonOption name value",
} as const;

function put(folder: string, files: Readonly<Record<string, string>>): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
}

function fill(htdocs: string): void {
  const page = "a file";
  for (const { name, line } of attempts) {
    for (const parent of ["closed", "for-bob", "for-others"]) {
      put(join(htdocs, parent, name), { "page.txt": page, ".htaccess": line });
    }
  }
  for (const name of ["given", "extension", "fallback"]) {
    put(join(htdocs, name), { "page.tenon": page, ".htaccess": "Options -Indexes" });
  }
  put(join(htdocs, "index"), { ".htaccess": "DirectoryIndex inner/page.txt" });
  put(join(htdocs, "index", "inner"), { "page.txt": page, ".htaccess": "SetHandler tenon:bob" });
  for (const [name, line] of Object.entries(hooks)) {
    for (const parent of ["closed", "for-others"]) {
      put(join(htdocs, parent, name), { "page.txt": page, ".htaccess": line });
    }
  }
}

const text = ({ htdocs }: { htdocs: string }): string => {
  fill(htdocs);
  return `<TenonPool alice>
  TenonApp "${app}"
</TenonPool>
<TenonPool bob>
  TenonApp "${app}"
</TenonPool>
<TenonPool carol>
  TenonApp "${app}"
</TenonPool>
TypesConfig /dev/null
<Directory "${htdocs}">
  AllowOverride FileInfo Options Indexes
  Options FollowSymLinks
</Directory>
<Directory "${htdocs}/for-bob">
  TenonAllowOverride alice Bob
</Directory>
<Directory "${htdocs}/for-others">
  TenonAllowOverride alice
</Directory>
<Directory "${htdocs}/given">
  SetHandler tenon:bob
</Directory>
<Directory "${htdocs}/extension">
  AddHandler tenon:bob .tenon
</Directory>
<Directory "${htdocs}/fallback">
  TenonFallback bob
</Directory>`;
};

describe("TenonAllowOverride", () => {
  let httpd: TestHttpd;
  const get = (path: string): Promise<Answer> => ask(httpd.url + path);

  before(async () => {
    const load = ["mime", "rewrite", "dir"];
    httpd = await startHttpd({ text, load });
    // mod_mime, of a type that is a handler's name.
    httpd.expectLog("TN0050", "TN0051", "AH01599");
  });
  after(() => httpd.stop());

  for (const { name, line } of attempts) {
    const shown = line.replaceAll("\n", "; ");

    it(`keeps an .htaccess with ${shown} from a pool that is not named`, async () => {
      for (const parent of ["closed", "for-others"]) {
        const since = httpd.log().mark();
        const answer = await get(`/${parent}/${name}/page.txt`);
        assert.equal(answer.status, 500);
        await httpd.waitForLog(/TN0050: .*tenon:bob may come from an \.htaccess/i, { since });
      }
    });

    it(`lets an .htaccess with ${shown} have a pool that is named`, async () => {
      const { status, text } = await get(`/for-bob/${name}/page.txt`);
      assert.deepEqual([status, text], [200, "bob"]);
    });
  }

  for (const [name, line] of Object.entries(hooks)) {
    it(`refuses requests under an .htaccess with ${line.replaceAll("\n", "; ")}`, async () => {
      // An option is for all pools that are named, whichever they are.
      const parents = name === "option" ? ["closed"] : ["closed", "for-others"];
      for (const parent of parents) {
        const since = httpd.log().mark();
        const answer = await get(`/${parent}/${name}/page.txt`);
        assert.equal(answer.status, 500);
        await httpd.waitForLog(
          /TN0051: line \d of .*\.htaccess: Tenon(Hook|Option) may not stand .*: .*write TenonAllowOverride (bob|carol|<pool>)/,
          { since },
        );
      }
    });
  }

  it("has asked no worker of a pool that was named in vain", () => {
    const started = httpd
      .log()
      .lines()
      .filter((line) => line.includes("TN0210: [carol "));
    assert.deepEqual(started, []);
  });

  it("keeps what mod_dir finds below an .htaccess from a pool", async () => {
    const { status, text } = await get("/index/");
    assert.deepEqual([status, text.includes("bob")], [500, false]);
  });

  it("leaves what the configuration gives to a pool alone, whatever an .htaccess says beside", async () => {
    const given = await get("/given/page.tenon");
    const missing = await get("/fallback/nothing");
    const file = await get("/fallback/page.tenon");
    assert.deepEqual([given.text, missing.text, file.text], ["bob", "bob", "a file"]);
  });

  it("wants a pool named that AddHandler gives where an .htaccess might have", async () => {
    const { status } = await get("/extension/page.tenon");
    assert.equal(status, 500);
  });
});
