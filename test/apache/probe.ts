// SPDX-License-Identifier: Apache-2.0
// The application of the module's tests: the last part of the path says what to do. It keeps nothing between tests but
// what /hold and /happened name.
import { createHash } from "node:crypto";
import { EventEmitter, once } from "node:events";
import { readFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";

type Action = (req: IncomingMessage, res: ServerResponse, query: URLSearchParams) => unknown;

/** What happened, by name, and who waits for it. */
const happened = new Set<string>();
const events = new EventEmitter().setMaxListeners(0);

function happens(name: string): void {
  happened.add(name);
  events.emit(name);
}

async function waitFor(name: string): Promise<void> {
  if (!happened.has(name)) await once(events, name);
}

process.on("SIGUSR2", () => events.emit("released"));

function sendJson(res: ServerResponse, value: unknown): void {
  res.setHeader("Content-Type", "application/json").end(JSON.stringify(value));
}

function attempt(action: () => void): string {
  try {
    action();
    return "done";
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? String(error);
  }
}

function identity(): unknown {
  const status = readFileSync("/proc/self/status", "latin1");
  const field = (name: string): string | undefined =>
    new RegExp(`^${name}:\\s*(.*)$`, "m").exec(status)?.[1];
  return {
    pid: process.pid,
    uids: field("Uid")?.split(/\s+/).map(Number),
    gids: field("Gid")?.split(/\s+/).map(Number),
    groups: field("Groups")?.trim().split(/\s+/).map(Number),
    capabilities: field("CapEff"),
    permitted: field("CapPrm"),
    noNewPrivileges: field("NoNewPrivs"),
    umask: process.umask(),
    directory: process.cwd(),
    environment: process.env,
    openFiles: /^Max open files\s+(\d+)\s+(\d+)/m.exec(readFileSync("/proc/self/limits", "latin1")),
    becomeRoot: attempt(() => process.setuid?.(0)),
    becomeRootsGroup: attempt(() => process.setgid?.(0)),
    takeGroups: attempt(() => process.setgroups?.([0])),
  };
}

/** Tells in /happened?name=…-gone when the client has left. */
async function sendBytes(res: ServerResponse, query: URLSearchParams): Promise<void> {
  const count = Number(query.get("count"));
  const piece = Buffer.alloc(65_536, query.get("text") ?? "tenon ");
  const gone = new AbortController();
  res.on("close", () => {
    if (!res.writableFinished) happens(`${query.get("name")}-gone`);
    gone.abort();
  });
  for (let left = count; left > 0; left -= piece.length) {
    if (res.destroyed) return;
    if (!res.write(left < piece.length ? piece.subarray(0, left) : piece)) {
      await once(res, "drain", { signal: gone.signal }).catch(() => undefined);
    }
  }
  res.end();
}

async function countBytes(req: IncomingMessage, res: ServerResponse): Promise<void> {
  let bytes = 0;
  const hash = createHash("sha256");
  try {
    for await (const piece of req) {
      bytes += piece.length;
      hash.update(piece);
    }
  } catch {
    return; // The client has left.
  }
  sendJson(res, { bytes, sha256: hash.digest("hex") });
}

/** Begins an answer that ends when /happen?name= says so, or SIGUSR2; /happened?name=…-gone tells that the client left. */
function hold(req: IncomingMessage, res: ServerResponse, query: URLSearchParams): void {
  const name = query.get("name") ?? "unnamed";
  res.on("close", () => {
    if (!res.writableFinished) happens(`${name}-gone`);
  });
  req.on("aborted", () => happens(`${name}-aborted`));
  if (query.has("type")) res.setHeader("Content-Type", query.get("type") ?? "");
  if (query.has("head")) res.write("begun ");
  happens(`${name}-begun`);
  const released = Promise.race([waitFor(name), once(events, "released")]);
  void released.then(() => res.end(`held ${process.pid}`));
}

const actions: Record<string, Action> = {
  pid: (_, res) => res.end(String(process.pid)),
  echo: (req, res) => req.pipe(res),
  sink: countBytes,
  hold,
  identity: (_, res) => sendJson(res, identity()),
  bytes: (_, res, query) => sendBytes(res, query),
  happen: (_, res, query) => {
    happens(query.get("name") ?? "");
    res.end("ok");
  },
  happened: async (_, res, query) => {
    await waitFor(query.get("name") ?? "");
    res.end("ok");
  },
  request: (req, res) =>
    sendJson(res, {
      method: req.method,
      url: req.url,
      httpVersion: req.httpVersion,
      headers: req.headers,
      rawHeaders: req.rawHeaders,
      remoteAddress: req.socket.remoteAddress,
      remotePort: req.socket.remotePort,
      localPort: req.socket.localPort,
      encrypted: "encrypted" in req.socket && req.socket.encrypted === true,
    }),
  status: (_, res, query) => {
    res.statusCode = Number(query.get("code"));
    if (query.has("length")) res.setHeader("Content-Length", query.get("length") ?? "");
    res.end(query.get("body") ?? "");
  },
  cookies: (_, res) => {
    res.setHeader("Set-Cookie", ["a=1", "b=2"]).setHeader("X-Probe", "yes").end("cookies");
  },
  /** Writes lines on both outputs of the worker. */
  print: (_, res, query) => {
    console.log(`to stdout: ${query.get("text")}`);
    console.error(`to stderr: ${query.get("text")}`);
    res.end();
  },
  early: (_, res) => res.end("early"),
  never: () => undefined,
  abort: () => process.abort(),
  exit: () => process.exit(7),
  kill: () => process.kill(process.pid, "SIGKILL"),
  segfault: () => process.kill(process.pid, "SIGSEGV"),
  throw: () => {
    throw new Error("thrown by the probe");
  },
  /** Declares more than it sends, or breaks off an answer of unknown length, when /happen?name= says so. */
  break: async (_, res, query) => {
    if (query.has("declared")) res.setHeader("Content-Length", query.get("declared") ?? "");
    res.write("the beginning");
    await waitFor(query.get("name") ?? "");
    res.destroy();
  },
  /** Ends its answer well, short of what it declared. */
  short: async (_, res, query) => {
    res.setHeader("Content-Length", 100).write("the beginning");
    await waitFor(query.get("name") ?? "");
    res.end();
  },
  die: async (_, res, query) => {
    res.write("the beginning");
    await waitFor(query.get("name") ?? "");
    process.kill(process.pid, "SIGKILL");
  },
};

export default function probe(req: IncomingMessage, res: ServerResponse): void {
  const url = new URL(req.url ?? "/", "http://probe");
  const action = actions[url.pathname.split("/").at(-1) ?? ""];
  if (action === undefined) {
    res.statusCode = 404;
    res.end("no such action");
    return;
  }
  action(req, res, url.searchParams);
}
