// SPDX-License-Identifier: Apache-2.0
// What becomes of requests when httpd itself is reloaded, restarted, stopped or hit.
import assert from "node:assert/strict";
import type { Limits, Scenario } from "../scenario.ts";
import type { Site } from "../site.ts";

const CLIENTS = 16;
/** What httpd says, or its clients see, of processes that were hit. */
const hit = ["AH00045", "AH00046", "AH00051", "AH00052"];

/** Each client loses at most what it has open. */
const ended: Limits = {
  failed: { get: CLIENTS, post: CLIENTS, stream: CLIENTS },
  outcomes: ["502", "503", "cut", "broken"],
  beside: 4,
  besideMs: 15_000,
};

async function stopGracefully(site: Site): Promise<void> {
  process.kill(site.httpd.httpd.pid, "SIGWINCH");
  await site.httpd.httpd.exited;
}

/** Tells how long it takes until supervisor and workers of an httpd are gone. */
async function goneWithin(site: Site, limitMs: number, end: () => Promise<unknown>): Promise<void> {
  const { supervisor, workers } = site.httpd.processes();
  const start = performance.now();
  const load = site.endLoad();
  await end();
  await site.ended(supervisor, ...workers);
  site.figure("gone", Math.round(performance.now() - start), "ms", limitMs);
  await load;
}

async function killChild(site: Site): Promise<void> {
  const child = site.random.pick(site.httpd.processes().children);
  process.kill(child, "SIGKILL");
  await site.ended(child);
}

async function changeConfiguration(site: Site, turn: number): Promise<void> {
  const before = site.workers();
  const calm = site.httpd.workersOf("calm");
  site.configure(`TenonEnv TURN ${turn}`);
  await site.httpd.graceful();
  await site.ended(...before);
  assert.deepEqual(site.httpd.workersOf("calm"), calm, "a pool that did not change was replaced");
}

async function unchanged(site: Site, act: () => Promise<void>): Promise<void> {
  const before = site.workers().sort();
  await act();
  assert.deepEqual(site.workers().sort(), before, "workers were replaced");
}

export const httpds: Readonly<Record<string, Scenario>> = {
  graceful: {
    text: "apachectl graceful, nothing changed",
    expects: [],
    fresh: true,
    turns: 5,
    fault: (site) => unchanged(site, () => site.httpd.graceful()),
    limits: { recoveryMs: 5000 },
  },
  restart: {
    text: "apachectl restart: httpd breaks off what is open, workers stay",
    expects: hit,
    fresh: true,
    turns: 3,
    fault: (site) => unchanged(site, () => site.httpd.restart()),
    limits: {
      failed: { get: 3 * 2 * CLIENTS, post: 3 * 2 * CLIENTS, stream: 3 * 2 * CLIENTS },
      outcomes: ["502", "503", "cut", "broken"],
      recoveryMs: 15_000,
      beside: 60,
      besideMs: 15_000,
    },
  },
  "changed-configuration": {
    text: "graceful with another configuration of the pool",
    expects: [],
    fresh: true,
    turns: 3,
    fault: changeConfiguration,
    limits: { recoveryMs: 10_000 },
  },
  "child-limit": {
    text: "MaxConnectionsPerChild 50",
    expects: [],
    directives: "MaxConnectionsPerChild 50",
    fresh: true,
    fault: (site) => site.load.more(1000),
    limits: { recoveryMs: 5000 },
  },
  "kill-child": {
    text: "SIGKILL to a process of httpd: its clients lose their connections",
    expects: hit,
    fresh: true,
    turns: 3,
    fault: killChild,
    limits: {
      failed: { get: 3 * CLIENTS, post: 3 * CLIENTS, stream: 3 * CLIENTS },
      outcomes: ["broken", "cut"],
      recoveryMs: 5000,
      beside: 12,
    },
  },
  stop: {
    text: "apachectl stop",
    expects: hit,
    ends: true,
    fault: (site) => goneWithin(site, 7000, () => site.httpd.httpd.end()),
    limits: ended,
  },
  "graceful-stop": {
    text: "apachectl graceful-stop: what is open ends first",
    expects: hit,
    ends: true,
    fault: (site) => goneWithin(site, 15_000, () => stopGracefully(site)),
    limits: { ...ended, failed: {} },
  },
  "kill-parent": {
    text: "SIGKILL to httpd's parent",
    expects: hit,
    ends: true,
    fault: (site) => goneWithin(site, 7000, () => site.httpd.kill()),
    limits: ended,
  },
};
