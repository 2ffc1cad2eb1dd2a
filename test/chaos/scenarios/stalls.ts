// SPDX-License-Identifier: Apache-2.0
// Code that keeps a worker's event loop from turning (rescue).
import assert from "node:assert/strict";
import type { Scenario } from "../scenario.ts";
import type { Site } from "../site.ts";

const STALL_MS = 1000;
const pool = `TenonProcesses 2 2\nTenonStallTimeout ${STALL_MS}ms`;
const rescue = ["TN0006", "TN0240", "TN0242"];
/** The clients whose requests are in that worker wait until it turns again. */
const recoveryMs = STALL_MS + 4000;

async function assertNamed(site: Site, name: string): Promise<void> {
  // A supervisor that is killed between the rescue and its line does not tell.
  if (site.disturbed) return;
  await site.httpd.waitForLog(
    new RegExp(`TN0240: \\[${site.name} .*GET /${site.name}/stall/${name} .*terminated`),
  );
}

/** Only what stalls gets 504; everything else in that worker is answered. */
function rescued(name: string, text: string): Scenario {
  return {
    text,
    pool,
    expects: rescue,
    fault: async (site) => {
      await site.attackFor(504, `stall/${name}`);
      await assertNamed(site, name);
    },
    limits: { recoveryMs },
  };
}

/** What cannot be interrupted takes its worker with it. */
function killed(name: string, text: string): Scenario {
  return {
    text,
    pool,
    expects: ["TN0009", "TN0241", "TN0242"],
    fault: async (site) => {
      await site.attackFor(502, `stall/${name}`, "POST");
    },
    limits: { failed: { post: 16, stream: 16 }, recoveryMs: recoveryMs + 6000 },
  };
}

export const stalls: Readonly<Record<string, Scenario>> = {
  loop: rescued("loop", "an endless loop"),
  "loop-caught": rescued("try-catch", "an endless loop inside try and catch, in another one"),
  microtasks: {
    ...rescued("microtasks", "promises that never let the loop turn"),
    expects: [...rescue, "TN0007", "TN0251"],
    fault: async (site) => {
      // Each waits for the next, so they fill the memory: which limit is the first depends on the machine.
      const { status, text } = await site.attack("stall/microtasks");
      assert.ok(status === 504 || status === 500, `${status}: ${text.slice(0, 200)}`);
      if (status === 504) await assertNamed(site, "microtasks");
    },
  },
  ticks: rescued("ticks", "process.nextTick without end"),
  regexp: rescued("regular-expression", "a regular expression that backtracks"),
  "atomics-wait": rescued("atomics-wait", "Atomics.wait"),
  recursion: rescued("recursion", "a recursion without end"),
  timer: {
    ...rescued("timer", "an endless loop in a timer"),
    fault: async (site) => {
      // No request is to blame once it is over, but this one waits for an answer that never comes.
      assert.equal((await site.attack("stall/timer")).status, 504);
    },
  },
  "native-loop": killed("pbkdf2-sync", "native code that does not end"),
  "native-wait": killed("exec-sync", "execSync of a command that does not end"),
};
