// SPDX-License-Identifier: Apache-2.0
// A real httpd for one test file, whose error log must hold no warning that the test did not announce, and of which
// nothing may be left at the end.
import assert from "node:assert/strict";
import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { LogFollower, type LogWait } from "../../ts/cli/log-follower.ts";
import {
  checkConfig,
  type HttpdPlaces,
  httpdPaths,
  makePlaces,
  PrivateHttpd,
  type PrivateHttpdOptions,
  writeConfig,
} from "../../ts/cli/private-httpd.ts";
import {
  alive,
  allProcesses,
  childrenOf,
  environmentOf,
  executableOf,
  processesIn,
  waitUntil,
} from "./processes.ts";
import { sanitizerEnvironment, sanitizerReports, UNDEFINED } from "./sanitizers.ts";

/** The checkout, with a slash at the end. */
export const root: string = fileURLToPath(new URL("../..", import.meta.url));

/** The application of the module's tests (test/apache/probe.ts). */
export const probe: string = join(root, "test", "apache", "probe.ts");

/** Processes of a running httpd. */
export interface HttpdProcesses {
  readonly parent: number;
  /** httpd's children. */
  readonly children: number[];
  readonly supervisor: number;
  readonly workers: number[];
}

/**
 * Folder of a module under sanitizers, of separate-memory.so, and of reports/, which must stay empty: then httpd is
 * tested with these. scripts/test.ts makes it.
 */
const sanitized = process.env["TENON_TEST_SANITIZED"];
const reports = sanitized === undefined ? undefined : join(sanitized, "reports");

/** httpd's environment: this process's at that moment, and what the sanitizers need. */
function environment(): NodeJS.ProcessEnv {
  if (sanitized === undefined || reports === undefined) return process.env;
  return sanitizerEnvironment(reports, join(sanitized, "separate-memory.so"));
}

/** The same for an httpd that has a library of its own loaded before all others. */
export function preloading(library: string): NodeJS.ProcessEnv {
  const variables = environment();
  const others = variables["LD_PRELOAD"];
  // That of a sanitizer stays the first.
  return { ...variables, LD_PRELOAD: others === undefined ? library : `${others}:${library}` };
}

const tenon = {
  module: join(sanitized ?? join(root, "build", "apache"), "mod_tenon.so"),
  node: process.execPath,
  package: root.slice(0, -1),
};

const WORRYING = /^\[[^\]]+\] \[\w*:(emerg|alert|crit|error|warn)\]/;
/** What httpd says, as a notice, of a child that crashed. */
const CRASHED = /AH0005[12]: child pid \d+ exit signal (?!Killed|Terminated)/;
/**
 * What the event MPM of httpd 2.4.71 does by itself while it stops with connections open, about once in a hundred times on a busy machine, without the module
 * too: its listener is gone before its threads (AH03092, AH03093, AH03465, AH10503), or closes a connection in the moment in which a thread does so (AH00468).
 */
const OWN_END =
  /: process_\w+: apr_pollset_add failure|\(9\)Bad file descriptor: AH00468: error closing socket/;
/** The same; under sanitizers it is none of these, since they report a crash. */
const OWN_CRASH = /AH00052: child pid \d+ exit signal Segmentation fault/;
/** What httpd says of the machine alone: mod_ssl, of a Debian whose OpenSSL is older than the one that its httpd was built with. */
const OF_THE_MACHINE = ["AH01882"];
const TAG = /\b(AH\d{5}|TN\d{4})\b/;

/** A section for a pool and a location of the same name that it serves. @param directives of the pool, beside TenonApp */
export function pool(name: string, directives = "", app: string = probe): string {
  return `<TenonPool ${name}>
  TenonApp "${app}"
  ${directives}
</TenonPool>
<Location "/${name}">
  SetHandler tenon:${name}
</Location>
`;
}

/** Starts an httpd with mod_tenon. */
export async function startHttpd(options: PrivateHttpdOptions): Promise<TestHttpd> {
  assert.ok(existsSync(tenon.module), `${tenon.module} is missing: run scripts/setup`);
  const all = { tenon, environment: environment(), ...options };
  const httpd = await PrivateHttpd.start(all);
  // Between fork and exec the supervisor looks like one of httpd's children.
  const [, pid] = /TN0035: started the supervisor \(pid (\d+)\)/.exec(httpd.log.tail()) ?? [];
  await waitUntil("the supervisor's program", () => pid === undefined || !runsHttpd(Number(pid)));
  return new TestHttpd(httpd, all);
}

/** Has httpd check a text of directives as the configuration behind the usual beginning; starts nothing. */
export async function configtest(
  options: PrivateHttpdOptions,
  args?: readonly string[],
): Promise<{ code: number | null; output: string; places: HttpdPlaces; config: string }> {
  const places = await makePlaces(options.tls === true);
  try {
    const path = writeConfig(places, { tenon, ...options });
    const config = readFileSync(path, "utf8");
    const result = checkConfig(path, args, environment());
    assert.ok(!existsSync(join(places.directory, "run", "tenon")), "configtest started something");
    assert.deepEqual(processesIn(places.directory), [], "configtest left a process");
    return { ...result, places, config };
  } finally {
    rmSync(places.directory, { recursive: true });
  }
}

/**
 * One httpd under test.
 *
 * 1. `httpd = await startHttpd(…)` in `before`.
 * 2. Requests to `url`; `expectLog(tag…)` before or after what causes lines of level warn or above.
 * 3. `await httpd.stop()` in `after`: fails on unannounced lines and on anything that is left.
 */
export class TestHttpd {
  readonly httpd: PrivateHttpd;
  #options: PrivateHttpdOptions;
  readonly #expected = new Set<string>(OF_THE_MACHINE);
  readonly #logs = new Map<string, LogFollower>();

  constructor(httpd: PrivateHttpd, options: PrivateHttpdOptions) {
    this.httpd = httpd;
    this.#options = options;
  }

  get url(): string {
    return this.httpd.url;
  }

  get tlsUrl(): string {
    return this.httpd.tlsUrl;
  }

  get places(): HttpdPlaces {
    return this.httpd.places;
  }

  get runtime(): string {
    return join(this.places.directory, "run", "tenon");
  }

  /** A log of a virtual host, by its file's name; unset: the main server's. */
  log(name = "error.log"): LogFollower {
    let log = this.#logs.get(name);
    if (log === undefined) {
      const path = join(this.places.logs, name);
      if (!existsSync(path)) writeFileSync(path, "");
      log = new LogFollower(path);
      this.#logs.set(name, log);
    }
    return log;
  }

  waitForLog(pattern: RegExp, wait?: LogWait): Promise<string> {
    return this.log().waitFor(pattern, wait);
  }

  /** Announces lines of level warn or above, by tag (TN0123, AH01234). */
  expectLog(...tags: readonly string[]): void {
    for (const tag of tags) this.#expected.add(tag);
  }

  graceful(): Promise<void> {
    return this.httpd.graceful();
  }

  restart(): Promise<void> {
    return this.httpd.restart();
  }

  /** Replaces the directives of httpd.conf; they are read at the next graceful or restart. */
  configure(text: PrivateHttpdOptions["text"]): void {
    this.#options = { ...this.#options, ...(text === undefined ? {} : { text }) };
    writeConfig(this.places, this.#options);
  }

  processes(): HttpdProcesses {
    const parent = this.httpd.pid;
    const path = join(this.runtime, "supervisor.pid");
    const supervisor = existsSync(path) ? Number(readFileSync(path, "utf8")) : 0;
    const children = childrenOf(parent).filter((pid) => runsHttpd(pid));
    // Not the process that fills the compile cache.
    const worker = (pid: number): boolean =>
      alive(pid) && environmentOf(pid)["TENON_POOL"] !== undefined;
    const spawned = supervisor === 0 ? [] : childrenOf(supervisor);
    const workers = [...new Set([...spawned, ...this.#takenOver()])].filter(worker);
    return { parent, children, supervisor, workers };
  }

  /** Workers that were ever taken over from a dead supervisor; their parent is init by now. */
  #takenOver(): number[] {
    const lines = this.log().lines().join("\n");
    return [...lines.matchAll(/TN0244: \[\S+ \d+ (\d+)\]/g)].map(([, pid]) => Number(pid));
  }

  /** The workers of a pool, by pid. */
  workersOf(name: string): number[] {
    return this.processes().workers.filter((pid) => environmentOf(pid)["TENON_POOL"] === name);
  }

  /** Waits until so many workers of a pool have been ready, since httpd started. */
  async waitForReady(name: string, count: number): Promise<void> {
    const line = new RegExp(`TN0211: \\[${name} `);
    const ready = (): boolean =>
      this.log()
        .lines()
        .filter((text) => line.test(text)).length >= count;
    await waitUntil(`${count} ready workers of ${name}`, ready, {
      explain: () => this.log().tail(),
    });
  }

  /** Ends httpd and asserts that its logs hold nothing unannounced and that nothing of it is left. */
  async stop(): Promise<void> {
    const { size } = statSync(join(this.places.logs, "error.log"));
    try {
      const { running } = this.httpd;
      const exit = await this.httpd.end();
      if (running) assert.deepEqual(exit, { code: 0, signal: null }, this.httpd.log.tail());
      await this.#assertNothingLeft();
      this.#assertLogs(size);
      if (reports !== undefined) assert.deepEqual(sanitizerReports(reports), []);
    } finally {
      for (const { pid } of this.#left()) process.kill(pid, "SIGKILL");
      this.httpd.remove();
    }
  }

  /** Ends httpd's parent at once (SIGKILL) and asserts that supervisor and workers go too. */
  async kill(): Promise<void> {
    const known = this.processes();
    process.kill(this.httpd.pid, "SIGKILL");
    await this.httpd.exited;
    const { supervisor, workers } = known;
    const gone = (): boolean => ![supervisor, ...workers].some(alive) && !existsSync(this.runtime);
    const explain = (): string => `${JSON.stringify(this.#left())}\n${this.httpd.log.tail(80)}`;
    await waitUntil("the end of supervisor and workers", gone, { explain });
    // What httpd itself does without Tenon: its children stay.
    for (const pid of known.children) process.kill(pid, "SIGKILL");
    await this.#assertNothingLeft();
  }

  #left(): { pid: number; command: string }[] {
    const session = allProcesses().filter((facts) => facts.session === this.httpd.pid);
    const others = processesIn(this.places.directory);
    return [...session, ...others].filter(({ state }) => state !== "Z");
  }

  async #assertNothingLeft(): Promise<void> {
    const explain = (): string => `${JSON.stringify(this.#left())}\n${this.httpd.log.tail(80)}`;
    await waitUntil("the end of httpd's processes", () => this.#left().length === 0, { explain });
    assert.ok(!existsSync(this.runtime), `${this.runtime} is left: ${listAll(this.runtime)}`);
  }

  /** @param stopped bytes of error.log when httpd was told to stop */
  #assertLogs(stopped: number): void {
    for (const name of readdirSync(this.places.logs)) {
      const text = readFileSync(join(this.places.logs, name), "latin1");
      const lines = text.split("\n");
      const atEnd = name === "error.log" ? text.slice(stopped).split("\n") : [];
      const own = new Set(
        atEnd.filter(
          (line) => OWN_END.test(line) || (reports === undefined && OWN_CRASH.test(line)),
        ),
      );
      const worrying = lines.filter(
        (line) =>
          !own.has(line) && (WORRYING.test(line) || CRASHED.test(line) || UNDEFINED.test(line)),
      );
      const surprising = worrying.filter((line) => !this.#expected.has(TAG.exec(line)?.[1] ?? ""));
      const told = [...surprising, `${name} ends so:`, ...lines.slice(-60)].join("\n");
      assert.deepEqual(surprising, [], `unannounced lines in ${name}:\n${told}`);
    }
  }
}

/** Tells a child of httpd from the supervisor, which may not have written its pid yet. */
function runsHttpd(pid: number): boolean {
  return alive(pid) && executableOf(pid) === httpdPaths().httpd;
}

function listAll(folder: string): string {
  return existsSync(folder) ? readdirSync(folder, { recursive: true }).join(" ") : "";
}

/** A virtual host with a log of its own, own.log, reached by the name own.test. @param port of the httpd */
export function ownLogHost(port: number): string {
  return `Header always set X-Request-Id %{UNIQUE_ID}e
<VirtualHost 127.0.0.1:${port}>
  ServerName main.test
</VirtualHost>
<VirtualHost 127.0.0.1:${port}>
  ServerName own.test
  ErrorLog logs/own.log
</VirtualHost>`;
}
