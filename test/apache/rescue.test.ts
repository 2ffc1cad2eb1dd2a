// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ask, head, open, rest } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

const app = join(root, "test", "apache", "rescue-app.ts");

/** Text of the application's line that is on top of the stack. */
const places: Record<string, RegExp> = {
  loop: /forever .*rescue-app\.ts:10:3/,
  "try-catch": /forever/,
  "try-finally": /forever/,
  "after-await": /forever/,
  microtasks: /rescue-app\.ts|node:internal/,
  ticks: /rescue-app\.ts|node:internal/,
  "regular-expression": /regular-expression/,
  "atomics-wait": /atomics-wait/,
  recursion: /descend|recursion/,
  emitter: /emitter|<anonymous>/,
  timer: /forever/,
  immediate: /forever/,
};

describe("code that keeps a worker's event loop from turning", () => {
  let httpd: TestHttpd;

  before(async () => {
    const settings = "TenonProcesses 0 1\nTenonStallTimeout 1s";
    httpd = await startHttpd({
      load: ["headers"],
      text: () =>
        [
          "Header always set X-Request-Id %{UNIQUE_ID}e",
          pool("stalls", settings, app),
          pool("native", settings, app),
          pool("both", "TenonProcesses 2 2\nTenonStallTimeout 8s", app),
        ].join("\n"),
    });
    httpd.expectLog("TN0006", "TN0009", "TN0240", "TN0241", "TN0242");
  });
  after(() => httpd.stop());

  async function pid(): Promise<string> {
    return (await ask(`${httpd.url}/stalls/pid`)).text;
  }

  for (const [name, place] of Object.entries(places)) {
    it(`is terminated alone and named: ${name}`, async () => {
      const before = await pid();
      const other = open(`${httpd.url}/stalls/wait`, { method: "POST" });
      other.flushHeaders();
      const otherHead = await head(other);
      const answer = await ask(`${httpd.url}/stalls/${name}`);
      assert.equal(answer.status, 504);
      other.end();
      const whole = await rest(otherHead);
      assert.equal(whole.text, "waits\nwhole\n");
      const id = String(answer.headers["x-request-id"]);
      const escaped = id.replace(/[^\w]/g, "\\$&");
      await httpd.waitForLog(
        new RegExp(
          `TN0240: \\[stalls \\d+ ${before}\\].*GET /stalls/${name} #${escaped}: terminated`,
        ),
      );
      await httpd.waitForLog(new RegExp(`TN0006: \\[stalls \\d+ #${escaped}\\].*at .*:\\d+:\\d+`));
      const stack = readFileSync(join(httpd.places.directory, "logs", "error.log"), "utf8");
      assert.match(stack.slice(stack.lastIndexOf("TN0240")), place);
      await httpd.waitForLog(new RegExp(`TN0217: \\[stalls \\d+ ${before}\\] exited with code 0`));
    });
  }

  it("holds up nobody else while there is another worker, and runs nothing twice", async () => {
    await httpd.waitForReady("both", 2);
    let terminated = false;
    const loop = ask(`${httpd.url}/both/loop`).then(({ status }) => {
      terminated = true;
      return status;
    });
    const names: string[] = [];
    const client = async (_: unknown, number: number): Promise<void> => {
      for (let turn = 0; turn < 25; turn++) {
        const name = `run-${number}-${turn}`;
        const answer = await ask(`${httpd.url}/both/${name}`, { method: "POST" });
        assert.deepEqual([answer.status, answer.text], [200, name]);
        names.push(name);
      }
    };
    await Promise.all(Array.from({ length: 16 }, client));
    assert.equal(terminated, false);
    assert.equal(await loop, 504);
    const line = /TN0220: \[both .*\] (run-\d+-\d+)$/;
    const ran = (): string[] =>
      httpd
        .log()
        .lines()
        .flatMap((text) => line.exec(text)?.[1] ?? []);
    await waitUntil("all that ran in the log", () => ran().length >= names.length);
    assert.deepEqual(ran().sort(), names.sort());
  });

  it("cuts an answer that has begun, so that its client sees that it is not whole", async () => {
    const request = open(`${httpd.url}/stalls/head-first`).end();
    request.on("error", () => {});
    const response = await head(request);
    assert.equal(response.statusCode, 200);
    await assert.rejects(rest(response), { code: "ECONNRESET" });
  });

  for (const name of ["pbkdf2-sync", "exec-sync"]) {
    it(`is killed with its worker where it is native: ${name}`, async () => {
      const url = `${httpd.url}/native`;
      const before = (await ask(`${url}/pid`)).text;
      const answer = await ask(`${url}/${name}`, { method: "POST" });
      assert.equal(answer.status, 502);
      await httpd.waitForLog(
        new RegExp(`TN0241: \\[native 0 ${before}\\] stalled .*killed, 1 exchange in flight: .`),
      );
      assert.notEqual((await ask(`${url}/pid`)).text, before);
    });
  }
});
