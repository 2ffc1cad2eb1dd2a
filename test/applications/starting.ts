// SPDX-License-Identifier: Apache-2.0
// Starts a process that is to end with its worker, and one that is to live on, and tells their pids.
import { spawn } from "node:child_process";

export default {
  fetch(): Response {
    const own = spawn("sleep", ["600"], { stdio: "ignore" });
    const detached = spawn("sleep", ["600"], { stdio: "ignore", detached: true });
    // An application that waits for neither.
    own.unref();
    detached.unref();
    return Response.json({ worker: process.pid, own: own.pid, detached: detached.pid });
  },
};
