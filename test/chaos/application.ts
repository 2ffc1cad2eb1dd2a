// SPDX-License-Identifier: Apache-2.0
// The application under attack. /<pool>/<kind> is work of the load (work.ts), each id of which it writes to the journal before anything else;
// /<pool>/fault/<name> and /<pool>/stall/<name>, hog/ and creep/ do what applications should not.
import { closeSync, openSync, readdirSync, readlinkSync, writeSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import { takers } from "../apache/memory-app.ts";
import { stalls } from "../apache/rescue-app.ts";
import { faults } from "../applications/faults.ts";
import garbage from "../applications/garbage.ts";
import { pieceOf, STREAM_PIECES } from "./work.ts";

const PIECE_MS = 5;
const CREEP_MS = 10;
const CREEP_TIMES = 4;

const journal = openSync(process.env["CHAOS_JOURNAL"] ?? "/dev/null", "a");

type Action = (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void;

async function stream(_: unknown, response: ServerResponse, query: URLSearchParams): Promise<void> {
  for (let index = 0; index < STREAM_PIECES; index++) {
    response.write(pieceOf(query.get("id") ?? "", index));
    await pause(PIECE_MS);
  }
  response.end();
}

async function get(_: unknown, response: ServerResponse, query: URLSearchParams): Promise<void> {
  const ms = Number(query.get("ms") ?? 0);
  if (ms > 0) await pause(ms);
  response.end(`answer ${query.get("id")}\n`);
}

/** Takes memory in each turn of the event loop, until the worker ends. */
async function creep(take: () => void): Promise<void> {
  for (;;) {
    for (let count = 0; count < CREEP_TIMES; count++) take();
    await pause(CREEP_MS);
  }
}

function hog(take: () => void): never {
  for (;;) take();
}

function closeChannels(): void {
  for (const fd of readdirSync("/proc/self/fd").map(Number)) {
    try {
      // Below are the descriptors of its start; what it listens on is among them.
      if (fd > 2 && readlinkSync(`/proc/self/fd/${fd}`).startsWith("socket:")) closeSync(fd);
    } catch {
      // The listing's own.
    }
  }
}

const work: Readonly<Record<string, Action>> = {
  get,
  stream,
  post: (request, response) => request.pipe(response),
};

const ownFaults: Readonly<Record<string, Action>> = {
  garbage,
  "close-sockets": closeChannels,
};

export default function listener(request: IncomingMessage, response: ServerResponse): void {
  const { pathname, searchParams } = new URL(request.url ?? "/", "http://chaos");
  const [, , first = "", name = ""] = pathname.split("/");
  const action = work[first];
  if (action !== undefined) {
    // One system call for one short line: lines of several workers do not mix (O_APPEND).
    writeSync(journal, `${searchParams.get("id")}\n`);
    action(request, response, searchParams);
    return;
  }
  if (first === "stall") stalls[name]?.();
  else if (first === "hog") hog(takers[name] ?? process.abort);
  else if (first === "creep") void creep(takers[name] ?? process.abort);
  else if (first === "fault") (ownFaults[name] ?? faults[name])?.(request, response, searchParams);
  else response.writeHead(404).end();
}
