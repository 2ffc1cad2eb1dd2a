// SPDX-License-Identifier: Apache-2.0
// Entry of the supervisor's process, started by httpd's parent (apache/supervise.c) with the lifeline as descriptor 0 and the error
// log as 2. Calls supervisor.ts.
import { randomUUID } from "node:crypto";
import { closeSync, writeSync } from "node:fs";
import { Log } from "../log.ts";
import { native } from "../native.ts";
import { systemClock } from "./clock.ts";
import { DescriptorStore } from "./descriptor-store.ts";
import { Lifeline } from "./lifeline.ts";
import { RuntimeDirectory } from "./runtime-directory.ts";
import { Supervisor } from "./supervisor.ts";

const LIFELINE = 0;
const ERROR_LOG = 2;
/** Ends of the socket pair in which descriptors wait for a successor. */
const STORE = { in: 3, out: 4 };
const FIRST_LEVEL = 5;

const log: Log = new Log({
  level: FIRST_LEVEL,
  pid: process.pid,
  write: (line) => {
    try {
      writeSync(ERROR_LOG, line);
    } catch {
      // A log that is full or gone has nowhere to be told of; the workers are to run on.
    }
  },
});

function claim(path: string | undefined): RuntimeDirectory | undefined {
  if (path === undefined) {
    log.line(
      "error",
      "TN0206",
      undefined,
      "the supervisor needs the path of its runtime directory",
    );
    return undefined;
  }
  const runtime = new RuntimeDirectory(path);
  try {
    runtime.claim();
    return runtime;
  } catch (error) {
    log.line("error", "TN0207", undefined, `the supervisor does not start: ${String(error)}`);
    return undefined;
  }
}

function run(runtime: RuntimeDirectory): void {
  for (const fd of Object.values(STORE)) native().setCloseOnExec(fd);
  const store = new DescriptorStore(STORE.in, STORE.out, randomUUID());
  const supervisor = new Supervisor({ runtime, store, log, clock: systemClock });
  const lifeline = new Lifeline(LIFELINE, {
    onConfigure: (descriptor) => {
      if (descriptor !== undefined) {
        native().duplicateOnto(descriptor, ERROR_LOG);
        closeSync(descriptor);
      }
      supervisor.configure();
    },
    onEnd: () => stop("httpd has gone"),
  });
  const stop = (why: string): void => {
    void supervisor.stop(why).then(() => {
      lifeline.close();
      process.exitCode = 0;
    });
  };
  process.on("SIGTERM", () => stop("SIGTERM"));
  process.on("SIGINT", () => stop("SIGINT"));
  // Meant for httpd when they reach us at all; the first would open Node's inspector, the second end us.
  process.on("SIGUSR1", () => {});
  process.on("SIGHUP", () => {});
  log.line("notice", "TN0200", undefined, `the supervisor runs (Node ${process.version})`);
}

process.on("uncaughtException", (error) => {
  log.line(
    "crit",
    "TN0208",
    undefined,
    `the supervisor ends by an error of its own: ${error.stack}`,
  );
  // httpd's parent starts another one, which takes the workers over.
  process.exit(1);
});

const runtime: RuntimeDirectory | undefined = claim(process.argv[2]);
if (runtime === undefined) process.exitCode = 1;
else run(runtime);
