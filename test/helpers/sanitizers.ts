// SPDX-License-Identifier: Apache-2.0
// Starts httpd, or Node, so that a library built with gcc's AddressSanitizer and UndefinedBehaviorSanitizer can be loaded
// into it, and collects what these report. The programs themselves are as they are installed.
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { askApxs } from "../../ts/cli/private-httpd.ts";

/** Flags by which gcc builds a module for such an httpd. */
export const sanitizerFlags: readonly string[] = [
  "-fsanitize=address,undefined",
  "-fno-sanitize-recover=undefined",
  "-fno-omit-frame-pointer",
];

/** A line of httpd's error log by which UndefinedBehaviorSanitizer reports, before it aborts the process. */
export const UNDEFINED: RegExp = /\.[ch]:\d+:\d+: runtime error: /;

/** Builds a shared library of one file of test/apache. @param output path of the library */
export function buildShared(name: string, output: string, flags: readonly string[] = []): void {
  const source = fileURLToPath(new URL(`../apache/${name}`, import.meta.url));
  const folders = ["INCLUDEDIR", "APR_INCLUDEDIR", "APU_INCLUDEDIR"].map(askApxs);
  const include = folders.flatMap((folder) => ["-isystem", folder]);
  const defines = askApxs("EXTRA_CPPFLAGS").split(/\s+/);
  const usual = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-g", "-fPIC", "-shared"];
  execFileSync("gcc", [...usual, ...flags, ...defines, ...include, source, "-o", output]);
}

/**
 * Gives what a process needs whose libraries are sanitized, itself not. AddressSanitizer writes reports to files;
 * UndefinedBehaviorSanitizer, which knows no path in gcc 12, to stderr.
 *
 * @param reports folder that any user may write to
 */
export function sanitizerVariables(
  reports: string,
): Record<"LD_PRELOAD" | "ASAN_OPTIONS" | "UBSAN_OPTIONS", string> {
  const command = ["-print-file-name=libasan.so"];
  const report = `abort_on_error=1:log_path=${join(reports, "report")}`;
  return {
    LD_PRELOAD: execFileSync("gcc", command, { encoding: "utf8" }).trim(),
    // The process would put its own handlers in the place of the sanitizer's. Leaks: all ends with the process.
    ASAN_OPTIONS: `${report}:detect_leaks=0:allow_user_segv_handler=0:handle_abort=0`,
    UBSAN_OPTIONS: "abort_on_error=1:print_stacktrace=1",
  };
}

/**
 * Gives the environment of an httpd with sanitized modules; what is undefined is reported in its error log ({@link UNDEFINED}).
 *
 * @param separateMemory library built by {@link buildShared} from separate-memory.c
 */
export function sanitizerEnvironment(reports: string, separateMemory: string): NodeJS.ProcessEnv {
  const variables = sanitizerVariables(reports);
  const preload = `${variables.LD_PRELOAD}:${separateMemory}`;
  return { ...process.env, ...variables, LD_PRELOAD: preload };
}

/** Makes the folder for reports anew. */
export function clearReports(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  // httpd's children, and workers, report as another user.
  chmodSync(folder, 0o1777);
}

/** Gives the texts of all reports in a folder. */
export function sanitizerReports(folder: string): string[] {
  return readdirSync(folder).map((name) => readFileSync(join(folder, name), "utf8"));
}
