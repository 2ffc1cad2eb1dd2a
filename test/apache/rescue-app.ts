// SPDX-License-Identifier: Apache-2.0
// Code that keeps the event loop from turning, each in a way of its own. The application of rescue.test.ts.
import { execSync } from "node:child_process";
import { pbkdf2Sync } from "node:crypto";
import { EventEmitter } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";

function forever(): never {
  for (;;);
}

function descend(depth: number): number {
  let sum = 0;
  for (let child = 0; child < 3; child++) sum += descend(depth + 1);
  return sum;
}

/** Ways to stall, by name. */
export const stalls: Readonly<Record<string, () => unknown>> = {
  loop: forever,
  "try-catch"() {
    for (;;) {
      try {
        forever();
      } catch {
        // What was terminated must not be caught.
      }
    }
  },
  "try-finally"() {
    try {
      forever();
    } finally {
      forever();
    }
  },
  async "after-await"() {
    await sleep(1);
    forever();
  },
  microtasks() {
    const again = (): Promise<void> => Promise.resolve().then(again);
    void again();
  },
  ticks() {
    const again = (): void => process.nextTick(again);
    again();
  },
  "regular-expression": () => /^(a+)+$/.test(`${"a".repeat(40)}b`),
  "atomics-wait": () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0),
  recursion() {
    for (;;) {
      try {
        descend(0);
      } catch {
        // The stack has overflown: again.
      }
    }
  },
  emitter() {
    const emitter = new EventEmitter();
    emitter.on("again", () => {
      while (emitter.listenerCount("again") < 1e9) emitter.emit("other");
    });
    emitter.emit("again");
  },
  timer: () => setTimeout(forever, 1),
  immediate: () => setImmediate(forever),
  "head-first": forever,
  "pbkdf2-sync": () => pbkdf2Sync("password", "salt", 2 ** 31 - 1, 64, "sha512"),
  "exec-sync": () => execSync("sleep 600"),
};

export default function (request: IncomingMessage, response: ServerResponse): void {
  const name = (request.url ?? "").split("/").at(-1) ?? "";
  if (name === "pid") {
    response.end(String(process.pid));
    return;
  }
  if (name.startsWith("run-")) {
    console.log(name);
    response.end(name);
    return;
  }
  if (name === "wait") {
    response.write("waits\n");
    request.resume().on("end", () => response.end("whole\n"));
    return;
  }
  if (name === "head-first") {
    response.write("begun\n");
    setTimeout(stalls[name] as () => unknown, 10);
    return;
  }
  stalls[name]?.();
}
