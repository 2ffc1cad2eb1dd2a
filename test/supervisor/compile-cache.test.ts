// SPDX-License-Identifier: Apache-2.0
// Drives the real main.ts with real workers; the test plays httpd's parent.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { childrenOf, waitUntil } from "../helpers/processes.ts";
import { HELLO, type PoolEntry, poolUser, type Supervised, superviseEach } from "./supervised.ts";

/** Fewer than Tenon's own files in a worker, more than an application of one file. */
const OWN_FILES = 20;

describe("supervisor/compile-cache", () => {
  let run: Supervised;
  superviseEach((fresh) => {
    run = fresh;
  });

  async function start(processesMin: number, changes: PoolEntry = {}): Promise<void> {
    run.write({ name: "hello", app: run.app("app.ts", HELLO), processesMin, ...changes });
    run.start();
    await run.log.waitFor(/TN0203/);
  }

  function cached(): string[] {
    const folder = join(run.runtime, "compile-cache");
    const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
    return names.map((name) => join(folder, name)).filter((path) => statSync(path).isFile());
  }

  it("is filled before the first request, by a process that ends", async () => {
    await start(0);
    await waitUntil("the end of the process", () => childrenOf(run.pid).length === 0);
    assert.ok(cached().length > OWN_FILES, `${cached().length} files`);
  });

  it("is filled by the first worker where one runs always", async () => {
    await start(1);
    await run.log.waitFor(/TN0211/);
    assert.ok(cached().length > OWN_FILES, `${cached().length} files`);
  });

  it("is written by the supervisor's user only, and holds nothing new after the first start", async function () {
    if (process.getuid?.() !== 0) this.skip();
    await start(1);
    await run.log.waitFor(/TN0211/);
    const first = cached().map((path) => [path, statSync(path).mtimeMs]);
    const since = run.log.mark();
    assert.match(await run.get("hello", "/exit"), /Internal Server Error/);
    await run.log.waitFor(/TN0211/, { since });
    assert.deepEqual(
      cached().map((path) => [path, statSync(path).mtimeMs]),
      first,
    );
    assert.deepEqual([...new Set(cached().map((path) => statSync(path).uid))], [0]);
    assert.doesNotMatch(
      run.log.tail(),
      /TN0221(?!.*TN0306)/,
      "Node says nothing of a cache that it cannot use",
    );
  });

  it("is a folder of the pool's user for the application, from which the next worker starts", async () => {
    await start(1, { environment: { NODE_DEBUG_NATIVE: "COMPILE_CACHE" } });
    await run.log.waitFor(/TN0211/);
    const folder = join(run.runtime, "application-cache", "hello");
    const files = (): string[] =>
      readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) =>
        name.includes("/"),
      );
    await waitUntil("a file of the cache", () => files().length > 0);
    const uid = Number(execFileSync("id", ["-u", poolUser], { encoding: "utf8" }));
    for (const name of ["", ...files()]) assert.equal(statSync(join(folder, name)).uid, uid, name);
    for (const path of [folder, dirname(folder)]) assert.equal(statSync(path).mode & 0o777, 0o700);
    const since = run.log.mark();
    assert.match(await run.get("hello", "/exit"), /Internal Server Error/);
    await run.log.waitFor(/TN0211/, { since });
    const read = /reading cache from \/proc\/self\/fd\/9\/\S+ for \w+ \S*app\.ts/;
    await run.log.waitFor(read, { since });
  });

  it("goes with its pool", async () => {
    await start(1);
    await run.log.waitFor(/TN0211/);
    assert.ok(existsSync(join(run.runtime, "application-cache", "hello")));
    run.write({ name: "other", app: run.app("app.ts", HELLO) });
    run.configure();
    await run.log.waitFor(/TN0232/);
    assert.ok(!existsSync(join(run.runtime, "application-cache", "hello")));
  });

  it("is unknown to the application", async () => {
    await start(1);
    const environment: unknown = JSON.parse(await run.get("hello", "/env"));
    assert.equal(Object.hasOwn(Object(environment), "NODE_COMPILE_CACHE"), false);
  });
});
