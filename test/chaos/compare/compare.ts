// SPDX-License-Identifier: Apache-2.0
// The same five faults for each contender. Called by main.ts (--compare).
import { chmodSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Row } from "../../../bench/report.ts";
import { ask, open } from "../../helpers/http-client.ts";
import { alive, privateMemory, waitUntil } from "../../helpers/processes.ts";
import { Load } from "../load.ts";
import { Random } from "../random.ts";
import { type ComparedSpec, compared, type Running } from "./contenders.ts";

/** What came of one fault for one contender. */
export interface Compared {
  readonly contender: string;
  readonly fault: string;
  readonly rows: readonly Row[];
  readonly text: string;
}

interface Bench {
  readonly running: Running;
  readonly load: Load;
  readonly beside: Load;
}

type Fault = (bench: Bench) => Promise<string>;

const CONNECTIONS = 16;
const HANGING = 200;
/** How long it is looked at who is served again. */
const PATIENCE_MS = 30_000;
/** Longer than Passenger's pause between two looks at restart.txt (PassengerStatThrottleRate, 10 s). */
const LOOK_MS = 20_000;

async function workerOf(running: Running): Promise<number> {
  return Number((await ask(`${running.url}attacked/pid`)).text);
}

/** Does one of the attacks and says what its own client got, and when. */
async function attack(running: Running, path: string): Promise<string> {
  const start = performance.now();
  const seconds = (): string => `${((performance.now() - start) / 1000).toFixed(1)} s`;
  try {
    const { status } = await ask(`${running.url}attacked/${path}`, { timeoutMs: PATIENCE_MS });
    return `its client got ${status} after ${seconds()}`;
  } catch {
    return `its client got nothing within ${seconds()}`;
  }
}

/** The most memory that a worker has while something runs, MiB. */
async function watchMemory(pid: number, until: Promise<unknown>): Promise<number> {
  let most = 0;
  let over = false;
  void until.finally(() => {
    over = true;
  });
  await waitUntil(
    "the attack's end",
    () => {
      if (alive(pid)) {
        try {
          most = Math.max(most, privateMemory(pid) / 1024 / 1024);
        } catch {
          // It has just ended.
        }
      }
      return over;
    },
    { timeoutMs: 2 * PATIENCE_MS },
  );
  return Math.round(most);
}

const faults: ReadonlyMap<string, Fault> = new Map<string, Fault>([
  [
    "worker killed",
    async ({ running, load }) => {
      for (let turn = 0; turn < 3; turn++) {
        const pid = await workerOf(running);
        load.fault();
        process.kill(pid, "SIGKILL");
        await load.recovered(PATIENCE_MS);
        await load.more(200);
      }
      return "three times";
    },
  ],
  [
    "endless loop",
    async ({ running, load }) => {
      load.fault();
      const text = await attack(running, "loop");
      await load.recovered(PATIENCE_MS);
      return text;
    },
  ],
  [
    "memory hog",
    async ({ running, load }) => {
      const pids = new Set<number>();
      for (let turn = 0; turn < 8; turn++) pids.add(await workerOf(running));
      load.fault();
      const attacked = attack(running, "hog");
      const most = await Promise.all([...pids].map((pid) => watchMemory(pid, attacked)));
      await load.recovered(PATIENCE_MS);
      return `${await attacked}; its worker had ${Math.max(...most)} MiB`;
    },
  ],
  [
    "slow pool",
    async ({ running, beside }) => {
      const url = `${running.url}attacked/hang`;
      const hanging = Array.from({ length: HANGING }, () => open(url).end());
      for (const request of hanging) request.on("error", () => undefined);
      beside.fault();
      try {
        await beside.more(300);
        return `${HANGING} requests hang; another pool goes on`;
      } finally {
        for (const request of hanging) request.destroy();
      }
    },
  ],
  [
    "broken deploy",
    async ({ running, load }) => {
      load.fault();
      await running.deploy("broken");
      const until = performance.now() + LOOK_MS;
      await waitUntil("the end of a look", () => performance.now() > until, {
        timeoutMs: 2 * LOOK_MS,
      });
      const failed = load.failed("get");
      load.fault();
      await running.deploy("good");
      await load.recovered(PATIENCE_MS);
      return `${failed} failed in the ${LOOK_MS / 1000} s until it was mended`;
    },
  ],
]);

/** The names of the faults. */
export const comparedFaults: readonly string[] = [...faults.keys()];

function makeLoad(running: Running, name: string): Load {
  const common = { mix: ["get"], random: new Random(1), fresh: true } as const;
  const connections = name === "calm" ? 2 : CONNECTIONS;
  return new Load({ ...common, name, connections, url: `${running.url}${name}` });
}

async function runFault(spec: ComparedSpec, contender: string, fault: string): Promise<Compared> {
  const folder = mkdtempSync(join(tmpdir(), "tenon-compare-"));
  chmodSync(folder, 0o711);
  let running: Running | undefined;
  try {
    running = await spec.start(folder);
    const load = makeLoad(running, "attacked");
    const beside = makeLoad(running, "calm");
    for (const each of [load, beside]) each.start();
    let text: string;
    try {
      await Promise.all([load.more(100), beside.more(20)]);
      text = (await faults.get(fault)?.({ running, load, beside })) ?? "";
    } catch (error) {
      text = `not served again: ${String(error).split("\n")[0]}`;
    }
    // What hangs would hold the clients for minutes: what they have so far counts.
    const rows = toRows(contender, fault, load, beside);
    for (const each of [load, beside]) void each.stop();
    return { contender, fault, rows, text };
  } finally {
    await running?.stop();
    rmSync(folder, { recursive: true, force: true });
  }
}

function toRows(contender: string, fault: string, load: Load, beside: Load): Row[] {
  const prefix = `compare.${fault.replaceAll(" ", "-")}.${contender}`;
  const row = (name: string, value: number, unit: string): Row => {
    return { name: `${prefix}.${name}`, value: Math.round(value), unit, limit: null };
  };
  return [
    row("sent", load.sent, "requests"),
    row("failed", load.failed("get"), "requests"),
    row("slowest", load.slowestMs, "ms"),
    row("recovery", load.recoveryMs, "ms"),
    row("beside-failed", beside.failed("get"), "requests"),
    row("beside-slowest", beside.slowestMs, "ms"),
  ];
}

/** Does faults to every contender that is installed. */
export async function compare(
  wanted: readonly string[],
  signal: AbortSignal,
  onProgress: (line: string) => void,
): Promise<Compared[]> {
  const results: Compared[] = [];
  for (const fault of wanted) {
    for (const [name, spec] of compared) {
      if (signal.aborted) return results;
      if (spec.needs !== undefined && !existsSync(spec.needs.path())) {
        onProgress(`${name} is left out: apt install ${spec.needs.packages}`);
        continue;
      }
      const result = await runFault(spec, name, fault);
      onProgress(`${fault}, ${name}: ${result.text}`);
      results.push(result);
    }
  }
  return results;
}

/** The table of a comparison. */
export function toCompareTable(results: readonly Compared[]): string {
  const line = ({ contender, fault, rows, text }: Compared): string =>
    [`| ${fault} | ${contender}`, ...rows.map(({ value }) => String(value)), `${text} |`].join(
      " | ",
    );
  return [
    "| fault | contender | sent | failed | slowest ms | served again ms | beside failed | beside slowest ms | |",
    "|---|---|---|---|---|---|---|---|---|",
    ...results.map(line),
  ].join("\n");
}
