// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";

const examples = readdirSync(join(root, "examples"), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => {
    const files = ["app.ts", "server.cjs"].map((file) => join(root, "examples", name, file));
    return { name, app: files.find((file) => existsSync(file)) ?? "" };
  });

describe("examples under httpd", () => {
  let httpd: TestHttpd;

  before(async () => {
    const text = examples.map(({ name, app }) => pool(name, "TenonProcesses 0 1", app)).join("\n");
    httpd = await startHttpd({ text });
  });
  after(() => httpd.stop());

  it("are one of each application shape, and two of hooks", () => {
    const names = examples.map(({ name }) => name).sort();
    assert.deepEqual(names, [
      "commonjs",
      "express",
      "fastify",
      "hello",
      "hooks",
      "listener",
      "login",
    ]);
  });

  for (const { name } of examples) {
    it(`${name} answers at its mount, with no worker there before`, async () => {
      assert.ok(!existsSync(join(httpd.runtime, "pools", name, "w0")));
      const answer = await ask(`${httpd.url}/${name}`);
      assert.equal(answer.status, 200, answer.text);
      assert.ok(answer.body.length > 0);
      assert.ok(answer.headers["content-type"] !== undefined);
      assert.ok(answer.headers.date !== undefined, "httpd's Date");
      assert.match(String(answer.headers["server"]), /^Apache/);
    });

    it(`${name} answers at a path below its mount and 20 times at once`, async () => {
      const asks = Array.from({ length: 20 }, () => ask(`${httpd.url}/${name}/`));
      for (const answer of await Promise.all(asks)) assert.ok(answer.status < 500, answer.text);
    });
  }
});
