// SPDX-License-Identifier: Apache-2.0
// A folder with an application's files, to be changed in all the ways in which people do.
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

/** An application's folder. Made, and removed by `remove`, by a test. */
export class Sources {
  /** Readable to all users. */
  readonly folder: string;

  constructor(files: Readonly<Record<string, string>> = {}) {
    this.folder = mkdtempSync(join(tmpdir(), "tenon-sources-"));
    chmodSync(this.folder, 0o755);
    for (const [name, text] of Object.entries(files)) this.write(name, text);
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  /** Writes a file in place. */
  write(name: string, text: string): string {
    const path = this.path(name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** Puts another file in its place, as most editors and rsync do. */
  replace(name: string, text: string): void {
    const path = this.path(name);
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
  }

  remove(name = "."): void {
    rmSync(this.path(name), { recursive: true, force: true });
  }
}
