// SPDX-License-Identifier: Apache-2.0
// Workers that are replaced in time.
import assert from "node:assert/strict";
import type { Scenario } from "../scenario.ts";

const REQUESTS = 100;

export const recycles: Readonly<Record<string, Scenario>> = {
  recycle: {
    text: `workers that are replaced after ${REQUESTS} requests`,
    pool: `TenonProcesses 2 2\nTenonRequests ${REQUESTS}`,
    expects: [],
    fault: async (site) => {
      const before = site.workers();
      await site.load.more(20 * REQUESTS);
      await site.ended(...before);
    },
    after: async (site) => {
      const lines = site.httpd.log().lines();
      const replaced = lines.filter((line) => /TN0250: \[attacked /.test(line)).length;
      assert.ok(replaced >= 2, `only ${replaced} workers were replaced`);
      site.figure("replaced", replaced, "workers");
    },
    limits: { recoveryMs: 5000 },
  },
};
