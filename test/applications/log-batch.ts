// SPDX-License-Identifier: Apache-2.0
// A log hook for test/hooks/log-batch.test.ts that takes its time, and tells how many of it ran at once.
import { setImmediate } from "node:timers/promises";
import type { LogTransaction } from "../../ts/index.ts";

let running = 0;
let most = 0;

export const logTransaction: LogTransaction = async (r) => {
  if (r.args === "most") {
    r.log.info(`most ${most}`);
    return;
  }
  running++;
  most = Math.max(most, running);
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  running--;
};
