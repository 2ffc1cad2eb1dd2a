// SPDX-License-Identifier: Apache-2.0
// The runtime directory: one supervisor's at a time, with the smallest rights that work (docs/architecture.md).
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fail } from "../errors.ts";
import { type FileOwner, giveTo } from "./scoreboard-file.ts";

const DIRECTORY_MODE = 0o710;
const CACHE_MODE = 0o700;
/** Log records that wait for a worker: httpd's children write and remove these files (apache/records/spool.h). */
const RECORDS = "records";
const PID_FILE = "supervisor.pid";
const CONFIG_FILE = "config.json";
const PARTS = ["/supervisor/main.ts", "/supervisor/main.js"];

/** Removes a directory, unless something is in it: that is not for us to remove. */
function removeEmpty(path: string): void {
  try {
    rmdirSync(path);
  } catch (error) {
    const { code = "" } = error as NodeJS.ErrnoException;
    if (!["ENOTEMPTY", "ENOTDIR", "ENOENT"].includes(code)) throw error;
  }
}

/**
 * The runtime directory of this supervisor.
 *
 * Normal use: claim() at the start; prepare() and poolDirectory() at each configuration; remove() at the end.
 */
export class RuntimeDirectory {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  get configPath(): string {
    return join(this.path, CONFIG_FILE);
  }

  /** Folder of the compile cache: what is in it is run as our user, so nobody else may write or read there. */
  get compileCache(): string {
    return join(this.path, "compile-cache");
  }

  /**
   * Makes the directory this supervisor's own.
   * @throws {TENON_ERR_RUNTIME_DIRECTORY} when it is not a directory of our user
   * @throws {TENON_ERR_SUPERVISOR_RUNNING} when a living supervisor has it
   */
  claim(): void {
    mkdirSync(this.path, { recursive: true, mode: DIRECTORY_MODE });
    const found = lstatSync(this.path);
    const reason = !found.isDirectory()
      ? "it is not a directory"
      : found.uid !== process.geteuid?.()
        ? `it belongs to uid ${found.uid}`
        : undefined;
    if (reason !== undefined) {
      throw fail("TENON_ERR_RUNTIME_DIRECTORY", { path: this.path, reason });
    }
    const pidPath = join(this.path, PID_FILE);
    if (this.#writePid(pidPath)) return;
    const pid = Number(readFileSync(pidPath, "utf8"));
    if (this.#isSupervisor(pid)) {
      throw fail("TENON_ERR_SUPERVISOR_RUNNING", { pid, path: this.path });
    }
    unlinkSync(pidPath);
    if (!this.#writePid(pidPath)) {
      throw fail("TENON_ERR_SUPERVISOR_RUNNING", { pid: "unknown", path: this.path });
    }
  }

  /** Sets owners and modes, and removes what is there of pools that are no more. */
  prepare(owner: FileOwner, pools: ReadonlySet<string>): void {
    this.#open(this.path, owner);
    const all = join(this.path, "pools");
    this.#open(all, owner);
    mkdirSync(this.compileCache, { recursive: true, mode: CACHE_MODE });
    for (const name of readdirSync(all)) {
      if (!pools.has(name)) rmSync(join(all, name), { recursive: true, force: true });
    }
  }

  /** Makes a pool's directory; the sockets of a dead predecessor are removed, its scoreboard stays until it is replaced. */
  poolDirectory(name: string, owner: FileOwner): string {
    const path = join(this.path, "pools", name);
    this.#open(path, owner);
    for (const file of readdirSync(path)) {
      if (file !== "scoreboard") rmSync(join(path, file), { recursive: true, force: true });
    }
    return path;
  }

  removePool(name: string): void {
    rmSync(join(this.path, "pools", name), { recursive: true, force: true });
  }

  /**
   * Removes everything but log records that no worker has acknowledged, and leaves the directory to another httpd that has put its
   * config.json there meanwhile. @param parent pid of our httpd
   */
  remove(parent: number | undefined): void {
    rmSync(join(this.path, "pools"), { recursive: true, force: true });
    rmSync(this.compileCache, { recursive: true, force: true });
    rmSync(join(this.path, PID_FILE), { force: true });
    if (!this.#configIsOf(parent)) return;
    rmSync(this.configPath, { force: true });
    this.#removeEmptyRecords();
    removeEmpty(this.path);
  }

  #removeEmptyRecords(): void {
    const records = join(this.path, RECORDS);
    if (!existsSync(records)) return;
    for (const pool of readdirSync(records)) removeEmpty(join(records, pool));
    removeEmpty(records);
  }

  #open(path: string, owner: FileOwner): void {
    mkdirSync(path, { recursive: true, mode: DIRECTORY_MODE });
    giveTo(path, owner);
    chmodSync(path, DIRECTORY_MODE);
  }

  #writePid(path: string): boolean {
    try {
      writeFileSync(path, `${process.pid}\n`, { flag: "wx", mode: 0o600 });
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw error;
    }
  }

  /** Whether the pid is that of a supervisor of this directory, and not of a process that came after it. */
  #isSupervisor(pid: number): boolean {
    if (pid === process.pid) return false;
    let line: string[];
    try {
      line = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
    } catch {
      // No such process.
      return false;
    }
    return (
      line.includes(this.path) && line.some((word) => PARTS.some((part) => word.endsWith(part)))
    );
  }

  #configIsOf(parent: number | undefined): boolean {
    try {
      const { parent: found } = JSON.parse(readFileSync(this.configPath, "utf8")) as {
        parent?: { pid?: unknown };
      };
      return parent === undefined || found?.pid === parent;
    } catch {
      // Gone, or half written by somebody who has just died.
      return true;
    }
  }
}
