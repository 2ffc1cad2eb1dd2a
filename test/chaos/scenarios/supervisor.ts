// SPDX-License-Identifier: Apache-2.0
// The supervisor's own end.
import type { Scenario } from "../scenario.ts";
import type { Site } from "../site.ts";

async function killSupervisor(site: Site): Promise<void> {
  const { supervisor } = site.httpd.processes();
  const before = site.workers().sort();
  process.kill(supervisor, "SIGKILL");
  await site.ended(supervisor);
  await site.until("another supervisor", () => {
    const now = site.httpd.processes().supervisor;
    return now !== 0 && now !== supervisor;
  });
  await site.until("the same workers", () => site.workers().sort().join() === before.join());
}

export const supervisors: Readonly<Record<string, Scenario>> = {
  "kill-supervisor": {
    text: "SIGKILL to the supervisor: another takes its workers over",
    expects: ["TN0032"],
    turns: 3,
    fault: killSupervisor,
    limits: { recoveryMs: 5000 },
  },
};
