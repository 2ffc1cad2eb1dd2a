// SPDX-License-Identifier: Apache-2.0
// Measures contenders in rounds: A B C A B C …, so that what the machine does meanwhile hits all of them alike.
import { existsSync, readFileSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import { type ContenderName, contenders } from "./contenders.ts";
import { treesCpuUs } from "./cpu-time.ts";
import type { Contender } from "./httpd.ts";
import { logOf } from "./peers.ts";
import { type Figure, type Scenario, type ScenarioName, scenarios } from "./scenarios.ts";
import { complaint, type LoadResult, runLoad } from "./wrk.ts";

export type Sample = Readonly<Record<Figure, number>>;

/** Samples by scenario and contender, one a round. */
export type Samples = Map<ScenarioName, Map<ContenderName, Sample[]>>;

export interface MeasureOptions {
  readonly scenarios: readonly ScenarioName[];
  readonly contenders: readonly ContenderName[];
  readonly rounds: number;
  /** Length of one measurement; each follows a second of warm-up. */
  readonly seconds: number;
  /** The folder that the contenders were started with. */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

const warmUpSeconds = 1;
const firstWarmUpSeconds = 3;
/** A log hook may run behind its request, and in batches. */
const logWaitMs = 10_000;
const logPollMs = 20;

async function loadChecked(
  name: ContenderName,
  contender: Contender,
  scenario: Scenario,
  seconds: number,
  signal: AbortSignal,
): Promise<LoadResult> {
  const { large, load } = scenario;
  const url = contender.url + (large?.path ?? scenario.path ?? "");
  const result = await runLoad(url, load, seconds, signal);
  const wrong =
    large === undefined
      ? complaint(result, scenario.answer?.length ?? load.bodyBytes)
      : complaint({ ...result, requests: 1 }, 1);
  if (wrong !== undefined) throw new Error(`${name}: ${wrong}\n${contender.log()}`);
  return result;
}

async function takeSample(
  name: ContenderName,
  contender: Contender,
  scenario: Scenario,
  options: MeasureOptions,
): Promise<Sample> {
  await loadChecked(name, contender, scenario, warmUpSeconds, options.signal);
  const before = treesCpuUs(contender.roots());
  const result = await loadChecked(name, contender, scenario, options.seconds, options.signal);
  const cpuUs = treesCpuUs(contender.roots()) - before;
  const requests = scenario.large ? result.bytes / scenario.large.bytes : result.requests;
  return {
    cpu: cpuUs / requests,
    rate: requests / (result.durationUs / 1e6),
    p50: result.p50Us,
    p99: result.p99Us,
  };
}

/** Counts the bytes of one large answer. @throws when there are more or fewer */
async function probeLarge(
  name: ContenderName,
  contender: Contender,
  { path, bytes }: NonNullable<Scenario["large"]>,
): Promise<void> {
  const response = await fetch(contender.url + path);
  let got = 0;
  for await (const chunk of response.body ?? []) got += chunk.length;
  if (response.status !== 200 || got !== bytes) {
    throw new Error(
      `${name} answered with status ${response.status} and ${got} bytes\n${contender.log()}`,
    );
  }
}

/** Sends one request and compares the body, byte by byte. @throws when the response is wrong */
async function probe(name: ContenderName, contender: Contender, scenario: Scenario): Promise<void> {
  if (scenario.large !== undefined) {
    await probeLarge(name, contender, scenario.large);
    return;
  }
  const { method, bodyBytes, headers = {} } = scenario.load;
  const sent = method === "POST" ? "x".repeat(bodyBytes) : undefined;
  const right = scenario.answer ?? sent;
  const url = contender.url + (scenario.path ?? "");
  const response = await fetch(url, { method, headers, body: sent ?? null });
  const body = await response.text();
  if (response.status !== 200 || body !== right) {
    throw new Error(
      `${name} answered ${method} with status ${response.status} and a body of ${body.length} bytes\n${contender.log()}`,
    );
  }
}

/** Shows that a hook does its work: that it refuses, or that its line appears. @throws when it does not */
async function probeHook(
  name: ContenderName,
  contender: Contender,
  scenario: Scenario,
  folder: string,
): Promise<void> {
  const { refuses, logs } = contenders[name];
  if (refuses !== undefined) {
    const response = await fetch(contender.url + (scenario.path ?? ""));
    await response.arrayBuffer();
    if (response.status === refuses) return;
    throw new Error(`${name} answered with status ${response.status} instead of ${refuses}`);
  }
  const path = logOf(folder, name);
  const line = `GET /${scenario.path} 200\n`;
  for (const end = Date.now() + logWaitMs; logs === true; await delay(logPollMs)) {
    if (existsSync(path) && readFileSync(path, "latin1").startsWith(line)) return;
    if (Date.now() > end) throw new Error(`${name} has not logged\n${contender.log()}`);
  }
}

/** Which contenders a scenario measures in this run. */
export function contendersOf(
  name: ScenarioName,
  wanted: readonly ContenderName[],
): ContenderName[] {
  return scenarios[name].contenders.filter((each) => wanted.includes(each));
}

/** Measures all rounds of all scenarios on running contenders. @throws at the first error under load */
export async function measure(
  running: ReadonlyMap<ContenderName, Contender>,
  options: MeasureOptions,
): Promise<Samples> {
  const samples: Samples = new Map();
  for (const scenarioName of options.scenarios) {
    const scenario = scenarios[scenarioName];
    const ofScenario = new Map<ContenderName, Sample[]>();
    samples.set(scenarioName, ofScenario);
    const participants = contendersOf(scenarioName, options.contenders).flatMap((name) => {
      const contender = running.get(name);
      return contender === undefined ? [] : [{ name, contender }];
    });
    for (const { name, contender } of participants) {
      ofScenario.set(name, []);
      await probe(name, contender, scenario);
      await probeHook(name, contender, scenario, options.folder);
      await loadChecked(name, contender, scenario, firstWarmUpSeconds, options.signal);
    }
    for (let round = 1; round <= options.rounds; round++) {
      for (const { name, contender } of participants) {
        const sample = await takeSample(name, contender, scenario, options);
        ofScenario.get(name)?.push(sample);
        options.onProgress(
          `${scenarioName} ${round}/${options.rounds} ${name}: ${sample.cpu.toFixed(1)} µs CPU, ${sample.rate.toPrecision(4)}/s, p50 ${sample.p50} µs`,
        );
      }
    }
  }
  return samples;
}

/** Says what this machine lacks for contenders, one line each with the remedy; the others can be started. */
export function findMissing(
  names: readonly ContenderName[],
  specs: Pick<typeof contenders, ContenderName> = contenders,
): ReadonlyMap<ContenderName, string> {
  return new Map(
    names.flatMap((name) => {
      const { needs } = specs[name];
      if (needs === undefined || existsSync(needs.path())) return [];
      const line = `${name} is left out: no ${needs.path()} (Debian: apt install --no-install-recommends ${needs.packages})`;
      return [[name, line] as const];
    }),
  );
}

/** Starts contenders one after the other. Those started stay in `running`, also when a later one fails. */
export async function startContenders(
  names: readonly ContenderName[],
  folder: string,
  running: Map<ContenderName, Contender>,
  signal: AbortSignal,
): Promise<void> {
  for (const name of names) {
    signal.throwIfAborted();
    running.set(name, await contenders[name].start({ folder, name }));
  }
}
