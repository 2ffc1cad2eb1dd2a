// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { ask, head, open, rest } from "../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { linksOf, waitUntil } from "../helpers/processes.ts";

const BURST = 40;
/** One child, whose descriptors are looked at. */
const ONE_CHILD =
  "StartServers 1\nServerLimit 1\nThreadsPerChild 64\nMaxRequestWorkers 64\nMinSpareThreads 1\nMaxSpareThreads 64";

function sockets(pid: number | undefined): number {
  assert.ok(pid);
  return linksOf(pid).filter((link) => link.startsWith("socket:")).length;
}

describe("channels that httpd keeps", () => {
  let httpd: TestHttpd;

  before(async () => {
    const text = ["busy", "quiet"].map((name) => pool(name, "TenonProcesses 1 1")).join("");
    httpd = await startHttpd({ size: ONE_CHILD, text });
    for (const name of ["busy", "quiet"]) await get(`${name}/pid`);
  });
  after(() => httpd.stop());

  async function get(path: string): Promise<string> {
    return (await ask(`${httpd.url}/${path}`)).text;
  }

  /** Sockets of the child and of both workers. */
  function held(): number[] {
    const { children } = httpd.processes();
    return [children[0], httpd.workersOf("busy")[0], httpd.workersOf("quiet")[0]].map(sockets);
  }

  /** So many requests to one pool that are open at once. */
  async function burst(name: string): Promise<void> {
    const requests = Array.from({ length: BURST }, () =>
      open(`${httpd.url}/${name}/hold?name=${name}&head`).end(),
    );
    const answers = await Promise.all(requests.map((request) => head(request)));
    await get(`${name}/happen?name=${name}`);
    await Promise.all(answers.map((answer) => rest(answer)));
  }

  it("are those of a burst, of any pool, until they were not needed for a while; one that is used stays", async () => {
    const before = held();
    const worker = await get("busy/pid");
    await burst("quiet");
    await burst("busy");
    for (const [index, count] of held().entries()) {
      assert.ok(count >= (before[index] ?? 0) + BURST / 2, `${index}: ${count} of ${before}`);
    }
    let now = held();
    await waitUntil(
      "the end of what nobody uses",
      async () => {
        assert.equal(await get("busy/pid"), worker);
        now = held();
        return now.every((count, index) => count <= (before[index] ?? 0));
      },
      { timeoutMs: 40_000, explain: () => `${now}, not ${before}` },
    );
    assert.equal(now[1], before[1], "the channel that is used");
  });
});
