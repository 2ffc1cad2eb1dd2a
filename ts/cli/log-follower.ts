// SPDX-License-Identifier: Apache-2.0
// Reads a log file that another process writes. Called by private-httpd.ts and by the tests of a real httpd.
import { closeSync, fstatSync, openSync, readSync, watch } from "node:fs";
import { dirname } from "node:path";
import { fail } from "../errors.ts";

/** How to wait for a line. */
export interface LogWait {
  /** First line to look at, as {@link LogFollower.mark} gave it; unset: the first of the file. */
  readonly since?: number;
  /** Unset: 20,000. */
  readonly timeoutMs?: number;
  /** Ends the wait early, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** The lines of one log file, read as they are written. The file must exist; when another file takes its name (rotation), that is read on. */
export class LogFollower {
  readonly path: string;
  readonly #lines: string[] = [];
  #inode = 0;
  #offset = 0;
  #partial = "";

  constructor(path: string) {
    this.path = path;
  }

  /** Gives all whole lines from line `since` on (0 is the first). */
  lines(since = 0): string[] {
    this.#read();
    return this.#lines.slice(since);
  }

  /** Tells how many lines there are: what is written from now on comes after this mark. */
  mark(): number {
    this.#read();
    return this.#lines.length;
  }

  /** Gives the last lines as one text, for a person. */
  tail(count = 40): string {
    return this.lines().slice(-count).join("\n");
  }

  /** Waits for a line that matches and gives it. @throws {TENON_ERR_LOG_LINE_MISSING} with the log's tail when it does not come in time. */
  waitFor(pattern: RegExp, wait: LogWait = {}): Promise<string> {
    const { since = 0, timeoutMs = 20_000, signal } = wait;
    return new Promise((resolve, reject) => {
      // The watch begins before the first look, or a line written between the two is missed.
      const watcher = watch(dirname(this.path), look);
      const timer = setTimeout(() => {
        const details = { pattern, path: this.path, timeoutMs, tail: this.tail() };
        end(() => reject(fail("TENON_ERR_LOG_LINE_MISSING", details)));
      }, timeoutMs);
      const follower = this;
      signal?.addEventListener("abort", aborted);
      if (signal?.aborted) aborted();
      else look();

      function look(): void {
        const line = follower.lines(since).find((text) => pattern.test(text));
        if (line !== undefined) end(() => resolve(line));
      }
      function aborted(): void {
        end(() => reject(signal?.reason));
      }
      function end(settle: () => void): void {
        watcher.close();
        clearTimeout(timer);
        signal?.removeEventListener("abort", aborted);
        settle();
      }
    });
  }

  #read(): void {
    const file = openSync(this.path, "r");
    try {
      const { ino } = fstatSync(file);
      if (ino !== this.#inode) {
        this.#inode = ino;
        this.#offset = 0;
      }
      const piece = Buffer.allocUnsafe(65_536);
      for (;;) {
        const size = readSync(file, piece, 0, piece.length, this.#offset);
        if (size === 0) return;
        this.#offset += size;
        const lines = (this.#partial + piece.toString("latin1", 0, size)).split("\n");
        this.#partial = lines.pop() ?? "";
        for (const line of lines) this.#lines.push(line);
      }
    } finally {
      closeSync(file);
    }
  }
}
