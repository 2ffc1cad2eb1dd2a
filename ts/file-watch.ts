// SPDX-License-Identifier: Apache-2.0
// Notices that files are not what they were, however they are replaced. Used by the worker (strict) and by the supervisor.
import { closeSync, lstatSync, readdirSync, readlinkSync } from "node:fs";
import { basename, dirname, join, resolve, sep } from "node:path";
import { native } from "./native.ts";

// <sys/inotify.h>, the same on all of Linux.
const IN_MODIFY = 0x2;
const IN_CLOSE_WRITE = 0x8;
const IN_MOVED_FROM = 0x40;
const IN_MOVED_TO = 0x80;
const IN_CREATE = 0x100;
const IN_DELETE = 0x200;
const IN_DELETE_SELF = 0x400;
const IN_MOVE_SELF = 0x800;
const IN_Q_OVERFLOW = 0x4000;
const IN_IGNORED = 0x8000;
const IN_ONLYDIR = 0x1000000;
const IN_EXCL_UNLINK = 0x4000000;
const IN_MASK_ADD = 0x20000000;

/** A directory that is another one from now on, or none. */
const OF_DIRECTORY = IN_DELETE_SELF | IN_MOVE_SELF;
const OF_NAMES =
  IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE | OF_DIRECTORY;
const HOW = IN_ONLYDIR | IN_EXCL_UNLINK | IN_MASK_ADD;
/** As the kernel has it (MAXSYMLINKS). */
const MOST_LINKS = 40;

/** What is looked at in a directory: these names, or all but those that trees pass over. */
interface Watched {
  readonly path: string;
  readonly names: Set<string>;
  all: boolean;
  /** It is watched for what happens to its names too. */
  named: boolean;
}

/** What the system refused to watch, and what to do. */
export interface WatchTrouble {
  readonly text: string;
  /** Nothing is wrong with the system: a directory that the user may pass through but not read. */
  readonly usual: boolean;
}

/** A file as it was: its inode and when it was last changed, which nobody can set back; "" when there is none. */
export function stampOf(path: string): string {
  try {
    const found = lstatSync(path, { bigint: true, throwIfNoEntry: false });
    return found === undefined ? "" : `${found.ino}:${found.ctimeNs}`;
  } catch {
    // A directory on its way is closed to us, or is none.
    return "";
  }
}

function codeOf(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? String(error);
}

/** Names that nobody means with a whole directory: hidden ones, editors' backups, installed packages. */
function isPassedOver(name: string): boolean {
  return name.startsWith(".") || name.endsWith("~") || name === "node_modules";
}

/**
 * Watches files by the directories that they are in, so that one that is replaced, deleted or not there yet is noticed too, and
 * every symbolic link and directory on the way to them.
 *
 * 1. `add` before a file is read. 2. `changed` whenever one wants to know; `fd` can be read when there may be something.
 * What the system refuses to watch is compared with what it was at each `changed`. Owns its descriptor until `close`.
 */
export class FileWatch {
  /** Undefined: the system gave no inotify instance. */
  readonly fd: number | undefined;
  readonly #directories = new Map<string, Watched>();
  readonly #byWatch = new Map<number, Watched>();
  /** What is looked at by its stamp alone. */
  readonly #compared = new Map<string, string>();
  readonly #added = new Set<string>();
  /** Directories that a walk has passed already, by the path that led there. */
  readonly #walked = new Map<string, string>();
  readonly #onTrouble: (trouble: WatchTrouble) => void;
  #troubled = false;

  /** @param onTrouble called once */
  constructor(onTrouble: (trouble: WatchTrouble) => void) {
    this.#onTrouble = onTrouble;
    try {
      this.fd = native().createInotify();
    } catch (error) {
      this.#refused("files", error);
    }
  }

  /** Whether some of it is only found out by asking `changed`. */
  get compares(): boolean {
    return this.#compared.size > 0;
  }

  /** How many paths it was given. */
  get size(): number {
    return this.#added.size;
  }

  /** Watches a path, by what it is called and by what it leads to. It need not exist. */
  add(path: string): void {
    if (this.#added.has(path)) return;
    this.#added.add(path);
    this.#walk(path);
  }

  /** Watches a file, or a directory and all that is below it. */
  addTree(path: string): void {
    this.#added.add(path);
    const found = this.#walk(path);
    if (found === undefined) return;
    this.#watchAll(found);
  }

  /** Paths that have changed since the last call; undefined: none. */
  changed(): string[] | undefined {
    const events = this.fd === undefined ? undefined : native().readInotify(this.fd);
    if (events === undefined && this.#compared.size === 0) return undefined;
    const found = new Set<string>();
    for (let part = events; part !== undefined; part = native().readInotify(this.fd as number)) {
      for (const { watch, mask, name } of part) this.#judge(watch, mask, name, found);
    }
    for (const [path, stamp] of this.#compared) {
      const now = stampOf(path);
      if (now === stamp) continue;
      this.#compared.set(path, now);
      found.add(path);
    }
    return found.size === 0 ? undefined : [...found];
  }

  close(): void {
    if (this.fd !== undefined) closeSync(this.fd);
  }

  #judge(watch: number, mask: number, name: string, found: Set<string>): void {
    if ((mask & IN_Q_OVERFLOW) !== 0) {
      found.add("more files than the system keeps note of");
      return;
    }
    const directory = this.#byWatch.get(watch);
    if (directory === undefined) return;
    if ((mask & (OF_DIRECTORY | IN_IGNORED)) !== 0) found.add(directory.path);
    else if (directory.names.has(name) || (directory.all && !isPassedOver(name))) {
      found.add(join(directory.path, name));
    }
  }

  /** Follows a path, watching each link and directory on its way. @returns the directory that it leads to, undefined when it is none */
  #walk(path: string, links = 0): string | undefined {
    if (path === sep) return sep;
    const known = this.#walked.get(path);
    if (known !== undefined) return known;
    const parent = this.#walk(dirname(path), links);
    if (parent === undefined) return undefined;
    const at = join(parent, basename(path));
    let kind = this.#kindOf(at);
    if (kind === "directory") {
      this.#watchDirectory(at);
    } else {
      this.#watchName(parent, basename(path));
      // Once more: it may have become another one before it was watched.
      kind = this.#kindOf(at);
    }
    let found = kind === "directory" ? at : undefined;
    if (kind === "link" && links < MOST_LINKS) {
      found = this.#walk(resolve(parent, readLink(at)), links + 1);
    }
    if (found !== undefined) this.#walked.set(path, found);
    return found;
  }

  #kindOf(path: string): "directory" | "link" | "file" | "none" {
    try {
      const found = lstatSync(path, { throwIfNoEntry: false });
      if (found === undefined) return "none";
      return found.isSymbolicLink() ? "link" : found.isDirectory() ? "directory" : "file";
    } catch {
      return "none";
    }
  }

  #watchAll(path: string): void {
    const directory = this.#watched(path);
    directory.all = true;
    this.#watchNames(directory);
    let entries: { name: string; isDirectory(): boolean }[] = [];
    try {
      entries = readdirSync(path, { withFileTypes: true });
    } catch (error) {
      this.#refused(path, error);
    }
    for (const entry of entries) {
      if (isPassedOver(entry.name)) continue;
      const next = join(path, entry.name);
      if (!directory.named) this.#compared.set(next, stampOf(next));
      if (entry.isDirectory()) this.#watchAll(next);
    }
    if (!directory.named) this.#compared.set(path, stampOf(path));
  }

  #watched(path: string): Watched {
    let directory = this.#directories.get(path);
    if (directory === undefined) {
      directory = { path, names: new Set(), all: false, named: false };
      this.#directories.set(path, directory);
    }
    return directory;
  }

  #watchDirectory(path: string): void {
    if (this.#directories.has(path)) return;
    const directory = this.#watched(path);
    // A directory that may only be passed through cannot be watched; nor can it be replaced by who may only pass.
    this.#ask(directory, OF_DIRECTORY, () => {});
  }

  #watchName(path: string, name: string): void {
    const directory = this.#watched(path);
    directory.names.add(name);
    this.#watchNames(directory);
    if (directory.named) return;
    const file = join(path, name);
    this.#compared.set(file, stampOf(file));
  }

  #watchNames(directory: Watched): void {
    if (directory.named) return;
    directory.named = this.#ask(directory, OF_NAMES, (error) =>
      this.#refused(directory.path, error),
    );
  }

  #ask(directory: Watched, events: number, onRefused: (error: unknown) => void): boolean {
    if (this.fd === undefined) return false;
    try {
      const watch = native().addInotifyWatch(this.fd, directory.path, events | HOW);
      const known = this.#byWatch.get(watch) ?? directory;
      this.#byWatch.set(watch, known);
      // A directory that is mounted twice is watched by one of its paths.
      return known === directory;
    } catch (error) {
      const code = codeOf(error);
      // Gone meanwhile: the directory above it has told so.
      if (code !== "ENOENT" && code !== "ENOTDIR") onRefused(error);
      return false;
    }
  }

  #refused(what: string, error: unknown): void {
    if (this.#troubled) return;
    this.#troubled = true;
    const code = codeOf(error);
    const text = `${what} cannot be watched (${code}): ${remedies[code] ?? "is it local?"}`;
    this.#onTrouble({ text, usual: code === "EACCES" });
  }
}

const remedies: Readonly<Record<string, string>> = {
  EACCES: "its files are looked at one by one; allow the pool's user to read the directory",
  ENOSPC: "files are looked at one by one; raise fs.inotify.max_user_watches",
  EMFILE: "files are looked at one by one; raise fs.inotify.max_user_instances",
};

function readLink(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    // Another one meanwhile: told by its directory.
    return "";
  }
}
