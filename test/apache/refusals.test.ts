// SPDX-License-Identifier: Apache-2.0
// P5: what a request costs httpd that is refused at once, whatever it is refused for.
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import type { ClientRequest } from "node:http";
import { join } from "node:path";
import { type Answer, ask, head, open } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { waitUntil } from "../helpers/processes.ts";

const hanging = join(root, "test", "applications", "hanging.ts");
const ROUNDS = 300;
/** µs, of which a tenth is usual: the machine may be busy. */
const MOST = 1000;

describe("a request that is refused at once", () => {
  let httpd: TestHttpd;
  const clients: ClientRequest[] = [];

  before(async () => {
    httpd = await startHttpd({
      load: ["status"],
      text: ({ htdocs }) => {
        writeFileSync(join(htdocs, "broken.ts"), `throw new Error("broken");\n`);
        return `${pool("broken", "TenonProcesses 0 1\nTenonReload off", join(htdocs, "broken.ts"))}
${pool("held", "TenonProcesses 1 1\nTenonThreads 1", hanging)}
${pool("full", "TenonProcesses 1 1\nTenonConcurrency 1\nTenonQueueLength 1", hanging)}
LogFormat "%>s %D %{Retry-After}o %U" times
CustomLog logs/times.log times`;
      },
    });
    httpd.expectLog("TN0002", "TN0060", "TN0212", "TN0213", "TN0214", "TN0255", "TN0257");
    await Promise.all(["held", "full"].map((name) => httpd.waitForReady(name, 1)));
  });
  after(() => httpd.stop());
  afterEach(() => {
    for (const client of clients.splice(0)) client.destroy();
  });

  const get = (path: string): Promise<Answer> => ask(httpd.url + path);

  /** Asks one after the other; all are refused, and at least a quarter within {@link MOST} of httpd's time, however busy the machine is. */
  async function assertQuick(path: string, tag: string): Promise<void> {
    const log = join(httpd.places.logs, "times.log");
    const already = readFileSync(log, "utf8").length;
    for (let round = 0; round < ROUNDS; round++) assert.equal((await get(path)).status, 503);
    let lines: string[] = [];
    await waitUntil("the access log", () => {
      lines = readFileSync(log, "utf8").slice(already).split("\n");
      lines = lines.filter((line) => line.startsWith("503 ") && line.endsWith(` ${path}`));
      return lines.length >= ROUNDS;
    });
    for (const line of lines) assert.match(line.split(" ")[2] ?? "", /^\d+$/, "no Retry-After");
    await httpd.waitForLog(new RegExp(tag));
    const times = lines.map((line) => Number(line.split(" ")[1])).sort((a, b) => a - b);
    const quick = times[times.length >> 2] ?? 0;
    assert.ok(quick < MOST, `three of four of them took more than ${quick} µs`);
  }

  it("by an open breaker takes httpd much less than a millisecond", async () => {
    assert.equal((await get("/broken/")).status, 503);
    await httpd.waitForLog(/TN0255/);
    await assertQuick("/broken/", "TN0257");
  });

  /** A request that is never answered to its end. */
  function hang(path: string): ClientRequest {
    const client = open(httpd.url + path).on("error", () => undefined);
    clients.push(client);
    return client.end();
  }

  it("for want of a thread takes httpd much less than a millisecond", async () => {
    await head(hang("/held/begun"));
    await assertQuick("/held/", "TN0060");
  });

  it("for want of room in the queue takes httpd much less than a millisecond", async () => {
    await head(hang("/full/begun"));
    // Clients in the queue, and one beyond it.
    await Promise.race(Array.from({ length: 8 }, () => head(hang("/full/never"))));
    await assertQuick("/full/", "TN0002");
  });
});
