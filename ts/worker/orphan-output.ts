// SPDX-License-Identifier: Apache-2.0
// Output of a worker whose supervisor has died. Called by main.ts.
import { closeSync, openSync } from "node:fs";
import { Socket } from "node:net";
import { type Native, native } from "../native.ts";
import { outputReadingEnds } from "./bootstrap.ts";

/** Reads what is in a pipe, and whatever comes after it, into nothing. */
function drainPipe(fd: number): void {
  try {
    new Socket({ fd, readable: true, writable: false })
      .on("error", () => {})
      .resume()
      .unref();
  } catch (error) {
    // Output that goes to a file or a terminal, as in tests, has no reading end here.
    if ((error as NodeJS.ErrnoException).code !== "ERR_INVALID_FD_TYPE") throw error;
  }
}

function pointToNull(addon: Native, fd: number): void {
  const sink = openSync("/dev/null", "w");
  addon.duplicateOnto(sink, fd);
  closeSync(sink);
}

/**
 * Lets output go to nothing once nobody reads its pipes, so that a full one stops neither this worker nor what it has started.
 * What Node has queued is read from the pipes by ourselves first: an application may wait for its 'drain'.
 */
export function discardOutput(): void {
  const addon = native();
  for (const fd of outputReadingEnds) drainPipe(fd);
  // Only behind what is queued: a descriptor that is waited on must stay what it is.
  process.stdout.write("", () => pointToNull(addon, 1));
  process.stderr.write("", () => pointToNull(addon, 2));
}
