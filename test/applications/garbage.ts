// SPDX-License-Identifier: Apache-2.0
// A hostile worker: it writes the bytes of the query (`hex`) to its channels itself, past the codec, and descriptors with them
// (`with`, repeated; `path` is the file of those that have one). What is idle among the channels is spoiled as well.
import { closeSync, constants, openSync, readdirSync, readlinkSync, writeSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { native } from "../../ts/native.ts";

/** Control socket, endpoint and queue (docs/architecture.md): the sockets behind them are channels. */
const LAST_OTHER_SOCKET = 5;

function channels(): number[] {
  return readdirSync("/proc/self/fd")
    .map(Number)
    .filter((fd) => fd > LAST_OTHER_SOCKET && isSocket(fd));
}

function isSocket(fd: number): boolean {
  try {
    return readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:");
  } catch {
    // The listing's own descriptor is closed by now.
    return false;
  }
}

/** O_PATH (open(2)): a descriptor that names a file and needs no right to read it. */
const O_PATH = 0o10000000;

/** Opens descriptors of a kind; the first is the one to be sent. */
const openers: Readonly<Record<string, (path: string) => number[]>> = {
  file: (path) => [openSync(path, constants.O_RDONLY)],
  writable: (path) => [openSync(path, constants.O_WRONLY)],
  named: (path) => [openSync(path, O_PATH)],
  directory: () => [openSync("/", constants.O_RDONLY)],
  zero: () => [openSync("/dev/zero", constants.O_RDONLY)],
  pipe: () => native().createPipe(),
  socket: () => native().createSocketPair(),
};

function sendWith(fd: number, bytes: Buffer, kinds: readonly string[], path: string): void {
  const opened = kinds.map((kind) => openers[kind]?.(path) ?? []);
  const descriptors = opened.map(([first = -1]) => first);
  native().sendDescriptors(fd, bytes, descriptors);
  for (const each of opened.flat()) closeSync(each);
}

export default function listener(request: IncomingMessage, response: ServerResponse): void {
  const query = new URL(request.url ?? "/", "http://localhost").searchParams;
  const bytes = Buffer.from(query.get("hex") ?? "", "hex");
  if (bytes.length === 0) {
    response.end("well behaved\n");
    return;
  }
  const kinds = query.getAll("with");
  for (const fd of channels()) {
    if (kinds.length === 0) writeSync(fd, bytes);
    else sendWith(fd, bytes, kinds, query.get("path") ?? "");
  }
  if (query.has("exit")) process.kill(process.pid, "SIGKILL");
}
