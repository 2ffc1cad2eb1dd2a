// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { join } from "node:path";
import { askJson } from "../helpers/http-client.ts";
import { pool, root, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { alive, waitUntil } from "../helpers/processes.ts";

interface Started {
  readonly worker: number;
  readonly own: number;
  readonly detached: number;
}

describe("processes that a worker has started", () => {
  let httpd: TestHttpd;
  const detached: number[] = [];

  before(async () => {
    const app = join(root, "test", "applications", "starting.ts");
    httpd = await startHttpd({ text: pool("starting", "TenonProcesses 1 1", app) });
    httpd.expectLog("TN0216");
  });
  after(async () => {
    for (const pid of detached) if (alive(pid)) process.kill(pid, "SIGKILL");
    await httpd.stop();
  });

  for (const [signal, what] of [
    ["SIGKILL", "is killed"],
    ["SIGTERM", "retires"],
  ] as const) {
    it(`end with it when it ${what}, but for those with a session of their own`, async () => {
      const started = await askJson<Started>(`${httpd.url}/starting`);
      detached.push(started.detached);
      assert.ok(alive(started.own));
      process.kill(started.worker, signal);
      await waitUntil("the end of the worker", () => !alive(started.worker));
      await waitUntil("the end of what it has started", () => !alive(started.own));
      assert.ok(alive(started.detached));
    });
  }
});
