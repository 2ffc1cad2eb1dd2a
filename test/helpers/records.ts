// SPDX-License-Identifier: Apache-2.0
// Log records as test/applications/records.ts writes them down, and the files in which httpd keeps those that wait.
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { readSpoolHeader, type SpoolHeader } from "../../ts/supervisor/log-records.ts";
import { root } from "./httpd.ts";
import { waitUntil } from "./processes.ts";

/** The application of the pools. */
export const recordsApplication: string = join(root, "test", "applications", "records.ts");

/** A record that was written down. */
export interface WrittenRecord {
  /** Of the worker. */
  readonly pid: number;
  /** `?n=` of the request. */
  readonly number: number;
  readonly status: number;
  readonly id: string;
}

/** What the workers of one pool wrote down. */
export class WrittenRecords {
  readonly path: string;
  application: string = recordsApplication;

  /** @param directory of the httpd; the file is made below it, for any user to write */
  constructor(directory: string, pool: string) {
    const folder = join(directory, "written");
    mkdirSync(folder, { recursive: true });
    chmodSync(folder, 0o777);
    this.path = join(folder, pool);
  }

  /** Directives of a pool that writes here. */
  pool(name: string, directives: string): string {
    return `<TenonPool ${name}>
  TenonApp "${this.application}"
  TenonEnv RECORDS "${this.path}"
  ${directives}
</TenonPool>
`;
  }

  /** Whether a hook of a request with `?hold` waits, or has. */
  get held(): boolean {
    return existsSync(`${this.path}.held`);
  }

  /** Lets go of the hooks of requests with `?hold`, from now on. */
  release(): void {
    writeFileSync(`${this.path}.release`, "");
  }

  all(): WrittenRecord[] {
    if (!existsSync(this.path)) return [];
    const lines = readFileSync(this.path, "latin1").split("\n").slice(0, -1);
    return lines.map((line) => {
      const [pid, number, status, id = ""] = line.split(" ");
      return { pid: Number(pid), number: Number(number), status: Number(status), id };
    });
  }

  /** Different numbers of requests. */
  numbers(): Set<number> {
    return new Set(this.all().map(({ number }) => number));
  }

  /** Waits for records of so many different requests. */
  async waitFor(count: number, explain: () => string = () => ""): Promise<void> {
    const what = (): string => `${this.numbers().size} of ${count} records\n${explain()}`;
    // The file may be long: it is read again only when it has grown to enough lines.
    await waitUntil("all records", () => this.#lines() >= count && this.numbers().size >= count, {
      timeoutMs: 40_000,
      explain: what,
    });
  }

  #lines(): number {
    if (!existsSync(this.path)) return 0;
    const bytes = readFileSync(this.path);
    let count = 0;
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) count++;
    return count;
  }
}

/** A file in which records of a pool wait, as apache/records/spool_format.h has it. */
export interface SpoolFile {
  readonly name: string;
  /** Bytes of records that no worker has acknowledged. */
  readonly waiting: number;
}

/** The files of a pool. @param runtime directory */
export function spoolFiles(runtime: string, pool: string): SpoolFile[] {
  const folder = join(runtime, "records", pool);
  if (!existsSync(folder)) return [];
  return readdirSync(folder).flatMap((name) => {
    try {
      const header = readSpoolHeader(join(folder, name));
      return header === undefined ? [] : [{ name, waiting: header.written - header.taken }];
    } catch {
      // It was delivered meanwhile.
      return [];
    }
  });
}

/** Writes a file of a spool as far as its header goes. */
export function writeSpool(path: string, header: SpoolHeader): void {
  const bytes = new BigUint64Array(8);
  bytes.set([0x544e53504f4f4c31n, ...[header.written, header.taken, header.worth].map(BigInt)]);
  writeFileSync(path, bytes);
}

/** Bytes of records of a pool that wait. */
export function waitingBytes(runtime: string, pool: string): number {
  return spoolFiles(runtime, pool).reduce((sum, { waiting }) => sum + waiting, 0);
}
