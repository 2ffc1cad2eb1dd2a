// SPDX-License-Identifier: Apache-2.0
// What a process shares with others: anonymous memory that was mapped before a fork.
import { closeSync, openSync, readFileSync, readSync } from "node:fs";

/** The bytes of all anonymous shared mappings of a process (`/dev/zero (deleted)`), as latin-1. */
export function sharedMemoryOf(pid: number): string {
  const lines = readFileSync(`/proc/${pid}/maps`, "utf8").split("\n");
  const fd = openSync(`/proc/${pid}/mem`, "r");
  try {
    return lines
      .filter((line) => /^\S+ rw-s .*\/dev\/zero/.test(line))
      .map((line) => {
        const [from = 0, to = 0] = (line.split(" ")[0] ?? "")
          .split("-")
          .map((text) => Number.parseInt(text, 16));
        const bytes = Buffer.alloc(to - from);
        readSync(fd, bytes, 0, bytes.length, from);
        return bytes.toString("latin1");
      })
      .join("");
  } finally {
    closeSync(fd);
  }
}
