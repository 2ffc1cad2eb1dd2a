// SPDX-License-Identifier: Apache-2.0
// Workers that end without being asked to.
import assert from "node:assert/strict";
import { open } from "../../helpers/http-client.ts";
import type { Limits, Scenario } from "../scenario.ts";
import type { Site } from "../site.ts";

const TURNS = 4;
/** Clients whose request may be in the worker that dies. */
const CLIENTS = 16;

/** A GET that was begun is run again; a POST is not, and an answer that has begun is cut. */
const deaths: Limits = {
  failed: { post: TURNS * CLIENTS, stream: TURNS * CLIENTS },
  recoveryMs: 5000,
};
/** A worker crashed; an exchange lost its worker. */
const crash = ["TN0216", "TN0009"];

async function kill(site: Site): Promise<void> {
  const victim = await site.victim();
  process.kill(victim, "SIGKILL");
  await site.ended(victim);
}

/** A POST that ends its worker: never run again, so it must be 502. */
function deadly(path: string): (site: Site) => Promise<void> {
  return async (site) => {
    await site.attackFor(502, path, "POST");
  };
}

/** A worker that is told to drain has open what it cannot end before it dies. */
async function killDraining(site: Site): Promise<void> {
  const victim = await site.victim();
  const before = new Set(await site.knownWorkers());
  process.kill(victim, "SIGTERM");
  // Its successor runs, so it has heard.
  await site.until("a successor", () => site.workers().some((pid) => !before.has(pid)));
  try {
    process.kill(victim, "SIGKILL");
  } catch (error) {
    // It had no request left.
    assert.equal((error as NodeJS.ErrnoException).code, "ESRCH");
  }
  await site.ended(victim);
}

async function freeze(site: Site): Promise<void> {
  const victim = await site.victim();
  process.kill(victim, "SIGSTOP");
  await site.ended(victim);
}

/** Requests that no worker ever answers; their clients lose patience. */
async function leaveUnanswered(site: Site): Promise<void> {
  const unanswered = Array.from({ length: 8 }, () => open(`${site.url}/fault/never`).end());
  for (const request of unanswered) request.on("error", () => undefined);
  await site.load.more(200);
  for (const request of unanswered) request.destroy();
}

export const crashes: Readonly<Record<string, Scenario>> = {
  kill: {
    text: "SIGKILL to a worker; GETs at 32 connections",
    expects: ["TN0216"],
    mix: ["get"],
    connections: 32,
    turns: 6,
    fault: kill,
    limits: { recoveryMs: 5000 },
  },
  "kill-any": {
    text: "SIGKILL to a worker; GETs, POSTs and streams",
    expects: crash,
    turns: TURNS,
    fault: kill,
    limits: deaths,
  },
  segfault: {
    text: "a POST whose worker dies of SIGSEGV",
    expects: crash,
    turns: TURNS,
    fault: deadly("fault/segv"),
    limits: deaths,
  },
  abort: {
    text: "a POST whose worker aborts",
    expects: crash,
    turns: TURNS,
    fault: deadly("fault/abort"),
    limits: deaths,
  },
  exit: {
    text: "process.exit() in the handler of a POST",
    expects: ["TN0007", "TN0216"],
    turns: TURNS,
    fault: async (site) => {
      await site.attackFor(500, "fault/exit", "POST");
    },
    limits: deaths,
  },
  throw: {
    text: "an exception that nobody catches",
    expects: ["TN0007", "TN0216"],
    turns: TURNS,
    fault: async (site) => {
      await site.attackFor(500, "fault/throw");
    },
    limits: { recoveryMs: 5000 },
  },
  reject: {
    text: "a rejection that nobody handles",
    expects: ["TN0007", "TN0216"],
    turns: TURNS,
    fault: async (site) => {
      await site.attackFor(500, "fault/reject");
    },
    limits: { recoveryMs: 5000 },
  },
  "kill-draining": {
    text: "SIGKILL to a worker that drains",
    expects: crash,
    turns: TURNS,
    fault: killDraining,
    limits: deaths,
  },
  "close-sockets": {
    text: "a worker that closes its sockets under itself",
    expects: [...crash, "TN0006", "TN0008", "TN0218", "TN0241", "TN0249"],
    // It never learns that requests of its closed channels are over.
    pool: "TenonProcesses 2 2\nTenonStallTimeout 1s\nTenonGracefulTimeout 3s",
    fault: async (site) => {
      const before = await site.knownWorkers();
      await site.attackFor(502, "fault/close-sockets", "POST");
      await site.until("its end", () => before.some((pid) => !site.workers().includes(pid)));
    },
    limits: { ...deaths, recoveryMs: 10_000 },
  },
  freeze: {
    text: "SIGSTOP: a worker that takes connections and answers none",
    expects: [...crash, "TN0218", "TN0241"],
    pool: "TenonProcesses 2 2\nTenonStallTimeout 1s",
    fault: freeze,
    limits: { ...deaths, recoveryMs: 10_000 },
  },
  unanswered: {
    text: "requests that the application never answers",
    expects: ["TN0006"],
    fault: leaveUnanswered,
    limits: { recoveryMs: 5000 },
  },
  garbage: {
    text: "a worker that writes garbage to all of its channels",
    expects: [...crash, "TN0008"],
    turns: TURNS,
    fault: async (site) => {
      await site.attackFor(502, `fault/garbage?hex=${"ff".repeat(64)}`, "POST");
    },
    // Its worker lives: what it spoils is not run again.
    limits: { ...deaths, failed: { ...deaths.failed, get: TURNS * CLIENTS } },
  },
};
