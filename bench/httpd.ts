// SPDX-License-Identifier: Apache-2.0
// The httpd of every contender that has one: the same size and configuration for all.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PrivateHttpd, type PrivateHttpdOptions } from "../ts/cli/private-httpd.ts";

export interface Contender {
  readonly url: string;
  /** Processes whose trees are the contender: all that they start counts. */
  roots(): readonly number[];
  /** What to show when it fails. */
  log(): string;
  stop(): Promise<void>;
}

export interface StartOptions {
  /** Folder for sockets and files, which httpd's children may enter. */
  readonly folder: string;
  readonly name: string;
}

export type Start = (options: StartOptions) => Promise<Contender>;

/** One contender: what it is, and how to start it. */
export interface ContenderSpec {
  readonly text: string;
  readonly start: Start;
  /** What it needs of the machine beyond the build; without it the contender is left out. */
  readonly needs?: Need;
  /** Status of the answer to a request without the scenario's headers: the check is real. Unset: it checks nothing. */
  readonly refuses?: number;
  /** Whether it writes a line for each request to the file that `logOf` names. */
  readonly logs?: boolean;
}

/** A file that a Debian package brings. */
export interface Need {
  readonly path: () => string;
  readonly packages: string;
}

/** What a contender has beside its httpd. */
export interface Backend {
  readonly roots: (httpd: PrivateHttpd) => readonly number[];
  readonly stop: () => Promise<void>;
}

/** The first request, which waits until all that is behind the httpd has started. */
export interface First {
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

const modulePath = fileURLToPath(new URL("../build/apache/mod_tenon.so", import.meta.url));
const packagePath = fileURLToPath(new URL("..", import.meta.url));

/** Environment of every node process, as Tenon gives it to its workers. */
export const nodeEnvironment: Readonly<Record<string, string>> = { NODE_ENV: "production" };

/** Nothing beside httpd. */
export const alone: Backend = { roots: () => [], stop: async () => {} };

/** The same for all: two children and threads for four times the load, none started or stopped while it runs. */
const size = `StartServers 2
ServerLimit 2
ThreadsPerChild 64
MaxRequestWorkers 128
MinSpareThreads 1
MaxSpareThreads 128`;

/** Also the same for all. No line a request (notice is the least at which httpd still says that it serves); no search for .htaccess, as in every distribution's configuration. */
const common = `LogLevel notice
<Directory "/">
  AllowOverride None
</Directory>`;

/** @throws with the httpd's log when the first answer is not 200 */
async function firstAnswer(contender: Contender, { path = "", headers }: First): Promise<void> {
  try {
    const response = await fetch(contender.url + path, { headers: headers ?? {} });
    await response.arrayBuffer();
    if (response.status !== 200) throw new Error(`the first answer has status ${response.status}`);
  } catch (cause) {
    const log = contender.log();
    await contender.stop();
    throw new Error(`${String(cause)}\n${log}`, { cause });
  }
}

/** Starts an httpd with the directives of a contender. @throws when it does not serve */
export async function startHttpd(
  own: Pick<PrivateHttpdOptions, "load" | "tenon" | "environment"> & { readonly text: string },
  backend: Backend = alone,
  first: First = {},
): Promise<Contender> {
  const httpd = await PrivateHttpd.start({ ...own, size, text: `${common}\n${own.text}` });
  const contender = {
    url: `${httpd.url}/`,
    roots: () => [httpd.pid, ...backend.roots(httpd)],
    log: () => httpd.log.tail(),
    stop: async () => {
      await httpd.stop();
      await backend.stop();
    },
  };
  await firstAnswer(contender, first);
  return contender;
}

/** A pool of Tenon's, named bench. */
export interface Pool {
  readonly application: string;
  readonly processes: number;
  /** Further directives inside the section. */
  readonly directives?: string;
}

/** Starts an httpd with mod_tenon, a pool, and directives that use it. @throws when the module is missing or it does not serve */
export function startTenonHttpd(
  pool: Pool | undefined,
  text: string,
  first: First = {},
  load: readonly string[] = [],
): Promise<Contender> {
  if (!existsSync(modulePath)) throw new Error(`${modulePath} is missing: run scripts/setup`);
  const section =
    pool === undefined
      ? ""
      : `<TenonPool bench>
  TenonApp "${pool.application}"
  ${process.getuid?.() === 0 ? "TenonUser www-data" : ""}
  TenonProcesses ${pool.processes} ${pool.processes}
  TenonConcurrency 100
  ${pool.directives ?? ""}
</TenonPool>`;
  const tenon = { module: modulePath, node: process.execPath, package: packagePath };
  const backend = pool === undefined ? alone : { ...alone, roots: supervisorOf };
  return startHttpd({ load, tenon, text: `${section}\n${text}` }, backend, first);
}

/** The supervisor may have left httpd's tree: its pid file tells. */
function supervisorOf(httpd: PrivateHttpd): number[] {
  const path = join(httpd.places.directory, "run/tenon/supervisor.pid");
  return [Number(readFileSync(path, "utf8"))];
}
