// SPDX-License-Identifier: Apache-2.0
// Log hooks for test/hooks/log-batch.test.ts: what each does is told by its request's args.
import { setImmediate } from "node:timers/promises";
import type { Fixups, LogTransaction } from "../../ts/index.ts";

let running = 0;
let most = 0;

export const fixups: Fixups = (r) => {
  r.state["kept"] = r.id;
};

export const logTransaction: LogTransaction = (r) => {
  if (r.args === "throw") throw new Error("thrown at once");
  if (r.args === "reject") return Promise.reject(new Error("thrown later"));
  if (r.args === "later") return later();
  if (r.args === "most") r.log.info(`most ${most}`);
  if (r.args === "state") r.log.info(`kept ${String(r.state["kept"])}, lost ${r.stateLost}`);
  if (r.args === "seen") r.log.info(`${r.method} ${r.status} ${r.bytesSent} ${r.duration}`);
  return undefined;
};

async function later(): Promise<void> {
  running++;
  most = Math.max(most, running);
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  running--;
}
