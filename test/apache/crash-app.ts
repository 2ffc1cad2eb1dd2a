// SPDX-License-Identifier: Apache-2.0
// Ways for a worker to come to its end. The application of crashes.test.ts; CRASH_ADDON is the path of an addon that crashes, CRASH_START what
// it does as it starts.
import { closeSync, fstatSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { exit } from "node:process";
import { setTimeout as sleep } from "node:timers/promises";

const HIGHEST_DESCRIPTOR = 200;

function closeSockets(): void {
  for (let fd = 3; fd < HIGHEST_DESCRIPTOR; fd++) {
    try {
      if (fstatSync(fd).isSocket()) closeSync(fd);
    } catch {
      // Nobody has this one open.
    }
  }
}

const ends: Record<string, (response: ServerResponse) => unknown> = {
  exit: () => process.exit(3),
  "exit-well": () => process.exit(),
  "exit-caught"() {
    try {
      exit(4);
    } catch {
      console.error("what exits was caught");
    } finally {
      console.error("what exits ran on");
    }
  },
  async "exit-later"() {
    await sleep(1);
    process.exit(5);
  },
  "exit-late"(response) {
    response.write("begun\n");
    setTimeout(() => process.exit(6), 50);
  },
  throw() {
    throw new Error("thrown on purpose");
  },
  async reject() {
    await sleep(1);
    throw new Error("rejected on purpose");
  },
  abort: () => process.abort(),
  kill: () => process.kill(process.pid, "SIGKILL"),
  addon: () => process.dlopen({ exports: {} }, process.env["CRASH_ADDON"] ?? ""),
  "close-sockets": closeSockets,
  stop: () => process.kill(process.pid, "SIGSTOP"),
  never: () => {},
};

if (process.env["CRASH_START"] === "exit") process.exit(7);
if (process.env["CRASH_HANDLES"] !== undefined) {
  process.on("uncaughtException", () => process.exit(8));
}
if (process.env["CRASH_DRAINING"] !== undefined) {
  process.on("SIGTERM", () => process.exit(9));
}

export default function (request: IncomingMessage, response: ServerResponse): unknown {
  const name = (request.url ?? "").split("/").at(-1) ?? "";
  if (name === "pid") return response.end(String(process.pid));
  if (name === "wait") {
    response.write("waits\n");
    return request.resume().on("end", () => response.end("whole\n"));
  }
  return ends[name]?.(response);
}
