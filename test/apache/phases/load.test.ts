// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { ask } from "../../helpers/http-client.ts";
import { hooksPool, PhasesHttpd, putFiles } from "./httpd.ts";

const CLIENTS = 64;
const REQUESTS_PER_CLIENT = 30;
/** A worker is killed each time that so many requests were answered, and all are recycled half-way. */
const REQUESTS_PER_KILL = 200;
const secret = "behind an access check";

describe("a static file behind hooks, under load", () => {
  let httpd: PhasesHttpd;
  let answered = 0;

  const configuration = (environment: string): string => `${hooksPool(
    "rec",
    `TenonProcesses 3 3\nTenonEnv RECYCLED ${environment}`,
  )}
<Location "/file.txt">
  TenonHook access_checker rec
  TenonHook fixups rec
</Location>`;

  before(async () => {
    httpd = await PhasesHttpd.start({
      text: ({ htdocs }) => {
        putFiles(htdocs, { "file.txt": secret });
        return configuration("no");
      },
    });
    await httpd.httpd.waitForReady("rec", 3);
    // Killed at work, or while it starts.
    httpd.httpd.expectLog("TN0009", "TN0216", "TN0214", "TN0003", "TN0262");
  });
  after(() => httpd.httpd.stop());

  /** Ends a worker, or all of them by way of a new configuration, when it is time. */
  async function disturb(): Promise<void> {
    answered++;
    if (answered === (CLIENTS * REQUESTS_PER_CLIENT) / 2) {
      httpd.httpd.configure(configuration("yes"));
      await httpd.httpd.graceful();
    } else if (answered % REQUESTS_PER_KILL === 0) {
      const [pid] = httpd.httpd.workersOf("rec");
      if (pid !== undefined) process.kill(pid, "SIGKILL");
    }
  }

  it("never has a wrong decision, while workers are killed and recycled", async () => {
    const statuses = new Map<string, number>();
    async function client(): Promise<void> {
      for (let i = 0; i < REQUESTS_PER_CLIENT; i++) {
        const refuse = i % 3 === 0;
        const path = refuse ? "/file.txt?access_checker=status:403" : "/file.txt?fixups=status:0";
        const { status, text } = await ask(httpd.url + path);
        assert.equal(text === secret, status === 200);
        const kind = `${refuse ? "refused" : "granted"}: ${status}`;
        statuses.set(kind, (statuses.get(kind) ?? 0) + 1);
        await disturb();
      }
    }
    await Promise.all(Array.from({ length: CLIENTS }, client));
    const kinds = [...statuses.keys()];
    // Two workers may die under one request: then it is refused, by the access check or by the fixups.
    const allowed = [
      "refused: 403",
      "refused: 503",
      "granted: 200",
      "granted: 503",
      "granted: 500",
    ];
    assert.deepEqual(
      kinds.filter((kind) => !allowed.includes(kind)),
      [],
    );
    const failed = (statuses.get("refused: 503") ?? 0) + (statuses.get("granted: 503") ?? 0);
    assert.ok(failed <= answered / 100, JSON.stringify([...statuses]));
    assert.ok(answered === CLIENTS * REQUESTS_PER_CLIENT);
  }).timeout(120_000);
});
