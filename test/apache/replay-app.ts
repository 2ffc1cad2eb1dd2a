// SPDX-License-Identifier: Apache-2.0
// The application of replay.test.ts. Its worker kills itself at the very moment for which a file is there, and each run leaves a file.
import { once } from "node:events";
import { existsSync, mkdtempSync, unlinkSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { join } from "node:path";
import { AcceptGate } from "../../ts/channel/accept-gate.ts";
import { SlotBoard } from "../../ts/channel/slot-board.ts";
import { native } from "../../ts/native.ts";
import { Runtime } from "../../ts/worker/runtime.ts";

const folder = process.env["FAULTS"] as string;

/** Ends this worker when it is to die at a moment; of several files each is for one worker. */
function die(moment: string): void {
  for (const path of [1, 2].map((number) => join(folder, `${moment}.${number}`))) {
    if (!existsSync(path)) continue;
    unlinkSync(path);
    process.kill(process.pid, "SIGKILL");
  }
}

/** Calls something before or after each call of a method. */
function around<K extends string>(
  target: Record<K, (...args: never[]) => unknown>,
  name: K,
  before: string | undefined,
  after: string | undefined,
): void {
  const original = target[name] as (...args: unknown[]) => unknown;
  target[name] = function (this: unknown, ...args: unknown[]) {
    if (before !== undefined) die(before);
    const result = Reflect.apply(original, this, args);
    if (after !== undefined && result !== false) die(after);
    return result;
  };
}

type Methods<K extends string> = Record<K, (...args: never[]) => unknown>;

const addon = native() as unknown as Methods<"acceptConnection">;
// A gate asks once more, in vain, when it has taken all: that is no accept.
const accept = addon.acceptConnection as (fd: number) => unknown;
addon.acceptConnection = ((fd: number) => {
  die("accepting");
  const connection = accept(fd);
  if (connection !== undefined) die("accepted");
  return connection;
}) as (...args: never[]) => unknown;

const gate = AcceptGate.prototype as unknown as Methods<"open" | "close">;
const runtime = Runtime.prototype as unknown as Methods<"admit" | "settle">;
const board = SlotBoard.prototype as unknown as Methods<"openChannel" | "begin">;
let channels = 0;
const openChannel = board.openChannel as (...args: unknown[]) => unknown;
board.openChannel = function (this: unknown, ...args: never[]) {
  channels += 1;
  return Reflect.apply(openChannel, this, args);
};
/** The gates are set once the new channel has greeted. */
function dieWhenGreeted(): void {
  if (channels > 0) die("greeted");
}
for (const name of ["open", "close"] as const) {
  const original = gate[name] as (...args: unknown[]) => unknown;
  gate[name] = function (this: unknown, ...args: never[]) {
    dieWhenGreeted();
    return Reflect.apply(original, this, args);
  };
}
around(runtime, "admit", "read", undefined);
around(board, "begin", undefined, "claimed");
around(runtime, "settle", "ended", undefined);

async function takeBody(request: IncomingMessage): Promise<number> {
  let bytes = 0;
  for await (const piece of request) {
    bytes += piece.length;
    if (bytes > 65_536) die("upload");
  }
  return bytes;
}

export default async function (request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://a");
  const id = searchParams.get("id") as string;
  mkdtempSync(join(folder, "runs", `${id}-`));
  die("began");
  const bytes = await takeBody(request);
  response.setHeader("X-Pid", process.pid);
  if (pathname.endsWith("/head")) {
    response.flushHeaders();
    // The test ends this worker now.
    await once(process, "SIGUSR2");
  }
  if (pathname.endsWith("/body")) {
    response.write("the beginning");
    await once(process, "SIGUSR2");
  }
  response.end(String(bytes));
}
