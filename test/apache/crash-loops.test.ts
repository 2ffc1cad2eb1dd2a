// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Answer, ask } from "../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

const BROKEN = `import { missing } from "./no-such-file.ts";\nexport default () => missing;\n`;
/** Ready, and at its end before it has answered anybody. */
const DIES = `export default (request, response) => {};\nsetTimeout(() => process.abort(), 1);\n`;
const WHOLE = `export default (request, response) => response.end("whole");\n`;

describe("a pool whose workers fail one after another", () => {
  let httpd: TestHttpd;
  let folder: string;

  before(async () => {
    httpd = await startHttpd({
      load: ["headers", "status"],
      text: ({ htdocs }) => {
        folder = htdocs;
        const app = (name: string, text: string, directives = ""): string => {
          writeFileSync(join(htdocs, `${name}.ts`), text);
          return pool(name, `TenonProcesses 0 2\n${directives}`, join(htdocs, `${name}.ts`));
        };
        return [
          "Header always set X-Request-Id %{UNIQUE_ID}e",
          '<Location "/status">\n  SetHandler server-status\n</Location>',
          app("broken", BROKEN),
          app("development", BROKEN, "TenonEnv NODE_ENV development"),
          app("dies", DIES),
          app("mended", BROKEN, "TenonReload off"),
          app("saved", BROKEN),
          app("restarted", BROKEN, "TenonReload off"),
          app("many", BROKEN, "TenonProcesses 3 3"),
          app("hooked", BROKEN),
          app("well", WHOLE),
          '<Location "/asked">\n  TenonHook fixups hooked#fixups on-error=decline\n</Location>',
        ].join("\n");
      },
    });
    httpd.expectLog("TN0212", "TN0213", "TN0214", "TN0216", "TN0255", "TN0257");
  });
  after(() => httpd.stop());

  function get(path: string): Promise<Answer> {
    return ask(`${httpd.url}/${path}`);
  }

  async function breakerOf(name: string): Promise<string> {
    const { text } = await get("status?auto");
    const index = new RegExp(`^TenonPool\\[(\\d+)\\]Name: ${name}$`, "m").exec(text)?.[1];
    return new RegExp(`^TenonPool\\[${index}\\]Breaker: (\\w+)$`, "m").exec(text)?.[1] ?? "";
  }

  it("refuses those who wait as soon as it is clear, and says why in the log alone", async () => {
    const began = performance.now();
    const answers = await Promise.all([get("broken"), get("broken"), get("broken")]);
    // Not TenonQueueTimeout, which is 30 s.
    assert.ok(performance.now() - began < 15_000);
    for (const answer of answers) {
      assert.equal(answer.status, 503);
      assert.match(answer.headers["retry-after"] ?? "", /^\d+$/);
      assert.doesNotMatch(answer.text, /no-such-file/);
      const id = String(answer.headers["x-request-id"]).replace(/[^\w]/g, "\\$&");
      await httpd.waitForLog(
        new RegExp(`TN0257: \\[broken -1 #${id}\\] workers fail, .*: 503: .*no-such-file`),
      );
    }
    await httpd.waitForLog(/TN0255: \[broken\] 3 workers failed in a row: .*no-such-file/);
  });

  it("is shown on the status page, while others serve", async () => {
    await waitUntil("an open breaker", async () => {
      await get("broken");
      return (await breakerOf("broken")) === "OPEN";
    });
    assert.match((await get("status")).text, /breaker OPEN/);
    assert.equal(await breakerOf("well"), "CLOSED");
    assert.equal((await get("well")).text, "whole");
  });

  it("tells at once, in no more than a moment", async () => {
    // The longer it fails, the longer it stays open.
    await httpd.waitForLog(/TN0255: \[many\]/);
    await waitUntil("an open breaker", async () => (await breakerOf("many")) === "OPEN");
    const times: number[] = [];
    for (let count = 0; count < 20; count++) {
      const began = performance.now();
      assert.equal((await get("many")).status, 503);
      times.push(performance.now() - began);
    }
    const [best = 0] = times.sort((a, b) => a - b);
    assert.ok(best < 20, `${times.join(" ")} ms`);
  });

  it("tries one worker at a time, however many are wanted", async () => {
    const lines = (): string[] =>
      httpd
        .log()
        .lines()
        .filter((line) => /TN02(10|55): \[many[ \]]/.test(line))
        .map((line) => (line.includes("TN0255") ? "opened" : "started"));
    await waitUntil("three trials", () => lines().filter((line) => line === "opened").length > 3);
    // Who had begun to start when it opened for the first time is not counted.
    const since = lines().indexOf("opened", lines().indexOf("opened") + 1);
    const behind = lines().slice(since, lines().lastIndexOf("opened") + 1);
    const expected = behind.map((_, index) => (index % 2 === 0 ? "opened" : "started"));
    assert.deepEqual(behind, expected);
  });

  it("shows why on the page where the application is in development", async () => {
    const answer = await get("development");
    assert.equal(answer.status, 503);
    assert.match(answer.text, /The pool development does not start/);
    assert.match(answer.text, /Cannot find module .*no-such-file\.ts/);
  });

  it("is told also of workers that end before they have answered anybody", async () => {
    const answer = await get("dies");
    assert.ok([502, 503].includes(answer.status));
    await waitUntil("an open breaker", async () => {
      await get("dies");
      return httpd
        .log()
        .lines()
        .some((line) => /TN0255: \[dies\] .*SIGABRT/.test(line));
    });
  });

  it("serves again by itself once its workers do", async () => {
    assert.equal((await get("mended")).status, 503);
    writeFileSync(join(folder, "mended.ts"), WHOLE);
    await waitUntil("an answer", async () => (await get("mended")).status === 200);
    await httpd.waitForLog(/TN0256: \[mended\] tries one worker/);
    await httpd.waitForLog(/TN0256: \[mended\] takes requests again/);
    assert.equal(await breakerOf("mended"), "CLOSED");
  });

  it("has its chance at once when a file of its application is saved", async () => {
    const pattern = /TN0255: \[saved\] .* 503 for \d{4,} ms/;
    await waitUntil("a breaker that is open for seconds", async () => {
      await get("saved");
      return httpd
        .log()
        .lines()
        .some((line) => pattern.test(line));
    });
    writeFileSync(join(folder, "saved.ts"), WHOLE);
    await waitUntil("a healed breaker", async () => (await breakerOf("saved")) === "CLOSED");
    assert.equal((await get("saved")).text, "whole");
  });

  it("passes over a hook as its on-error says", async () => {
    const answer = await get("asked");
    assert.equal(answer.status, 404);
    await httpd.waitForLog(/TN0257: \[hooked -1 #\S+\] fixups \S+ workers fail, .*passed over/);
  });

  it("has its chance at once when httpd is restarted", async () => {
    await waitUntil("a breaker that is open for seconds", async () => {
      await get("restarted");
      return httpd
        .log()
        .lines()
        .some((line) => /TN0255: \[restarted\] .* 503 for \d{4,} ms/.test(line));
    });
    writeFileSync(join(folder, "restarted.ts"), WHOLE);
    assert.equal((await get("restarted")).status, 503);
    await httpd.graceful();
    await waitUntil("a healed breaker", async () => (await breakerOf("restarted")) === "CLOSED");
    const answer = await get("restarted");
    assert.equal(answer.status, 200);
    assert.equal(answer.text, "whole");
  });
});
