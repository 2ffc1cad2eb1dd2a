// SPDX-License-Identifier: Apache-2.0
// Runs cases on hosts, many at once, and judges them.

import type { Case } from "./case.ts";
import { Client } from "./client/client.ts";
import { checkExpectation, differencesOf } from "./compare.ts";
import { differences } from "./differences.ts";
import type { RunningHost } from "./hosts/host.ts";
import { type HostName, hosts, reference } from "./hosts.ts";
import { normalise, type Observation } from "./observation.ts";
import { Observer } from "./observer.ts";

/** Cases that run at once on one host. */
const AT_ONCE = 24;
/** Most of a failed observation that is shown, characters. */
const SHOWN = 1500;
/** Longest time of one case, ms. */
const CASE_TIMEOUT_MS = 20_000;
/** Longest time for all applications of a host to start, ms. */
const START_TIMEOUT_MS = 40_000;

export type Verdict = "same" | "listed" | "failed";

export interface Result {
  readonly case: Case;
  readonly host: HostName;
  readonly verdict: Verdict;
  /** What is wrong, or the reason of a listed difference. */
  readonly text: string;
}

export interface Report {
  readonly results: Result[];
  /** What hosts say at their end, beside cases: lines of a log that nobody expected, processes that are left. */
  readonly complaints: string[];
}

/** What came of one run: an observation, or the error that ended it. */
type Outcome = Observation | Error;

async function observe(of: Case, host: RunningHost, observer: Observer): Promise<Observation> {
  const signal = AbortSignal.timeout(CASE_TIMEOUT_MS);
  const run = observer.begin(of.setup, signal);
  const port = of.tls === true ? host.tlsPort(of.setup) : host.port(of.setup);
  const client = new Client(of, run, port);
  const { ask } = of;
  const asking = typeof ask === "function" ? ask(client) : client.ask(ask);
  try {
    await Promise.race([asking, timedOut(signal, client)]);
    await run.settled(observer.flushed(of.setup));
  } finally {
    client.close();
  }
  const answers = client.answers.map((raw) => normalise(raw, !run.called && raw.status >= 400));
  return { answers, seen: run.called ? run.notes : undefined, notes: client.notes };
}

function timedOut(signal: AbortSignal, client: Client): Promise<never> {
  return new Promise((_, reject) => {
    signal.addEventListener("abort", () => {
      const got = JSON.stringify(client.answers);
      reject(new Error(`the client waited in vain; it has had ${got.slice(0, 500)}`));
    });
  });
}

/** @param report gets the complaint of a host that did not end in order */
async function observeAll(
  list: readonly Case[],
  name: HostName,
  report: Report,
): Promise<ReadonlyMap<Case, Outcome>> {
  const outcomes = new Map<Case, Outcome>();
  const served = list.filter(({ setup }) => hosts[name].serves(setup));
  const setups = [...new Set(served.map(({ setup }) => setup))];
  const observer = await Observer.listen();
  try {
    const started = AbortSignal.timeout(START_TIMEOUT_MS);
    const host = await hosts[name].start(setups, observer, started);
    try {
      const queue = served[Symbol.iterator]();
      const work = async (): Promise<void> => {
        for (const each of queue) {
          outcomes.set(each, await observe(each, host, observer).catch(asError));
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    } finally {
      await host
        .stop()
        .catch((error) => report.complaints.push(`${name}: ${asError(error).message}`));
    }
  } finally {
    observer.close();
  }
  return outcomes;
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error));
}

/** What is wrong with an outcome, a line each; none when nothing is. @param model the reference's, for what it serves */
function faultsOf(of: Case, outcome: Outcome, model: Outcome | undefined): string[] {
  if (outcome instanceof Error) return [outcome.message];
  if (model !== undefined && !(model instanceof Error)) {
    const found = differencesOf(model, outcome);
    if (found.length > 0) return found;
  }
  try {
    checkExpectation(of, outcome);
    return [];
  } catch (error) {
    return asError(error).message.split("\n");
  }
}

function judge(of: Case, host: HostName, outcome: Outcome, model: Outcome | undefined): Result {
  const faults = faultsOf(of, outcome, host === reference ? undefined : model);
  const listed = differences.find(
    (each) => each.host === host && Object.hasOwn(each.cases, of.name),
  );
  const expected = listed?.cases[of.name] ?? [];
  const same =
    faults.length === expected.length && faults.every((line, at) => line === expected[at]);
  if (same) {
    const verdict = listed === undefined ? "same" : "listed";
    return { case: of, host, verdict, text: listed?.why ?? "" };
  }
  const said = faults.length === 0 ? ["as node:http: take it out of differences.ts"] : faults;
  const seen =
    outcome instanceof Error || listed !== undefined
      ? []
      : [JSON.stringify(outcome).slice(0, SHOWN)];
  return { case: of, host, verdict: "failed", text: [...said, ...seen].join("\n") };
}

/** Runs cases on hosts; the reference runs too, whether it is asked for or not. */
export async function runCases(list: readonly Case[], names: readonly HostName[]): Promise<Report> {
  const report: Report = { results: [], complaints: [] };
  const model = await observeAll(list, reference, report);
  for (const name of names) {
    const outcomes = name === reference ? model : await observeAll(list, name, report);
    for (const each of list) {
      const outcome = outcomes.get(each);
      if (outcome !== undefined) report.results.push(judge(each, name, outcome, model.get(each)));
    }
  }
  return report;
}
