// SPDX-License-Identifier: Apache-2.0
// A file of /proc about one process (proc(5)), read again and again. Base of what memory-watch.ts and worker-load.ts read.
import { closeSync, openSync, readSync } from "node:fs";

/** More than any such file has, bytes. */
const MOST_BYTES = 8192;
const buffer: Buffer = Buffer.alloc(MOST_BYTES);

/** Reads it for as long as the process lives; its descriptor never means another one. */
export class ProcessFile<T> {
  readonly #fd: number | undefined;
  readonly #parse: (text: string) => T | undefined;

  /** @param name below /proc/<pid> @param parse of its text, latin-1 */
  constructor(pid: number, name: string, parse: (text: string) => T | undefined) {
    this.#parse = parse;
    try {
      this.#fd = openSync(`/proc/${pid}/${name}`, "r");
    } catch {
      // It has gone already, or there is no /proc.
    }
  }

  /** What it tells; undefined when the process has gone. */
  read(): T | undefined {
    if (this.#fd === undefined) return undefined;
    try {
      const length = readSync(this.#fd, buffer, 0, MOST_BYTES, 0);
      return this.#parse(buffer.toString("latin1", 0, length));
    } catch {
      return undefined;
    }
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd);
  }
}
