// SPDX-License-Identifier: Apache-2.0
// Builds bench/handler/mod_bench.c with the compiler and flags that httpd's modules are built with (apxs -q).
import { execFileSync } from "node:child_process";
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";

const source = fileURLToPath(new URL("handler/mod_bench.c", import.meta.url));
const target = fileURLToPath(new URL("../build/bench/mod_bench.so", import.meta.url));

/** What apxs says of httpd's build. @throws when apxs is missing (Debian: apache2-dev) */
export function askApxs(name: string): string {
  return execFileSync("apxs", ["-q", name], { encoding: "utf8" }).trim();
}

/** Builds the module and returns its path. */
export function buildHandler(): string {
  const flags = ["CFLAGS", "CPPFLAGS", "EXTRA_CPPFLAGS"].flatMap((name) =>
    askApxs(name).split(/\s+/).filter(Boolean),
  );
  const includes = ["INCLUDEDIR", "APR_INCLUDEDIR", "APU_INCLUDEDIR"].map(
    (name) => `-I${askApxs(name)}`,
  );
  mkdirSync(dirname(target), { recursive: true });
  const shared = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-fPIC", "-shared"];
  execFileSync(askApxs("CC"), [...flags, ...shared, ...includes, "-o", target, source], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  return target;
}
