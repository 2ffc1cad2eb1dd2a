// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { ask } from "../../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";
import { waitUntil } from "../../helpers/processes.ts";

const application = join(root, "test", "applications", "decisions.ts");
const CLIENTS = 64;
const KILLS = 5;

describe("a static file behind a hook whose decisions are kept, under load", () => {
  let httpd: TestHttpd;
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });

  before(async () => {
    httpd = await startHttpd({
      load: ["socache_shmcb"],
      text: ({ htdocs }) => {
        for (const name of ["cached", "asked"]) {
          mkdirSync(join(htdocs, name));
          writeFileSync(join(htdocs, name, "page"), "entered".repeat(150));
        }
        // A pool each: one whose workers die often starts new ones more slowly.
        return `${pool("keeping", "TenonProcesses 2 2", application)}
${pool("asking", "TenonProcesses 2 2", application)}
<Location "/cached">
TenonHook access_checker keeping#guard
</Location>
<Location "/asked">
TenonHook access_checker asking#guard cache=off
</Location>`;
      },
    });
    await httpd.waitForReady("keeping", 2);
    await httpd.waitForReady("asking", 2);
  });
  after(async () => {
    agent.destroy();
    await httpd.stop();
  });

  const enter = async (path: string, thing: string): Promise<number> => {
    const answer = await ask(`${httpd.url}${path}/page`, { headers: { "X-Thing": thing }, agent });
    assert.equal(answer.text.includes("entered"), answer.status === 200);
    return answer.status;
  };

  for (const [path, name] of [
    ["/cached", "keeping"],
    ["/asked", "asking"],
  ] as const) {
    it(`never lets a wrong client in while workers are killed: ${path}`, async () => {
      httpd.expectLog("TN0009", "TN0216", "TN0002", "TN0003", "TN0004", "TN0013");
      const counts = new Map<string, number>();
      let over = false;
      const client = async (number: number): Promise<void> => {
        for (let turn = 0; !over; turn++) {
          const thing = (number + turn) % 2 === 0 ? "yes" : "no";
          const key = `${thing} ${await enter(path, thing)}`;
          counts.set(key, (counts.get(key) ?? 0) + 1);
        }
      };
      const clients = Array.from({ length: CLIENTS }, (_, number) => client(number));
      const mark = httpd.log().mark();
      for (let kills = 0; kills < KILLS; kills++) {
        const served = [...counts.values()].reduce((sum, count) => sum + count, 0);
        const all = (): number => [...counts.values()].reduce((sum, count) => sum + count, 0);
        await waitUntil("requests between two kills", () => all() > served + 4 * CLIENTS);
        await waitUntil("a worker", () => httpd.workersOf(name).length > 0);
        for (const pid of httpd.workersOf(name).slice(0, 1)) process.kill(pid, "SIGKILL");
      }
      await httpd.waitForLog(/TN0216: /, { since: mark });
      over = true;
      await Promise.all(clients);
      const found = [...counts.keys()].sort();
      for (const key of found) {
        assert.ok(["no 403", "no 503", "yes 200", "yes 503"].includes(key), found.join(", "));
      }
      assert.ok((counts.get("yes 200") ?? 0) > CLIENTS && (counts.get("no 403") ?? 0) > CLIENTS);
      await waitUntil("a worker that answers", async () => (await enter(path, "yes")) === 200);
      assert.deepEqual([await enter(path, "yes"), await enter(path, "no")], [200, 403]);
    }).timeout(120_000);
  }

  it("goes on when processes of httpd are killed, whatever they were doing with the cache", async () => {
    let over = false;
    let entered = 0;
    let broken = 0;
    const client = async (number: number): Promise<void> => {
      for (let turn = 0; !over; turn++) {
        const thing = (number + turn) % 2 === 0 ? "yes" : "no";
        const status = await enter("/cached", thing).catch(() => 0);
        if (status === 0) broken++;
        else assert.equal(status, thing === "yes" ? 200 : 403);
        entered += status === 200 ? 1 : 0;
      }
    };
    const clients = Array.from({ length: CLIENTS }, (_, number) => client(number));
    for (let kills = 0; kills < KILLS; kills++) {
      const before = entered;
      await waitUntil("requests between two kills", () => entered > before + 4 * CLIENTS);
      const [child] = httpd.processes().children;
      if (child !== undefined) process.kill(child, "SIGKILL");
    }
    const before = entered;
    await waitUntil("requests behind the last kill", () => entered > before + 4 * CLIENTS);
    over = true;
    await Promise.all(clients);
    assert.ok(broken > 0, "no client was cut off");
    assert.deepEqual([await enter("/cached", "yes"), await enter("/cached", "no")], [200, 403]);
  }).timeout(120_000);
});
