// SPDX-License-Identifier: Apache-2.0
// The configuration of docs/hooks.md, with the application of examples/hooks.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ask, askJson } from "../helpers/http-client.ts";
import { root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

const page = readFileSync(join(root, "docs", "hooks.md"), "utf8");
const shown = /^```apache\n(.*?)^```/ms.exec(page)?.[1] ?? "";

describe("the configuration of docs/hooks.md", () => {
  let httpd: TestHttpd;

  before(async () => {
    const text = shown
      .split("\n")
      .filter((line) => process.getuid?.() === 0 || !line.includes("TenonUser"))
      .join("\n")
      // Each worker counts what it is told of.
      .replace(/(?<=TenonProcesses +)1 4/, "1 1")
      .replace("/srv/site/app.ts", join(root, "examples", "hooks", "app.ts"));
    httpd = await startHttpd({
      load: ["rewrite"],
      text: ({ htdocs }) => {
        mkdirSync(join(htdocs, "shop", "closed"), { recursive: true });
        writeFileSync(join(htdocs, "shop", "page.txt"), "a page\n");
        writeFileSync(join(htdocs, "shop", "closed", "page.txt"), "a page\n");
        writeFileSync(join(htdocs, "home-n.txt"), "north\n");
        writeFileSync(join(htdocs, "home-nobody.txt"), "nobody\n");
        return text;
      },
    });
    // A hook has less time than a worker may need to start.
    assert.equal((await ask(`${httpd.url}/counts`)).status, 200);
  });

  after(() => httpd.stop());

  it("lets in, and marks the answer", async () => {
    const answer = await ask(`${httpd.url}/shop/page.txt`);
    assert.equal(answer.status, 200);
    assert.equal(answer.text, "a page\n");
    assert.match(String(answer.headers["x-request-id"]), /^[\w@-]{20,}$/);
  });

  it("closes with an answer of its own", async () => {
    const answer = await ask(`${httpd.url}/shop/closed/page.txt`);
    assert.equal(answer.status, 503);
    assert.equal(answer.text, "Closed until Monday.\n");
    assert.equal(answer.headers["retry-after"], "3600");
    assert.equal(answer.headers["x-request-id"], undefined);
  });

  it("asks nothing where when= is false", async () => {
    const answer = await ask(`${httpd.url}/shop/closed/page.txt`, { headers: { "X-Robot": "1" } });
    assert.equal(answer.status, 200);
  });

  it("rewrites by the map", async () => {
    const known = await ask(`${httpd.url}/home`, { headers: { Host: "north.example" } });
    assert.equal(known.text, "north\n");
    assert.equal((await ask(`${httpd.url}/home`)).text, "nobody\n");
  });

  it("counts what was answered", async () => {
    const counts = (): Promise<Record<string, number>> => askJson(`${httpd.url}/counts`);
    // Records of several processes of httpd come in any order.
    let counted: Record<string, number> = {};
    const all = async (): Promise<boolean> => {
      counted = await counts();
      return counted["503"] === 1 && (counted["200"] ?? 0) >= 4;
    };
    await waitUntil("the counts", all, { explain: () => JSON.stringify(counted) });
  });
});
