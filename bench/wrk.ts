// SPDX-License-Identifier: Apache-2.0
// Load by wrk (https://github.com/wg/wrk), one thread. Its own CPU time is never counted.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";

const script = fileURLToPath(new URL("wrk.lua", import.meta.url));

export interface Load {
  readonly method: "GET" | "POST";
  /** Size of the request's body. */
  readonly bodyBytes: number;
  /** Connections kept open, each with one request at a time. */
  readonly connections: number;
  /** Headers beside wrk's own. */
  readonly headers?: Readonly<Record<string, string>>;
}

export interface LoadResult {
  readonly requests: number;
  readonly durationUs: number;
  /** Bytes of all responses, heads included. */
  readonly bytes: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly errors: Readonly<Record<"connect" | "read" | "write" | "status" | "timeout", number>>;
}

/** Reads the line that wrk.lua prints. @throws when there is none */
export function parseLoadResult(output: string): LoadResult {
  const line = output.split("\n").find((each) => each.startsWith("RESULT "));
  if (line === undefined) throw new Error(`wrk printed no result:\n${output}`);
  return JSON.parse(line.slice("RESULT ".length)) as LoadResult;
}

/** The first thing that is wrong with a result, undefined when all is well. @param responseBytes smallest size of a right response's body */
export function complaint(result: LoadResult, responseBytes: number): string | undefined {
  const failed = Object.entries(result.errors).filter(([, count]) => count > 0);
  if (failed.length > 0) {
    return `errors in ${result.requests} requests: ${failed.map((each) => each.join(" ")).join(", ")}`;
  }
  if (result.requests === 0) return "no request was answered";
  const mean = result.bytes / result.requests;
  if (mean < responseBytes) return `responses of ${mean} bytes, expected ${responseBytes} and more`;
  return undefined;
}

/** Runs wrk for whole seconds. */
export function runLoad(
  url: string,
  load: Load,
  seconds: number,
  signal: AbortSignal,
): Promise<LoadResult> {
  // The longest answer takes some seconds.
  const options = [
    "-t1",
    "--timeout",
    "30s",
    `-c${load.connections}`,
    `-d${seconds}s`,
    ...Object.entries(load.headers ?? {}).flatMap(([name, value]) => ["-H", `${name}: ${value}`]),
    "-s",
    script,
    url,
  ];
  const scriptArguments = ["--", load.method, String(load.bodyBytes)];
  return new Promise((resolve, reject) => {
    execFile("wrk", [...options, ...scriptArguments], { signal }, (error, stdout) => {
      if (error !== null) reject(error);
      else resolve(parseLoadResult(stdout));
    });
  });
}
