// SPDX-License-Identifier: Apache-2.0
// Faults in an order that a seed decides, on one httpd, for as long as one likes; at its end nothing may have leaked. Called by soak-main.ts and the suite.
import assert from "node:assert/strict";
import type { Mpm } from "../../ts/cli/httpd-config.ts";
import { alive } from "../helpers/processes.ts";
import { growth, type Holdings, holdings, runtimeFiles } from "./leaks.ts";
import type { Load } from "./load.ts";
import { Random } from "./random.ts";
import { countAgain } from "./run.ts";
import type { Limits, Scenario } from "./scenario.ts";
import { scenarios } from "./scenarios.ts";
import { type Figure, Site } from "./site.ts";
import { kinds } from "./work.ts";

export interface SoakOptions {
  readonly mpm: Mpm;
  readonly minutes: number;
  readonly seed: number;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

/** What came of it. */
export interface SoakResult {
  readonly figures: readonly Figure[];
  /** How often each fault was done. */
  readonly faults: ReadonlyMap<string, number>;
  readonly errors: readonly string[];
}

/** A pool that was attacked rests while the others are: who dies often within ten seconds is made to wait (backoff). */
const names = ["first", "second", "third", "fourth"];
const CONNECTIONS = 4;
/** Faults between two looks at what the application has begun. */
const STEPS = 12;
const RECOVERY_MS = 60_000;
/** Load before what is held is counted for the first time. */
const WARM_UP = 1500;
const ANSWERS = 60;

const pool = `TenonProcesses 2 2
TenonStallTimeout 1s
TenonMemory 128M 256M
TenonGracefulTimeout 3s`;

/** What is done in the mix. Left out: what needs a pool or a configuration of its own, and what ends httpd. */
const mixed: readonly string[] = [
  ..."kill-any segfault abort exit throw reject kill-draining close-sockets freeze unanswered garbage".split(
    " ",
  ),
  ..."loop loop-caught microtasks regexp atomics-wait recursion native-wait".split(" "),
  ..."hog-objects hog-buffers creep-buffers leaving-clients slow-clients".split(" "),
  ..."kill-supervisor graceful restart changed-configuration kill-child".split(" "),
];

/** A signal in the middle of another fault: to the supervisor, or a graceful restart. */
const DISTURBED = 0.25;

function scenarioOf(name: string): Scenario {
  const scenario = scenarios.get(name);
  assert.ok(scenario, `no scenario ${name}`);
  return scenario;
}

/** Faults that hit the application only, so that something may happen to httpd meanwhile. */
function mayBeDisturbed({ fresh, expects }: Scenario): boolean {
  return fresh !== true && !expects.includes("TN0032");
}

/** A soak that runs. Life time: one `run`. */
class Soak {
  readonly #options: SoakOptions;
  readonly #random: Random;
  readonly #site: Site;
  readonly #faults = new Map<string, number>();
  readonly #errors: string[] = [];
  #sent = 0;
  #right = 0;
  #unexpected = 0;
  #wrong = 0;
  #duplicated = 0;
  #recoveryMs = 0;
  /** What was done last, and to whom: a spoilt channel may be found out by a request behind it. */
  #last: { readonly scenario: Scenario; readonly load: Load } | undefined;

  constructor(options: SoakOptions, site: Site, random: Random) {
    this.#options = options;
    this.#site = site;
    this.#random = random;
  }

  async run(): Promise<void> {
    const { minutes, signal, onProgress } = this.#options;
    const deadline = performance.now() + minutes * 60_000;
    const before = await this.#rest(WARM_UP);
    const files = new Set(runtimeFiles(this.#site.httpd));
    for (let step = 0; performance.now() < deadline && !signal.aborted; step++) {
      await this.#step(step);
      if (step % STEPS === STEPS - 1) await this.#nextLoad();
    }
    await this.#rest(ANSWERS);
    await this.#count();
    const after = await this.#settled(before);
    this.#site.figures.push(...growth(before, after));
    onProgress(`before: ${JSON.stringify(before)}\nafter: ${JSON.stringify(after)}`);
    const more = runtimeFiles(this.#site.httpd).filter((path) => !files.has(path));
    if (more.length > 0) onProgress(`files that were not there before: ${more.join(" ")}`);
  }

  result(): SoakResult {
    const requests = (name: string, value: number, limit: number | null): Figure => {
      return { name, value, unit: "requests", limit };
    };
    const figures = [
      requests("sent", this.#sent, null),
      requests("right", this.#right, null),
      requests("failed-unexpectedly", this.#unexpected, 0),
      requests("wrong", this.#wrong, 0),
      requests("duplicated", this.#duplicated, 0),
      { name: "recovery", value: Math.round(this.#recoveryMs), unit: "ms", limit: null },
      ...this.#site.figures,
    ];
    return { figures, faults: this.#faults, errors: this.#errors };
  }

  async #step(step: number): Promise<void> {
    const site = this.#site;
    site.name = site.names[step % site.names.length] ?? "";
    const name = this.#random.pick(mixed);
    const scenario = scenarioOf(name);
    const disturbed = mayBeDisturbed(scenario) && this.#random.next() < DISTURBED;
    this.#faults.set(name, (this.#faults.get(name) ?? 0) + 1);
    const text = disturbed ? `${name}, disturbed` : name;
    // What was disturbed before may have been over before there was a supervisor again.
    await site.supervised();
    const start = performance.now();
    const since = site.httpd.log().mark();
    const before = site.loads.map(countFailed);
    for (const load of site.loads) load.fault();
    try {
      site.disturbed = disturbed;
      if (disturbed) this.#disturb();
      await scenario.fault(site, step);
      for (const load of site.loads) await load.recovered(RECOVERY_MS);
    } catch (error) {
      this.#errors.push(`step ${step} (${text} of ${site.name}): ${String(error)}`);
    }
    this.#judge(scenario, before, since, `step ${step} (${text} of ${site.name})`);
    this.#last = { scenario, load: site.load };
    const ms = Math.round(performance.now() - start);
    this.#options.onProgress(`step ${step}: ${text} of ${site.name}, ${ms} ms`);
    await site.load.more(ANSWERS);
  }

  #disturb(): void {
    const { supervisor, parent } = this.#site.httpd.processes();
    if (this.#random.next() < 0.5) process.kill(parent, "SIGUSR1");
    // One that was killed just before may have no successor yet.
    else if (alive(supervisor)) process.kill(supervisor, "SIGKILL");
  }

  /** Takes note of requests that failed though the fault does not let them. @param since place in the log */
  #judge(scenario: Scenario, before: readonly number[][], since: number, where: string): void {
    const site = this.#site;
    const lines = site.httpd.log().lines(since);
    const killed = lines.some((line) => KILLED.test(line) && line.includes(` [${site.name} `));
    const unexpected: string[] = [];
    for (const [index, load] of site.loads.entries()) {
      const attacked = load === site.load || (scenario.fresh === true && index < site.names.length);
      const late = load === this.#last?.load ? this.#last.scenario.limits : undefined;
      for (const [at, kind] of kinds.entries()) {
        const more = load.failed(kind) - (before[index]?.[at] ?? 0);
        const { failed = killed ? ofKilled : {}, beside = 0 } = scenario.limits;
        const most = attacked ? (failed[kind] ?? 0) : Math.max(beside, late?.failed?.[kind] ?? 0);
        if (more <= most) continue;
        this.#unexpected += more;
        unexpected.push(
          `${where}: ${more} ${kind} of load ${index} failed: ${load.describeFailures()}`,
        );
      }
    }
    if (unexpected.length === 0) return;
    this.#errors.push(...unexpected, ...lines.filter(isTelling));
  }

  /** Ends a load, counts, and begins the next: what is remembered of it must not grow for ever. */
  async #nextLoad(): Promise<void> {
    await this.#site.endLoad();
    await this.#count();
    this.#site.startLoad();
    await Promise.all(this.#site.loads.map((load) => load.more(1)));
  }

  async #count(): Promise<void> {
    const { loads, journal } = this.#site;
    const begun = journal.read();
    for (const load of loads) {
      this.#sent += load.sent;
      this.#right += load.right.length;
      this.#recoveryMs = Math.max(this.#recoveryMs, load.recoveryMs);
      for (const kind of kinds) this.#wrong += load.outcomes[kind]["wrong"] ?? 0;
    }
    for (const load of this.#site.attacked) {
      this.#wrong += load.right.filter((id) => !begun.has(id)).length;
    }
    this.#duplicated += countAgain(this.#site).duplicated;
    const { sent, right } = { sent: this.#sent, right: this.#right };
    this.#options.onProgress(`${sent} sent, ${right} right, ${this.#errors.length} errors so far`);
  }

  /** Some load with no fault, then none: what is held then. */
  async #rest(answers: number): Promise<Holdings> {
    const { loads, attacked } = this.#site;
    await Promise.all(attacked.map((load) => load.more(answers)));
    await Promise.all(loads.map((load) => load.stop()));
    const held = holdings(this.#site.httpd);
    for (const load of loads) load.start();
    return held;
  }

  /** What is held once all that drains has gone, and channels of a crowd that nobody uses any more: httpd looks for those behind a request. */
  async #settled(before: Holdings): Promise<Holdings> {
    await this.#site.endLoad();
    let held = holdings(this.#site.httpd);
    const settled = async (): Promise<boolean> => {
      await this.#site.attack("get?id=settling");
      held = holdings(this.#site.httpd);
      return growth(before, held).every(({ value, limit }) => value <= (limit ?? 0));
    };
    // What is beyond its limit then is told by the figures.
    await this.#site.until("what it held at first", settled).catch(() => undefined);
    return held;
  }
}

/** A worker that could not be rescued in time, as without a supervisor, or on a slow machine: what it had begun is lost. */
const KILLED = /TN0241:|TN0252:/;
const ofKilled: NonNullable<Limits["failed"]> = { post: CONNECTIONS, stream: CONNECTIONS };

/** Lines of the log that tell what became of workers and requests. */
function isTelling(line: string): boolean {
  return !/TN0(?:012|242|221|213):/.test(line);
}

function countFailed(load: Load): number[] {
  return kinds.map((kind) => load.failed(kind));
}

/** Runs a mix of faults. @throws what `onProgress` throws, or when httpd does not start */
export async function soak(options: SoakOptions): Promise<SoakResult> {
  // Of its own, so that a seed repeats the faults whatever the clients do meanwhile.
  const random = new Random(options.seed);
  const expects = [
    ...new Set([...mixed.flatMap((name) => scenarioOf(name).expects), "TN0031", "TN0032"]),
  ];
  const plan = { names, pool, expects, connections: CONNECTIONS, fresh: true };
  const site = await Site.open(plan, options.mpm, new Random(options.seed));
  const running = new Soak(options, site, random);
  const errors: string[] = [];
  try {
    await running.run();
  } catch (error) {
    errors.push(String(error));
  }
  await site.close().catch((error: unknown) => errors.push(String(error)));
  const result = running.result();
  return { ...result, errors: [...result.errors, ...errors] };
}
