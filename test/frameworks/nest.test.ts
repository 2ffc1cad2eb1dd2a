// SPDX-License-Identifier: Apache-2.0
// A NestJS application (nest-app), compiled as NestJS has it, with decorators and their metadata.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ask, askJson } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { alive, waitUntil } from "../helpers/processes.ts";

const frameworks = join(root, "test", "frameworks");
const sources = join(frameworks, "nest-app");

/** Compiles the application into a folder beside its packages. */
function compile(): string {
  const folder = mkdtempSync(join(frameworks, ".nest-app-"));
  const tsc = join(root, "node_modules", ".bin", "tsc");
  execFileSync(tsc, ["-p", sources, "--outDir", folder], { stdio: "pipe" });
  cpSync(join(sources, "package.json"), join(folder, "package.json"));
  execFileSync("chmod", ["-R", "a+rX", folder]);
  return folder;
}

describe("NestJS", () => {
  let folder: string;
  let httpd: TestHttpd;
  let base: string;

  before(async () => {
    folder = compile();
    const text = pool("nest", "TenonProcesses 1 1", join(folder, "main.js"));
    httpd = await startHttpd({ text });
    await httpd.waitForReady("nest", 1);
    base = `${httpd.url}/nest`;
  });
  after(async () => {
    try {
      await httpd?.stop();
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  function postJson(path: string, value: unknown): Promise<Response> {
    const headers = { "Content-Type": "application/json" };
    return fetch(`${base}${path}`, { method: "POST", headers, body: JSON.stringify(value) });
  }

  it("hands parameters, query and headers to a controller", async () => {
    const answer = await ask(`${base}/v1/cats/7?colour=black`, { headers: { "X-Own": "value" } });
    assert.deepEqual(JSON.parse(answer.text), { id: 7, colour: "black", own: "value" });
    assert.equal(answer.headers["x-stamp"], "stamped");
  });

  it("runs pipes, and answers what they refuse", async () => {
    const created = await postJson("/v1/cats", { name: "  Tom ", age: 3 });
    assert.equal(created.status, 202);
    assert.deepEqual(await created.json(), { name: "Tom", whole: { name: "  Tom ", age: 3 } });
    const empty = await postJson("/v1/cats", { name: " " });
    assert.equal(empty.status, 400);
    assert.match(await empty.text(), /a name must not be empty/);
    assert.equal((await ask(`${base}/v1/cats/tom`)).status, 400);
  });

  it("keeps versions and the prefix apart", async () => {
    assert.deepEqual(await askJson(`${base}/v2/cats`), { version: 2 });
    assert.equal((await ask(`${base}/v3/cats`)).status, 404);
    assert.equal((await ask(`${base}/cats/7`)).status, 404);
  });

  it("asks guards and interceptors", async () => {
    assert.equal((await ask(`${base}/v1/cats/of/secret`)).status, 403);
    const headers = { Authorization: "Bearer secret" };
    const answer = await ask(`${base}/v1/cats/of/secret`, { headers });
    assert.deepEqual(JSON.parse(answer.text), { data: "purr" });
  });

  it("turns exceptions into answers, and tells nothing of those it does not know", async () => {
    const tea = await ask(`${base}/parts/tea`);
    assert.equal(tea.status, 418);
    assert.deepEqual(JSON.parse(tea.text), { teapot: "out of tea" });
    assert.equal((await ask(`${base}/v1/cats/404`)).status, 404);
    const crash = await ask(`${base}/parts/crash`);
    assert.equal(crash.status, 500);
    assert.doesNotMatch(crash.text, /an inner secret/);
    await httpd.waitForLog(/TN022[01]: \[nest 0 \d+\].*an inner secret/);
  });

  it("redirects, and leaves the response to a handler that wants it", async () => {
    const moved = await ask(`${base}/parts/moved`);
    assert.equal(moved.status, 301);
    assert.equal(moved.headers.location, "/nest/parts/there");
    const raw = await ask(`${base}/parts/raw`);
    assert.deepEqual([raw.status, raw.text], [203, "by express"]);
  });

  it("takes uploaded files", async () => {
    const one = new FormData();
    one.set("file", new Blob([randomBytes(2_000_000)], { type: "image/x-own" }), "picture.own");
    one.set("title", "a title");
    const answer = await fetch(`${base}/parts/upload`, { method: "POST", body: one });
    assert.equal(answer.status, 201);
    const fields = { title: "a title" };
    const expected = {
      originalname: "picture.own",
      mimetype: "image/x-own",
      size: 2_000_000,
      fields,
    };
    assert.deepEqual(await answer.json(), expected);
    const several = new FormData();
    for (const size of [1, 100, 70_000])
      several.append("files", new Blob([randomBytes(size)]), "x");
    const sizes = await fetch(`${base}/parts/uploads`, { method: "POST", body: several });
    assert.deepEqual(await sizes.json(), [1, 100, 70_000]);
  });

  it("streams a file", async () => {
    const answer = await ask(`${base}/parts/file`);
    assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
    assert.equal(answer.headers["content-disposition"], 'attachment; filename="source.js"');
    assert.equal(answer.text, readFileSync(join(folder, "controllers.js"), "latin1"));
  });

  it("sends events as they happen", async () => {
    const response = await fetch(`${base}/parts/news`);
    assert.match(response.headers.get("content-type") ?? "", /^text\/event-stream/);
    const texts: string[] = [];
    let rest = "";
    assert.equal((await postJson("/parts/news", { text: "news 1" })).status, 201);
    for await (const chunk of response.body ?? []) {
      rest += new TextDecoder().decode(chunk as Uint8Array);
      const events = rest.split("\n\n");
      rest = events.pop() ?? "";
      const data = events.flatMap((event) => /^data: (.*)$/m.exec(event)?.[1] ?? []);
      texts.push(...data.map((line) => JSON.parse(line).text));
      if (texts.length === 3) break;
      // Said only when the one before has come.
      if (data.length > 0) await postJson("/parts/news", { text: `news ${texts.length + 1}` });
    }
    assert.deepEqual(texts, ["news 1", "news 2", "news 3"]);
  });

  it("runs its shutdown hooks when its worker is replaced, with an open stream of events", async () => {
    const [worker] = httpd.workersOf("nest");
    assert.ok(worker !== undefined);
    const events = await fetch(`${base}/parts/news`);
    const log = httpd.log();
    const since = log.mark();
    httpd.configure(
      pool("nest", "TenonProcesses 1 1\nTenonEnv CHANGED yes", join(folder, "main.js")),
    );
    await httpd.graceful();
    await log.waitFor(/TN0220: .*module destroyed/, { since });
    // Its end is the end of the answer, not a cut.
    await events.text();
    await log.waitFor(/TN0220: .*shut down by SIGTERM/, { since });
    await log.waitFor(new RegExp(`TN0217: \\[nest \\d ${worker}\\] exited with code 0`), { since });
    await waitUntil("the end of the worker", () => !alive(worker));
    assert.deepEqual(await askJson(`${base}/v2/cats`), { version: 2 });
  });
});
