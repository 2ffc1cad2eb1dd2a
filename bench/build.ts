// SPDX-License-Identifier: Apache-2.0
// Builds the benchmark's two programs in C: bench/handler/mod_bench.c with the compiler and flags that httpd's modules
// are built with (apxs -q), and bench/peers/authorizer.c against libfcgi.
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { askApxs } from "../ts/cli/private-httpd.ts";

const targets = fileURLToPath(new URL("../build/bench", import.meta.url));

function compile(source: string, target: string, flags: readonly string[]): string {
  const from = fileURLToPath(new URL(source, import.meta.url));
  const to = join(targets, target);
  mkdirSync(targets, { recursive: true });
  const warnings = ["-std=gnu11", "-Wall", "-Wextra", "-Werror"];
  execFileSync(askApxs("CC"), [...warnings, "-o", to, from, ...flags], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  return to;
}

/** Builds the module and returns its path. */
export function buildHandler(): string {
  const flags = ["CFLAGS", "CPPFLAGS", "EXTRA_CPPFLAGS"].flatMap((name) =>
    askApxs(name).split(/\s+/).filter(Boolean),
  );
  const includes = ["INCLUDEDIR", "APR_INCLUDEDIR", "APU_INCLUDEDIR"].map(
    (name) => `-I${askApxs(name)}`,
  );
  return compile("handler/mod_bench.c", "mod_bench.so", [
    ...flags,
    "-fPIC",
    "-shared",
    ...includes,
  ]);
}

/** Builds the FastCGI authorizer and returns its path. @throws without libfcgi (Debian: libfcgi-dev) */
export function buildAuthorizer(): string {
  return compile("peers/authorizer.c", "authorizer", ["-O2", "-lfcgi"]);
}
