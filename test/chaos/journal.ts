// SPDX-License-Identifier: Apache-2.0
// The file in which every worker writes the id of each request that it begins.
import { chmodSync, readFileSync, truncateSync, writeFileSync } from "node:fs";

/** A journal. */
export class Journal {
  readonly path: string;

  /** Makes the file, which workers of any user may write to. */
  constructor(path: string) {
    this.path = path;
    writeFileSync(path, "");
    // Not by writeFile, whose mode the umask cuts.
    chmodSync(path, 0o666);
  }

  /** Forgets all; workers write on from the beginning (O_APPEND). */
  clear(): void {
    truncateSync(this.path);
  }

  /** How often each request was begun, by id. */
  read(): Map<string, number> {
    const begun = new Map<string, number>();
    for (const id of readFileSync(this.path, "latin1").split("\n")) {
      if (id !== "") begun.set(id, (begun.get(id) ?? 0) + 1);
    }
    return begun;
  }
}
