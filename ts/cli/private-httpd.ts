// SPDX-License-Identifier: Apache-2.0
// Runs a real httpd that shares nothing with the system's: its own folder, configuration, loopback ports and logs.
// Called by scripts/start.ts, bench/ and the tests of the module.
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fail } from "../errors.ts";
import { endWithProcess } from "./end-with-process.ts";
import { formatHttpdConfig, type Mpm, type TenonPlaces } from "./httpd-config.ts";
import { LogFollower } from "./log-follower.ts";

/** What a configuration text may refer to. */
export interface HttpdPlaces {
  /** The httpd's own folder, which www-data may enter. */
  readonly directory: string;
  /** Folder of the logs; files in it belong to the user who started. */
  readonly logs: string;
  readonly htdocs: string;
  readonly port: number;
  /** 0 without TLS. */
  readonly tlsPort: number;
}

export interface PrivateHttpdOptions {
  /** Unset: event. */
  readonly mpm?: Mpm;
  /** Adds a port with HTTP/2 and TLS, with a certificate made for this httpd. */
  readonly tls?: boolean;
  /** Further modules of httpd, without `mod_`. */
  readonly load?: readonly string[];
  readonly tenon?: TenonPlaces;
  /** httpd's environment; unset: that of this process. */
  readonly environment?: NodeJS.ProcessEnv;
  /** Directives that replace the size of the MPM. */
  readonly size?: string;
  /** Directives of the caller. */
  readonly text?: string | ((places: HttpdPlaces) => string);
}

/** How an httpd ended. */
export interface HttpdExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const START_ATTEMPTS = 5;
const START_TIMEOUT_MS = 30_000;
const STOP_TIMEOUT_MS = 60_000;
const SERVING = /AH\d+: .* configured -- resuming normal operations/;
const PORT_TAKEN = /AH00072: make_sock: could not bind/;

let paths: { httpd: string; modules: string } | undefined;

/** Finds httpd and its modules by apxs. @throws {TENON_ERR_HTTPD_MISSING} */
export function httpdPaths(): { httpd: string; modules: string } {
  paths ??= {
    httpd: join(askApxs("SBINDIR"), askApxs("PROGNAME")),
    modules: askApxs("LIBEXECDIR"),
  };
  return paths;
}

/** Asks apxs for one of its variables. @throws {TENON_ERR_HTTPD_MISSING} */
export function askApxs(name: string): string {
  try {
    return execFileSync("apxs", ["-q", name], { encoding: "utf8" }).trim();
  } catch (cause) {
    throw fail("TENON_ERR_HTTPD_MISSING", { name }, cause);
  }
}

/**
 * One httpd in the foreground, as a child of this process.
 *
 * 1. `await PrivateHttpd.start(options)` makes its folder, writes httpd.conf and waits until it serves.
 * 2. `url`, `log`, `graceful()`, `restart()`.
 * 3. `await stop()` ends it and removes the folder; `exited` settles however it ends.
 *
 * The caller owns it and stops it. When this process ends before that, httpd is ended and its folder removed.
 */
export class PrivateHttpd {
  readonly places: HttpdPlaces;
  readonly configPath: string;
  /** The main server's error log. */
  readonly log: LogFollower;
  readonly pid: number;
  readonly exited: Promise<HttpdExit>;
  readonly #forget: () => void;
  #running = true;

  /** For {@link PrivateHttpd.start}. */
  constructor(places: HttpdPlaces, child: ChildProcess) {
    this.places = places;
    this.configPath = join(places.directory, "httpd.conf");
    this.log = new LogFollower(join(places.logs, "error.log"));
    this.pid = child.pid ?? 0;
    this.#forget = endWithProcess({
      folder: places.directory,
      pid: () => (this.#running ? this.pid : undefined),
      signal: "SIGTERM",
    });
    this.exited = once(child, "exit").then(([code, signal]) => {
      this.#running = false;
      return { code, signal };
    });
  }

  /** Starts an httpd and waits until it serves. @throws {TENON_ERR_HTTPD_START} with what httpd said */
  static async start(options: PrivateHttpdOptions): Promise<PrivateHttpd> {
    for (let attempt = 1; ; attempt++) {
      const places = await makePlaces(options.tls === true);
      try {
        return await launch(places, options);
      } catch (error) {
        rmSync(places.directory, { recursive: true, force: true });
        // Between asking the system for a port and httpd's bind another process may take it.
        if (attempt === START_ATTEMPTS || !PORT_TAKEN.test(String(error))) throw error;
      }
    }
  }

  get url(): string {
    return `http://127.0.0.1:${this.places.port}`;
  }

  /** Where HTTP/2 and TLS are served. */
  get tlsUrl(): string {
    return `https://localhost:${this.places.tlsPort}`;
  }

  get running(): boolean {
    return this.#running;
  }

  /** Reads the configuration again and lets open requests finish (SIGUSR1); waits until it serves with it. */
  async graceful(): Promise<void> {
    await this.#reload("SIGUSR1");
  }

  /** Reads the configuration again and breaks off open requests (SIGHUP); waits until it serves with it. */
  async restart(): Promise<void> {
    await this.#reload("SIGHUP");
  }

  /** Waits for the next time that it says that it serves. @throws {TENON_ERR_HTTPD_EXITED} */
  async serving(since: number, timeoutMs: number = START_TIMEOUT_MS): Promise<void> {
    const ended = new AbortController();
    void this.exited.then((exit) => ended.abort(fail("TENON_ERR_HTTPD_EXITED", { ...exit })));
    await this.log.waitFor(SERVING, { since, timeoutMs, signal: ended.signal });
  }

  /** Ends httpd (SIGTERM; SIGKILL after a minute) without removing its folder. */
  async end(): Promise<HttpdExit> {
    if (this.#running) process.kill(this.pid, "SIGTERM");
    const timer = setTimeout(() => process.kill(this.pid, "SIGKILL"), STOP_TIMEOUT_MS);
    try {
      return await this.exited;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Ends httpd and removes its folder. */
  async stop(): Promise<HttpdExit> {
    const exit = await this.end();
    this.remove();
    return exit;
  }

  /** Removes the folder of an httpd that has ended. */
  remove(): void {
    rmSync(this.places.directory, { recursive: true, force: true });
    this.#forget();
  }

  async #reload(signal: NodeJS.Signals): Promise<void> {
    const since = this.log.mark();
    process.kill(this.pid, signal);
    await this.serving(since);
  }
}

/** Makes the folder of an httpd, with a certificate where `tls` asks for one, and finds its ports. */
export async function makePlaces(tls: boolean): Promise<HttpdPlaces> {
  const directory = makeDirectory();
  if (tls) makeCertificate(directory);
  return {
    directory,
    logs: join(directory, "logs"),
    htdocs: join(directory, "htdocs"),
    port: await freePort(),
    tlsPort: tls ? await freePort() : 0,
  };
}

function makeDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "tenon-"));
  // httpd's children and workers run as another user when root starts: they must be let in, and see nothing else.
  if (process.getuid?.() === 0) chmodSync(directory, 0o711);
  for (const name of ["run", "logs", "htdocs"]) {
    mkdirSync(join(directory, name));
    chmodSync(join(directory, name), 0o755);
  }
  writeFileSync(join(directory, "logs", "error.log"), "");
  return directory;
}

function makeCertificate(directory: string): void {
  const files = ["-keyout", join(directory, "tls.key"), "-out", join(directory, "tls.crt")];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"];
  const subject = [
    "-addext",
    "basicConstraints=critical,CA:FALSE",
    "-days",
    "2",
    "-subj",
    "/CN=localhost",
    "-addext",
    "subjectAltName=DNS:localhost",
  ];
  execFileSync("openssl", ["req", ...kind, ...subject, ...files], { stdio: "pipe" });
}

async function launch(places: HttpdPlaces, options: PrivateHttpdOptions): Promise<PrivateHttpd> {
  const { directory } = places;
  writeConfig(places, options);
  const { httpd } = httpdPaths();
  const args = ["-d", directory, "-f", join(directory, "httpd.conf"), "-DFOREGROUND"];
  // A session of its own: Ctrl-C in a terminal reaches only us, and we end httpd in order.
  const child = spawn(httpd, args, {
    detached: true,
    stdio: ["ignore", "ignore", "pipe"],
    env: options.environment ?? process.env,
  });
  await once(child, "spawn");
  let said = "";
  child.stderr?.on("data", (text) => {
    said += text;
  });
  const started = new PrivateHttpd(places, child);
  try {
    await started.serving(0);
    return started;
  } catch (cause) {
    if (started.running) await started.end();
    const details = { said: said + started.log.tail() };
    started.remove();
    throw fail("TENON_ERR_HTTPD_START", details, cause);
  }
}

/** Writes httpd.conf for the places of an httpd, also for a later reload. */
export function writeConfig(places: HttpdPlaces, options: PrivateHttpdOptions): string {
  const asRoot = process.getuid?.() === 0;
  const text = formatHttpdConfig({
    directory: places.directory,
    modules: httpdPaths().modules,
    mpm: options.mpm ?? "event",
    port: places.port,
    ...(places.tlsPort === 0 ? {} : { tlsPort: places.tlsPort }),
    ...(asRoot ? { user: "www-data", group: "www-data" } : {}),
    load: options.load ?? [],
    ...(options.tenon === undefined ? {} : { tenon: options.tenon }),
    ...(options.size === undefined ? {} : { size: options.size }),
    text: typeof options.text === "function" ? options.text(places) : (options.text ?? ""),
  });
  const path = join(places.directory, "httpd.conf");
  writeFileSync(path, text);
  return path;
}

/** Has httpd check a configuration file without starting anything (`httpd -t`). */
export function checkConfig(
  path: string,
  args: readonly string[] = ["-t"],
  env: NodeJS.ProcessEnv = process.env,
): { code: number | null; output: string } {
  const result = spawnSync(httpdPaths().httpd, ["-f", path, ...args], { encoding: "utf8", env });
  return { code: result.status, output: result.stdout + result.stderr };
}

/** Ports that were given lately: whoever got one may not listen yet. */
const given = new Set<number>();
const MOST_GIVEN = 1000;

/** Asks the system for a loopback port that nobody listens on at this moment, and that nobody else got here lately. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new TypeError("not a TCP address");
  const { port } = address;
  // Taken while this one is held: the system gives another.
  const free = given.has(port) ? await freePort() : port;
  server.close();
  await once(server, "close");
  if (given.size >= MOST_GIVEN) given.clear();
  given.add(free);
  return free;
}
