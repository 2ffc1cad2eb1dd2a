// SPDX-License-Identifier: Apache-2.0
// Output filters beside httpd's own: mod_deflate before and behind, mod_cache.
import assert from "node:assert/strict";
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync, gzipSync } from "node:zlib";
import { type Answer, ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

const application = join(root, "test", "applications", "filters.ts");
/** INFLATE refuses what shrinks too well. */
const text = Array.from({ length: 9000 }, (_, index) => (index * 7919) % 10_007).join(" ");
const packed = { "Accept-Encoding": "gzip" };

function unpacked({ body, headers }: Answer): string {
  return headers["content-encoding"] === "gzip" ? gunzipSync(body).toString() : body.toString();
}

for (const quick of ["on", "off"]) {
  describe(`an output filter beside filters of httpd, with CacheQuickHandler ${quick}`, () => {
    let httpd: TestHttpd;

    before(async () => {
      httpd = await startHttpd({
        load: ["deflate", "filter", "cache", "cache_disk", "mime", "alias"],
        text: ({ directory, htdocs }) => {
          writeFileSync(join(htdocs, "file.txt"), text);
          writeFileSync(join(htdocs, "file.txt.gz"), gzipSync(text));
          mkdirSync(join(directory, "cache"));
          chmodSync(join(directory, "cache"), 0o777);
          const places = ["behind", "between", "cached"];
          return `TypesConfig /dev/null
AddType text/plain .txt
AddEncoding gzip .gz
${pool("app", "", application)}
TenonFilter in-brackets output app#brackets
CacheEnable disk /cached
CacheRoot "${directory}/cache"
CacheQuickHandler ${quick}
CacheHeader on
CacheIgnoreNoLastMod on
${places.map((place) => `Alias /${place} "${htdocs}"`).join("\n")}
<Location "/behind">
  TenonHook output_filter app#brackets
  AddOutputFilterByType DEFLATE text/plain
</Location>
<Location "/between">
  SetOutputFilter INFLATE;in-brackets;DEFLATE
</Location>
<Location "/cached">
  TenonHook output_filter app#brackets
  AddOutputFilterByType DEFLATE text/plain
</Location>`;
        },
      });
    });
    after(() => httpd.stop());

    const get = (path: string, headers: Record<string, string> = {}): Promise<Answer> =>
      ask(`${httpd.url}${path}`, { headers });

    it("sees plain text before mod_deflate", async () => {
      const answer = await get("/behind/file.txt", packed);
      assert.equal(answer.headers["content-encoding"], "gzip");
      assert.equal(unpacked(answer), `[${text}]`);
      assert.equal((await get("/behind/file.txt")).text, `[${text}]`);
    });

    it("sees plain text between INFLATE and DEFLATE", async () => {
      const answer = await get("/between/file.txt.gz", packed);
      assert.equal(answer.headers["content-encoding"], "gzip");
      assert.equal(unpacked(answer), `[${text}]`);
    });

    it("is kept by mod_cache as filtered, and not filtered again", async () => {
      for (const headers of [{}, packed]) {
        const seen = [];
        for (let count = 0; count < 3; count++) {
          const answer = await get("/cached/file.txt", headers);
          assert.equal(unpacked(answer), `[${text}]`);
          seen.push(String(answer.headers["x-cache"]).split(" ")[0]);
        }
        assert.deepEqual(seen, ["MISS", "HIT", "HIT"]);
      }
    });
  });
}
