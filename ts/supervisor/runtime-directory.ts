// SPDX-License-Identifier: Apache-2.0
// The runtime directory: one supervisor's at a time, with the smallest rights that work (docs/architecture.md).
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { fail } from "../errors.ts";
import { removeApplicationCaches } from "./application-cache.ts";
import type { CacheFolders } from "./compile-cache.ts";
import { removeEmpty, removeWorthless } from "./log-records.ts";
import { type FileOwner, giveTo } from "./scoreboard-file.ts";

const DIRECTORY_MODE = 0o710;
const CACHE_MODE = 0o700;
/** Log records that wait for a worker: httpd's children write and remove these files (apache/records/spool.h). */
const RECORDS = "records";
const PID_FILE = "supervisor.pid";
const CONFIG_FILE = "config.json";
const PARTS = ["/supervisor/main.ts", "/supervisor/main.js"];

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

  /** Folders of the compile caches of a pool's workers. */
  caches(pool: string): CacheFolders {
    return { own: this.compileCache, application: join(this.#applicationCaches, pool) };
  }

  get #applicationCaches(): string {
    return join(this.path, "application-cache");
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
    mkdirSync(this.#applicationCaches, { recursive: true, mode: CACHE_MODE });
    removeApplicationCaches(this.#applicationCaches, pools);
    for (const name of readdirSync(all)) {
      if (!pools.has(name)) rmSync(join(all, name), { recursive: true, force: true });
    }
  }

  /** Makes a pool's directory; the sockets of a dead predecessor are removed, its scoreboard stays until it is replaced. */
  poolDirectory(name: string, owner: FileOwner): string {
    const path = this.poolPath(name);
    this.#open(path, owner);
    for (const file of readdirSync(path)) {
      if (file !== "scoreboard") rmSync(join(path, file), { recursive: true, force: true });
    }
    return path;
  }

  poolPath(name: string): string {
    return join(this.path, "pools", name);
  }

  removePool(name: string): void {
    rmSync(this.poolPath(name), { recursive: true, force: true });
    const left = readdirSync(join(this.path, "pools"));
    removeApplicationCaches(this.#applicationCaches, new Set(left));
  }

  /**
   * Removes everything but log records that no worker has had, and leaves the directory to another httpd that has put its
   * config.json there meanwhile. @param parent pid of our httpd
   */
  remove(parent: number | undefined): void {
    rmSync(join(this.path, "pools"), { recursive: true, force: true });
    rmSync(this.compileCache, { recursive: true, force: true });
    removeApplicationCaches(this.#applicationCaches, new Set());
    rmSync(join(this.path, PID_FILE), { force: true });
    if (!this.#configIsOf(parent)) return;
    rmSync(this.configPath, { force: true });
    removeWorthless(join(this.path, RECORDS));
    removeEmpty(this.path);
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
