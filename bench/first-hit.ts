// SPDX-License-Identifier: Apache-2.0
// How long the first request to a pool of zero workers waits for its answer. Called by main.ts.
import { execFileSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdirSync, symlinkSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { PrivateHttpd } from "../ts/cli/private-httpd.ts";
import { median, type Row } from "./report.ts";

export interface FirstHitOptions {
  /** Folder for the built package. */
  readonly folder: string;
  /** First requests of each row, each to a pool of its own. */
  readonly hits: number;
  readonly signal: AbortSignal;
  readonly onProgress: (line: string) => void;
}

const root = fileURLToPath(new URL("..", import.meta.url));
interface Application {
  readonly file: string;
  readonly limitMs: number | null;
}

const applications: Readonly<Record<string, Application>> = {
  fetch: { file: "apps/fetch.ts", limitMs: 100 },
  plain: { file: "apps/plain.js", limitMs: 100 },
  express: { file: "apps/express.ts", limitMs: null },
};

/** Builds the package as npm has it, without sources in TypeScript. */
function buildPackage(folder: string): string {
  const path = join(folder, "package");
  mkdirSync(path);
  chmodSync(path, 0o755);
  const compiler = join(root, "node_modules", ".bin", "tsc");
  const project = join(root, "ts", "tsconfig.json");
  execFileSync(compiler, ["-p", project, "--outDir", join(path, "dist")], { stdio: "pipe" });
  copyFileSync(join(root, "package.json"), join(path, "package.json"));
  for (const name of ["build", "node_modules"]) symlinkSync(join(root, name), join(path, name));
  return path;
}

function formatPool(name: string, application: string): string {
  return `<TenonPool ${name}>
  TenonApp "${join(root, "bench", application)}"
  ${process.getuid?.() === 0 ? "TenonUser www-data" : ""}
  TenonProcesses 0 1
  TenonIdleTimeout 1
</TenonPool>
<Location "/${name}">
  SetHandler tenon:${name}
  TenonMount /${name} strip
</Location>`;
}

function poolName(application: string, hit: number): string {
  return `${application}-${hit}`;
}

/** Sends one request on a connection of its own; ms until the answer is whole. @throws when it is wrong */
function timeHit(url: string): Promise<number> {
  const start = performance.now();
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false }, (response) => {
      response.resume();
      response.once("end", () => {
        if (response.statusCode === 200) resolve(performance.now() - start);
        else reject(new Error(`${url} answered with status ${response.statusCode}`));
      });
    });
    request.once("error", reject);
  });
}

function waitForExit(httpd: PrivateHttpd, pool: string, since: number): Promise<string> {
  return httpd.log.waitFor(new RegExp(`TN0217: \\[${pool} `), { since });
}

async function measurePackage(
  label: string,
  packagePath: string,
  options: FirstHitOptions,
): Promise<Row[]> {
  // One more than counts: the first of all fills the compile cache where the supervisor has not yet done it.
  const hits = Array.from({ length: options.hits + 1 }, (_, hit) => hit);
  const names = Object.keys(applications).flatMap((name) => hits.map((hit) => poolName(name, hit)));
  const pools = Object.entries(applications).flatMap(([name, { file }]) =>
    hits.map((hit) => formatPool(poolName(name, hit), file)),
  );
  const module = join(root, "build", "apache", "mod_tenon.so");
  const tenon = { module, node: process.execPath, package: packagePath };
  const httpd = await PrivateHttpd.start({ tenon, text: pools.join("\n") });
  try {
    const rows: Row[] = [];
    // The second time each pool has what Node has compiled of its application.
    for (const time of ["", "-again"]) {
      const since = httpd.log.mark();
      for (const [name, { limitMs: limit }] of Object.entries(applications)) {
        const times: number[] = [];
        for (const hit of hits) {
          options.signal.throwIfAborted();
          times.push(await timeHit(`${httpd.url}/${poolName(name, hit)}/`));
        }
        const value = Number(median(times.slice(1)).toPrecision(4));
        options.onProgress(`first-hit tenon-${label}-${name}${time}: ${value} ms`);
        rows.push({
          name: `first-hit.tenon-${label}-${name}${time}.p50`,
          value,
          unit: "ms",
          limit,
        });
      }
      // A worker that is idle exits after a second.
      for (const name of names) await waitForExit(httpd, name, since);
    }
    return rows;
  } catch (cause) {
    throw new Error(`${String(cause)}\n${httpd.log.tail()}`, { cause });
  } finally {
    await httpd.stop();
  }
}

/** Measures first requests, with Tenon run from its sources and from what npm has of it. */
export async function measureFirstHits(options: FirstHitOptions): Promise<Row[]> {
  const sources = await measurePackage("ts", root.slice(0, -1), options);
  const built = await measurePackage("dist", buildPackage(options.folder), options);
  return [...sources, ...built];
}

/** The table that is printed at the end of a run. */
export function toFirstHitTable(rows: readonly Row[]): string {
  const lines = rows.map(({ name, value, limit }) => {
    const verdict = limit === null ? "" : value <= limit ? "reached" : "MISSED";
    const figure = `${value.toFixed(1)} ms`.padStart(12);
    return `  ${name.padEnd(40)}${figure}${(limit === null ? "" : `<= ${limit}`).padStart(12)}${verdict.padStart(12)}`;
  });
  return ["first-hit: first request to a pool of zero workers, median", ...lines].join("\n");
}
