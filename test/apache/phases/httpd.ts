// SPDX-License-Identifier: Apache-2.0
// An httpd whose every request passes the hooks of test/applications/phases.ts, and what the log tells of their order.
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { PrivateHttpdOptions } from "../../../ts/cli/private-httpd.ts";
import { Phase } from "../../../ts/wire/protocol.ts";
import { root, startHttpd, type TestHttpd } from "../../helpers/httpd.ts";

/** The application with a hook in every phase. */
export const application: string = join(root, "test", "applications", "phases.ts");

/** Phases that httpd calls in the request's own order, as `TenonHook` names them. */
export const phases: readonly string[] = Object.entries(Phase)
  .filter(([, value]) => value <= Phase.NOTE_AUTH_FAILURE)
  .map(([name]) => name.toLowerCase());

/** Modules of httpd that make the kinds of requests. */
export const modules: readonly string[] = [
  "dir",
  "mime",
  "autoindex",
  "negotiation",
  "include",
  "cgi",
  "proxy",
  "proxy_http",
  "auth_basic",
  "authn_core",
  "authn_file",
  "authz_user",
  "authz_host",
];

/** A pool with the application. @param directives of the pool */
export function hooksPool(name: string, directives = "TenonProcesses 1 1"): string {
  return `<TenonPool ${name}>
  TenonApp "${application}"
  ${directives}
</TenonPool>`;
}

/** A line `TenonHook` for each phase. @param options of each */
export function hookEach(pool: string, options = "", names: readonly string[] = phases): string {
  return names.map((phase) => `TenonHook ${phase} ${pool} ${options}`).join("\n");
}

/** Files below htdocs, by path; a text that begins with #! is a program. */
export function putFiles(htdocs: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries(files)) {
    const file = join(htdocs, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    if (text.startsWith("#!")) chmodSync(file, 0o755);
  }
}

/** An httpd, and the phases that its log tells of. */
export class PhasesHttpd {
  readonly httpd: TestHttpd;

  constructor(httpd: TestHttpd) {
    this.httpd = httpd;
  }

  /** @param ready workers to wait for, by pool: a hook's time-out is shorter than some machine's start of a worker */
  static async start(
    options: PrivateHttpdOptions,
    ready: Readonly<Record<string, number>> = { rec: 1 },
  ): Promise<PhasesHttpd> {
    const httpd = await startHttpd(options);
    for (const [pool, count] of Object.entries(ready)) await httpd.waitForReady(pool, count);
    return new PhasesHttpd(httpd);
  }

  get url(): string {
    return this.httpd.url;
  }

  /** Runs something and gives the phases that were called meanwhile: "access_checker /file.txt". */
  async called(run: () => Promise<unknown>): Promise<string[]> {
    const since = this.httpd.log().mark();
    await run();
    return this.httpd
      .log()
      .lines(since)
      .flatMap((line) => {
        const [, called] =
          /TN0007: \[.*: phase (\w+ \S+)$/.exec(line.replace(/, referer: .*/, "")) ?? [];
        return called === undefined ? [] : [called];
      });
  }
}
