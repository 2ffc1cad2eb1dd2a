// SPDX-License-Identifier: Apache-2.0
// Workers that take memory without end (TenonMemory).
import assert from "node:assert/strict";
import type { Scenario } from "../scenario.ts";

const pool = "TenonProcesses 2 2\nTenonMemory 128M 256M";

/** One execution that takes memory: it alone is terminated. In a mix of faults that may be for its time, if the machine is slow. */
function hog(name: string, text: string): Scenario {
  return {
    text,
    pool,
    expects: ["TN0007", "TN0251", "TN0242", "TN0006"],
    fault: async (site) => {
      const { status } = await site.attack(`hog/${name}`);
      assert.ok(status === 500 || status === 504, `hog/${name}: ${status}`);
    },
    after: async (site) => {
      await site.httpd.waitForLog(new RegExp(`TN0251: \\[${site.name} `));
    },
    limits: { recoveryMs: 5000 },
  };
}

/** Memory that is taken in many small pieces: nobody is to blame, and its worker goes. */
function creep(name: string, text: string): Scenario {
  return {
    text,
    pool,
    // Its own request is open until the worker is killed; all others are over by then.
    expects: ["TN0009", "TN0252", "TN0253"],
    fault: async (site) => {
      await site.attackFor(502, `creep/${name}`, "POST");
    },
    limits: { recoveryMs: 5000 },
  };
}

export const memories: Readonly<Record<string, Scenario>> = {
  "hog-objects": hog("objects", "a loop that fills V8's heap"),
  "hog-buffers": hog("buffers", "a loop that takes Buffers, outside of V8's heap"),
  "creep-buffers": creep("buffers", "Buffers that pile up over many turns"),
};
