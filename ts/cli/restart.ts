// SPDX-License-Identifier: Apache-2.0
// Restarts pools of a running httpd without a request being lost, by its supervisor's socket. Called by main.ts.
import { connect } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fail } from "../errors.ts";
import { ADMIN_SOCKET, type Progress } from "../supervisor/admin-socket.ts";

type Line = { readonly error: string } | (Progress & { readonly pool: string; done: boolean });

function shown({
  pool,
  generation,
  ready,
  left,
  failure,
  done,
}: Exclude<Line, { error: string }>): string {
  const state = `generation ${generation}, ${ready} ready`;
  if (failure !== undefined) return `${pool}: ${state}: does not start: ${failure}`;
  return done ? `${pool}: restarted: ${state}` : `${pool}: ${state}, ${left} to be replaced`;
}

/**
 * Restarts pools: workers of a new generation are ready before those that they replace finish what is open and go.
 * @param runtime directory of the httpd's pools (TenonRuntimeDir)
 * @param pools names; none: all
 * @param rolling one worker at a time
 * @param onLine called with how far it is
 * @returns whether all pools run with new workers; one whose application does not start goes on with its old ones
 * @throws {TENON_ERR_RUNTIME_DIRECTORY} when nobody answers there
 * @throws {TENON_ERR_COMMAND} when the supervisor says what is wrong with the command
 */
export async function restart(
  runtime: string,
  pools: readonly string[],
  rolling: boolean,
  onLine: (line: string) => void,
): Promise<boolean> {
  const path = join(runtime, ADMIN_SOCKET);
  const socket = connect(path);
  const failed = new Promise<never>((_, reject) => {
    socket.on("error", (error: NodeJS.ErrnoException) => {
      const reason = `${error.code ?? error.message} at ${path}: does httpd run, and are you its user?`;
      reject(fail("TENON_ERR_RUNTIME_DIRECTORY", { path: runtime, reason }, error));
    });
  });
  socket.write(`${JSON.stringify({ command: "restart", pools, rolling })}\n`);
  return Promise.race([failed, follow(socket, onLine)]);
}

async function follow(
  socket: NodeJS.ReadableStream,
  onLine: (line: string) => void,
): Promise<boolean> {
  const open = new Map<string, boolean>();
  for await (const text of createInterface({ input: socket })) {
    const line = JSON.parse(text) as Line;
    if ("error" in line) throw fail("TENON_ERR_COMMAND", { reason: line.error });
    open.set(line.pool, line.done);
    onLine(shown(line));
  }
  return [...open.values()].every((done) => done);
}
