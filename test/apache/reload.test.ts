// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { renameSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { ask } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";
import { Sources } from "../helpers/sources.ts";

const APP = `import { version } from "./version.ts";
export default { fetch: () => new Response(String(version)) };
`;

function versionText(version: number | string): string {
  return `export const version: number = ${version};\n`;
}

/** Asks all the time, from several connections, and compares each answer with what had been saved before it was asked. */
class Asker {
  answers = 0;
  readonly failed: string[] = [];
  readonly older: string[] = [];
  readonly #url: string;
  readonly #saved: () => number;
  #stopped = false;
  readonly #running: Promise<void>[] = [];

  constructor(url: string, saved: () => number, connections: number) {
    this.#url = url;
    this.#saved = saved;
    for (let index = 0; index < connections; index++) this.#running.push(this.#run());
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  async #run(): Promise<void> {
    while (!this.#stopped) {
      const saved = this.#saved();
      try {
        const { status, text } = await ask(this.#url);
        if (status !== 200) this.failed.push(`${status} ${text}`);
        else if (Number(text) < saved) this.older.push(`${text}, saved was ${saved}`);
      } catch (error) {
        this.failed.push(String(error));
      }
      this.answers += 1;
    }
  }
}

describe("reload", () => {
  let httpd: TestHttpd;
  let strict: Sources;
  let graceful: Sources;
  let released: Sources;

  before(async () => {
    strict = new Sources({ "app.ts": APP, "version.ts": versionText(0) });
    graceful = new Sources({ "app.ts": APP, "version.ts": versionText(0) });
    released = new Sources({
      "releases/1/app.ts": APP,
      "releases/1/version.ts": versionText(1),
      "releases/2/app.ts": APP,
      "releases/2/version.ts": versionText(2),
      "data/page.txt": "one",
    });
    symlinkSync("releases/1", released.path("current"));
    httpd = await startHttpd({
      load: ["status"],
      text: [
        `<Location "/status">\n  SetHandler server-status\n</Location>`,
        pool("strict", "TenonProcesses 0 2\nTenonReload strict", strict.path("app.ts")),
        pool(
          "graceful",
          `TenonProcesses 2 2\nTenonMaintenance ${graceful.path("down.html")}`,
          graceful.path("app.ts"),
        ),
        pool(
          "released",
          `TenonProcesses 0 2\nTenonReload strict\nTenonWatch ${released.path("data")}`,
          released.path("current/app.ts"),
        ),
      ].join("\n"),
    });
  });

  after(async () => {
    await httpd.stop();
    strict.remove();
    graceful.remove();
    released.remove();
  });

  async function tenon(
    ...args: readonly string[]
  ): Promise<{ code: number | null; out: string; error: string }> {
    const main = join(root, "ts", "cli", "main.ts");
    const child = spawn(process.execPath, ["--disable-warning=ExperimentalWarning", main, ...args]);
    const exit = once(child, "exit") as Promise<[number | null]>;
    const [[code], out, error] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
    return { code, out, error };
  }

  it("strict: never answers by code that is older than what was saved before the request was sent", async function () {
    this.timeout(240_000);
    let saved = 0;
    const url = `${httpd.url}/strict`;
    assert.equal((await ask(url)).text, "0");
    const asker = new Asker(url, () => saved, 4);
    for (let version = 1; version <= 100; version++) {
      if (version % 2 === 0) strict.write("version.ts", versionText(version));
      else strict.replace("version.ts", versionText(version));
      saved = version;
      assert.equal((await ask(url)).text, String(version));
    }
    await asker.stop();
    assert.deepEqual([asker.failed, asker.older], [[], []]);
    assert.ok(asker.answers > 100, `${asker.answers} answers`);
  });

  it("strict: answers by the code that a symbolic link leads to from the moment of its switch", async () => {
    const url = `${httpd.url}/released`;
    assert.equal((await ask(url)).text, "1");
    for (const release of [2, 1, 2]) {
      symlinkSync(`releases/${release}`, released.path("next"));
      renameSync(released.path("next"), released.path("current"));
      assert.equal((await ask(url)).text, String(release));
    }
  });

  it("strict: begins anew when a file of TenonWatch changes", async () => {
    const before = httpd.workersOf("released");
    const since = httpd.log().mark();
    released.write("data/page.txt", "two");
    assert.equal((await ask(`${httpd.url}/released`)).text, "2");
    await httpd.waitForLog(/TN0260: \[released\] .*page\.txt has changed/, { since });
    await waitUntil("the end of the old workers", () =>
      httpd.workersOf("released").every((pid) => !before.includes(pid)),
    );
  });

  it("graceful: replaces workers with no request lost, and many changes at once by one generation", async function () {
    this.timeout(240_000);
    await httpd.waitForReady("graceful", 2);
    const url = `${httpd.url}/graceful`;
    const asker = new Asker(url, () => 0, 4);
    for (let version = 1; version <= 10; version++) {
      const since = httpd.log().mark();
      for (let count = 0; count < 20; count++) graceful.replace("version.ts", versionText(version));
      await waitUntil(`version ${version}`, async () => (await ask(url)).text === String(version));
      const begun =
        httpd
          .log()
          .lines()
          .slice(-200)
          .join("\n")
          .match(/TN0260: \[graceful\]/g) ?? [];
      assert.ok(begun.length > 0);
      await httpd.waitForLog(/TN0222: \[graceful \d+ \d+\] asked to exit: generation/, { since });
    }
    await asker.stop();
    assert.deepEqual(asker.failed, []);
    // An old worker answers until it is asked to exit, one behind the other.
    await waitUntil("the newest generation alone", async () => {
      const { text } = await ask(`${httpd.url}/status?auto`);
      const [newest, ...ofWorkers] = [
        ...text.matchAll(/^TenonPool\[1\](?:Worker\[\d+\])?Generation: (\d+)$/gm),
      ].map(([, generation]) => generation);
      return ofWorkers.length === 2 && ofWorkers.every((generation) => generation === newest);
    });
    const generations = httpd
      .log()
      .lines()
      .filter((line) => line.includes("TN0260: [graceful]"));
    assert.ok(generations.length <= 20, `${generations.length} generations for 200 changes`);
  });

  it("graceful: goes on with the old code while the new does not start, says so with the place, and tries the next change at once", async () => {
    httpd.expectLog("TN0212", "TN0213", "TN0262");
    const url = `${httpd.url}/graceful`;
    const old = (await ask(url)).text;
    const since = httpd.log().mark();
    graceful.replace("version.ts", "export const version: number = ;\n");
    await httpd.waitForLog(
      /TN0262: \[graceful\] generation \d+ does not start, \d+ goes on .*version\.ts:1/,
      { since },
    );
    assert.equal((await ask(url)).text, old);
    const page = async (query = ""): Promise<string> =>
      (await ask(`${httpd.url}/status${query}`)).text;
    const failure =
      /^TenonPool\[1\]Failure: generation \d+ does not start, \d+ goes on .*version\.ts:1/m;
    assert.match(await page("?auto"), failure);
    assert.match(await page(), /<p>last failure: generation \d+ does not start, /);
    graceful.replace("version.ts", versionText(1000));
    await waitUntil("the mended code", async () => (await ask(url)).text === "1000");
    assert.doesNotMatch(await page(), /last failure/);
  });

  it("tenon restart --rolling replaces all workers, and there are never fewer of them than before", async () => {
    const url = `${httpd.url}/graceful`;
    await waitUntil("two workers alone", () => httpd.workersOf("graceful").length === 2);
    const before = httpd.workersOf("graceful");
    let fewest = before.length;
    const asker = new Asker(url, () => 1000, 2);
    const counter = setInterval(() => {
      fewest = Math.min(fewest, httpd.workersOf("graceful").length);
    }, 20);
    const { code, out, error } = await tenon(
      "--runtime",
      httpd.runtime,
      "restart",
      "--rolling",
      "Graceful",
    );
    clearInterval(counter);
    await asker.stop();
    assert.deepEqual([code, error], [0, ""]);
    assert.match(out, /^graceful: generation \d+, 0 ready, 2 to be replaced\n/);
    assert.match(out, /graceful: restarted: generation \d+, 2 ready\n$/);
    assert.deepEqual([asker.failed, asker.older], [[], []]);
    assert.ok(fewest >= 2, `${fewest} workers`);
    await waitUntil("the end of the old workers", () =>
      httpd.workersOf("graceful").every((pid) => !before.includes(pid)),
    );
  });

  it("tenon restart says what is wrong, and fails", async () => {
    const unknown = await tenon("--runtime", httpd.runtime, "restart", "nobody");
    assert.equal(unknown.code, 1);
    assert.match(unknown.error, /there is no pool nobody: there are strict, graceful, released/);
    const absent = await tenon("--runtime", graceful.folder, "restart");
    assert.equal(absent.code, 1);
    assert.match(absent.error, /ENOENT .*does httpd run/);
  });

  it("answers with the maintenance file and 503 as long as it is there", async () => {
    const url = `${httpd.url}/graceful`;
    graceful.write("down.html", "<h1>Back soon</h1>");
    const down = await ask(url, { method: "POST", body: "x" });
    assert.equal(down.status, 503);
    assert.equal(down.text, "<h1>Back soon</h1>");
    assert.match(String(down.headers["content-type"]), /^text\/html/);
    assert.ok(Number(down.headers["retry-after"]) > 0);
    assert.equal((await ask(url, { method: "HEAD" })).text, "");
    graceful.remove("down.html");
    assert.equal((await ask(url)).status, 200);
  });
});
