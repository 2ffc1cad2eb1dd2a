// SPDX-License-Identifier: Apache-2.0
// A private httpd for one contender. All contenders get the same configuration but for the lines that are their own.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { askApxs } from "./build-handler.ts";
import { StartedProcess } from "./process.ts";

export interface HttpdOptions {
  /** Folder for this httpd alone; made here. */
  readonly directory: string;
  /** Modules of the distribution, without "mod_" and ".so". */
  readonly modules: readonly string[];
  /** The contender's own lines. */
  readonly configuration: string;
  /** Ends the wait for the first answer. */
  readonly signal: AbortSignal;
}

const startTimeoutMs = 20_000;
const startAttempts = 3;

/** A port of loopback that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (typeof address !== "object" || address === null) throw new Error("no port for httpd");
  return address.port;
}

/** Two children, as many as the usual machine of this benchmark has cores, and threads for twice the load; never more, never fewer while it runs. */
function configuration(options: HttpdOptions, port: number): string {
  const modulesDirectory = askApxs("LIBEXECDIR");
  const asRoot = process.getuid?.() === 0;
  return [
    `ServerRoot "${options.directory}"`,
    "ServerName localhost",
    `Listen 127.0.0.1:${port}`,
    ...["mpm_event", "authz_core", ...options.modules].map(
      (name) => `LoadModule ${name}_module "${modulesDirectory}/mod_${name}.so"`,
    ),
    ...(asRoot ? ["User www-data", "Group www-data"] : []),
    `DefaultRuntimeDir "${options.directory}"`,
    `PidFile "${options.directory}/httpd.pid"`,
    `ErrorLog "${options.directory}/error.log"`,
    "LogLevel warn",
    `DocumentRoot "${options.directory}/htdocs"`,
    "StartServers 2",
    "ServerLimit 2",
    "ThreadsPerChild 64",
    "MaxRequestWorkers 128",
    "MinSpareThreads 1",
    "MaxSpareThreads 128",
    "MaxConnectionsPerChild 0",
    "KeepAlive On",
    "MaxKeepAliveRequests 0",
    "KeepAliveTimeout 60",
    "Timeout 60",
    options.configuration,
    "",
  ].join("\n");
}

/** A running private httpd. */
export class Httpd {
  readonly #process: StartedProcess;
  readonly #directory: string;
  readonly port: number;

  private constructor(process: StartedProcess, directory: string, port: number) {
    this.#process = process;
    this.#directory = directory;
    this.port = port;
  }

  /** Starts an httpd and waits until it answers / with status 200. @throws with the end of its log when it does not */
  static async start(options: HttpdOptions): Promise<Httpd> {
    mkdirSync(join(options.directory, "htdocs"), { recursive: true, mode: 0o755 });
    const file = join(options.directory, "httpd.conf");
    for (let attempt = 1; ; attempt++) {
      const port = await freePort();
      writeFileSync(file, configuration(options, port));
      const program = join(askApxs("SBINDIR"), askApxs("PROGNAME"));
      const started = await StartedProcess.start(program, ["-DFOREGROUND", "-f", file]);
      const httpd = new Httpd(started, options.directory, port);
      try {
        await httpd.#ready(options.signal);
        return httpd;
      } catch (cause) {
        await started.stop();
        // Somebody else may have taken the port in between.
        if (attempt < startAttempts && httpd.log().includes("Address already in use")) continue;
        throw new Error(`httpd did not start:\n${httpd.log()}`, { cause });
      }
    }
  }

  async #ready(signal: AbortSignal): Promise<void> {
    const until = performance.now() + startTimeoutMs;
    let last: unknown;
    while (performance.now() < until) {
      signal.throwIfAborted();
      if (!this.#process.running) throw new Error("httpd ended");
      try {
        const response = await fetch(`http://127.0.0.1:${this.port}/`, { signal });
        await response.arrayBuffer();
        if (response.status === 200) return;
        last = new Error(`status ${response.status}`);
      } catch (error) {
        last = error;
      }
      await delay(20, undefined, { signal });
    }
    throw last;
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** The last lines of the error log. */
  log(): string {
    try {
      const lines = readFileSync(join(this.#directory, "error.log"), "utf8").trimEnd().split("\n");
      return lines.slice(-20).join("\n");
    } catch {
      return "(no error log)";
    }
  }

  stop(): Promise<void> {
    return this.#process.stop();
  }
}
