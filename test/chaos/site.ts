// SPDX-License-Identifier: Apache-2.0
// An httpd under attack: the pool that is attacked, another one and a file beside it, and load on all of them. Called by run.ts and soak.ts.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Mpm } from "../../ts/cli/httpd-config.ts";
import type { HttpdPlaces } from "../../ts/cli/private-httpd.ts";
import { type Answer, ask } from "../helpers/http-client.ts";
import { pool, startHttpd, type TestHttpd } from "../helpers/httpd.ts";
import { alive, waitUntil } from "../helpers/processes.ts";
import { Journal } from "./journal.ts";
import { Load, type LoadOptions } from "./load.ts";
import type { Random } from "./random.ts";
import type { Scenario } from "./scenario.ts";
import type { Kind } from "./work.ts";

/** The application of both pools. */
export const application: string = fileURLToPath(new URL("application.ts", import.meta.url));

/** Processes for the load of a scenario, from the beginning: prefork makes them slowly. */
const sizes: Readonly<Partial<Record<Mpm, string>>> = {
  prefork: `StartServers 48
ServerLimit 256
MaxRequestWorkers 256
MinSpareServers 8
MaxSpareServers 64`,
};

const file = { path: "file.txt", text: "a file of httpd's own\n" };
const WARM_UP = 100;
/** Most GETs: what loads of the web look like. */
const usual: readonly Kind[] = ["get", "get", "get", "get", "post", "post", "stream"];

/** A value of a scenario's own. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly limit: number | null;
}

const usualPool = "TenonProcesses 2 2";
/** The pool that a scenario attacks. */
const ATTACKED = "attacked";

/** What a site is made of. */
export type Plan = Pick<
  Scenario,
  "pool" | "application" | "directives" | "expects" | "mix" | "connections" | "fresh" | "workMs"
> & {
  /** Names of the pools that are attacked, in turns; unset: one. */
  readonly names?: readonly string[];
};

/**
 * 1. `await Site.open(…)`: httpd serves, both pools are ready, the load runs.
 * 2. Faults; `attack()` asks what the application should not be asked.
 * 3. `await endLoad()`, then the tallies; `await close()` asserts a clean log and that nothing is left.
 */
export class Site {
  readonly httpd: TestHttpd;
  readonly random: Random;
  readonly journal: Journal;
  /** On the other pool and on a file. */
  beside: readonly Load[];
  /** The pool that is attacked now. */
  name: string;
  /** Something else happens in the middle of the fault. */
  disturbed: boolean = false;
  readonly figures: Figure[] = [];
  readonly #plan: Plan;
  #attacked: ReadonlyMap<string, Load>;
  /** Workers that have been ready, and the lines of the log that tell of them. */
  readonly #ready = new Set<number>();
  #read = 0;
  #loads = 0;

  private constructor(httpd: TestHttpd, journal: Journal, plan: Plan, random: Random) {
    this.httpd = httpd;
    this.journal = journal;
    this.random = random;
    this.#plan = plan;
    httpd.expectLog(...plan.expects);
    this.name = this.names[0] ?? ATTACKED;
    this.#attacked = this.#makeLoads();
    this.beside = this.#makeBeside();
  }

  static async open(plan: Plan, mpm: Mpm, random: Random): Promise<Site> {
    let journal: Journal | undefined;
    const size = sizes[mpm];
    const httpd = await startHttpd({
      mpm,
      ...(size === undefined ? {} : { size }),
      text: (places) => {
        journal = new Journal(join(places.logs, "journal"));
        writeFileSync(join(places.htdocs, file.path), file.text);
        return siteText(plan, places, journal.path);
      },
    });
    assert.ok(journal);
    const site = new Site(httpd, journal, plan, random);
    try {
      await site.#warmUp();
      return site;
    } catch (error) {
      await httpd.stop().catch(() => undefined);
      throw error;
    }
  }

  get names(): readonly string[] {
    return this.#plan.names ?? [ATTACKED];
  }

  get url(): string {
    return `${this.httpd.url}/${this.name}`;
  }

  /** On the pool that is attacked now. */
  get load(): Load {
    const load = this.#attacked.get(this.name);
    assert.ok(load, `no load on ${this.name}`);
    return load;
  }

  /** On all pools that are attacked. */
  get attacked(): readonly Load[] {
    return [...this.#attacked.values()];
  }

  get loads(): readonly Load[] {
    return [...this.attacked, ...this.beside];
  }

  /** Adds directives to the attacked pools; they are read at the next graceful or restart. */
  configure(directives: string): void {
    const plan = { ...this.#plan, pool: `${this.#plan.pool ?? usualPool}\n${directives}` };
    this.httpd.configure((places) => siteText(plan, places, this.journal.path));
  }

  /** A worker of the attacked pool that serves. */
  async victim(): Promise<number> {
    const ready = (): number[] => {
      for (const line of this.httpd.log().lines(this.#read)) {
        this.#read += 1;
        const [, pid] = READY.exec(line) ?? [];
        if (pid !== undefined) this.#ready.add(Number(pid));
      }
      return this.workers().filter((pid) => this.#ready.has(pid));
    };
    // A moment later there may be none that is known: the supervisor, whose they are, may have been killed.
    let found: number[] = [];
    await this.until("a worker", () => {
      found = ready();
      return found.length > 0;
    });
    return this.random.pick(found);
  }

  /** Of the attacked pool; none are known while there is no supervisor. */
  workers(): number[] {
    return this.httpd.workersOf(this.name);
  }

  /** Its workers, as soon as any are known. */
  async knownWorkers(): Promise<number[]> {
    let found: number[] = [];
    await this.until("workers", () => {
      found = this.workers();
      return found.length > 0;
    });
    return found;
  }

  /** Waits until there is a supervisor that knows workers of all attacked pools. */
  supervised(): Promise<void> {
    const known = (name: string): boolean => this.httpd.workersOf(name).length > 0;
    return this.until("a supervisor", () => this.names.every(known));
  }

  /** Asks for something below the attacked pool, beside the load. */
  attack(path: string, method = "GET"): Promise<Answer> {
    return ask(`${this.url}/${path}`, { method });
  }

  /** The same where the answer must have a status. */
  async attackFor(status: number, path: string, method = "GET"): Promise<Answer> {
    const answer = await this.attack(path, method);
    assert.equal(answer.status, status, `${path}: ${answer.text.slice(0, 200)}`);
    return answer;
  }

  /** Waits until something is true; fails with the log's tail after a minute. */
  until(what: string, test: () => boolean | Promise<boolean>): Promise<void> {
    const explain = (): string => this.httpd.httpd.log.tail(80);
    return waitUntil(what, test, { timeoutMs: 60_000, explain });
  }

  /** Waits until processes have ended. */
  ended(...pids: readonly number[]): Promise<void> {
    return this.until(`the end of ${pids.join(" ")}`, () => !pids.some(alive));
  }

  figure(name: string, value: number, unit: string, limit: number | null = null): void {
    this.figures.push({ name, value, unit, limit });
  }

  /** More clients on the attacked pool, of the same kind; the caller stops them. */
  crowd(connections: number): Load {
    const { mix = usual, workMs = 0 } = this.#plan;
    const name = `c${this.#loads++}`;
    const crowd = this.#load(this.name, { name, connections, mix, workMs });
    crowd.start();
    return crowd;
  }

  /** Begins a load whose tallies and journal are empty. The one before must have ended. */
  startLoad(): void {
    this.journal.clear();
    this.#attacked = this.#makeLoads();
    this.beside = this.#makeBeside();
    for (const load of this.loads) load.start();
  }

  /** Lets the last requests end. */
  async endLoad(): Promise<void> {
    await Promise.all(this.loads.map((load) => load.stop()));
  }

  async close(): Promise<void> {
    try {
      await this.endLoad();
    } finally {
      await this.httpd.stop();
    }
  }

  async #warmUp(): Promise<void> {
    // The load must not be what starts them.
    for (const name of [...this.names, "calm"]) {
      await ask(`${this.httpd.url}/${name}/get?id=first-${name}`);
    }
    for (const load of this.loads) load.start();
    await Promise.all(this.loads.map((load) => load.more(WARM_UP)));
  }

  #makeLoads(): ReadonlyMap<string, Load> {
    const { mix = usual, connections = 16, fresh = false, workMs = 0 } = this.#plan;
    const options = { connections, mix, fresh, workMs };
    return new Map(
      this.names.map((path) => [path, this.#load(path, { ...options, name: `l${this.#loads++}` })]),
    );
  }

  #makeBeside(): readonly Load[] {
    const { fresh = false } = this.#plan;
    const common = { connections: 2, fresh };
    const name = `b${this.#loads}`;
    return [
      this.#load("calm", { ...common, name, mix: usual }),
      this.#load("", { ...common, name: `f${this.#loads}`, mix: ["get"], file }),
    ];
  }

  #load(path: string, options: Omit<LoadOptions, "url" | "random">): Load {
    const url = path === "" ? this.httpd.url : `${this.httpd.url}/${path}`;
    return new Load({ ...options, url, random: this.random });
  }
}

/** A supervisor that dies does not tell of a worker that has just become ready: its successor does. */
const READY = /(?:TN0211: |TN0244: (?=.*: ready,))\[\S+ \d+ (\d+)\]/;

function siteText(plan: Plan, places: HttpdPlaces, journal: string): string {
  const { pool: own = usualPool, directives = "", names = [ATTACKED] } = plan;
  const path = plan.application?.(places) ?? application;
  const environment = `TenonEnv CHAOS_JOURNAL "${journal}"`;
  return [
    typeof directives === "string" ? directives : directives(places),
    ...names.map((name) => pool(name, `${own}\n${environment}`, path)),
    pool("calm", `TenonProcesses 1 1\n${environment}`, application),
  ].join("\n");
}
