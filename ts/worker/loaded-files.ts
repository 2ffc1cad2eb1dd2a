// SPDX-License-Identifier: Apache-2.0
// Knows which files the application is made of, tells the supervisor, and, where the pool is strict, whether one has changed. Made by main.ts.
import { existsSync } from "node:fs";
import { registerHooks } from "node:module";
import { basename, dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { FileStamp } from "../channel/control-messages.ts";
import { FileWatch, stampOf } from "../file-watch.ts";

/** A message is sent as soon as it has so many files, so that one that is interrupted by the end of the process has told most. */
const FILES_A_MESSAGE = 32;
/** What a specifier without a suffix may stand for. */
const SUFFIXES = ["", ".js", ".cjs", ".mjs", ".ts", ".json", ".node"];
/** No application's. */
const ownFolder: string = fileURLToPath(new URL("..", import.meta.url));

export interface LoadedFilesOptions {
  /** The application's file. */
  readonly app: string;
  /** Working directory of the worker. */
  readonly directory: string;
  /** TenonWatch. */
  readonly watch: readonly string[];
  /** Whether `outdated` is to be exact. */
  readonly strict: boolean;
  readonly tell: (files: readonly FileStamp[]) => void;
  readonly log: (text: string) => void;
}

/**
 * The files that an application was made from.
 *
 * 1. Made before the application is loaded. 2. Each file is watched, and its stamp taken, before Node reads it.
 * Modules of worker_threads and child processes are not seen: that is what TenonWatch is for.
 */
export class LoadedFiles {
  readonly #options: LoadedFilesOptions;
  readonly #stamps = new Map<string, string>();
  readonly #watch: FileWatch | undefined;
  #untold: FileStamp[] = [];
  #telling: NodeJS.Immediate | undefined;
  #outdated: string | undefined;

  constructor(options: LoadedFilesOptions) {
    this.#options = options;
    if (options.strict) this.#watch = new FileWatch(({ text }) => options.log(text));
    for (const path of options.watch) this.#watch?.addTree(path);
    for (const path of conventional(options.app, options.directory)) this.#note(path);
    this.#tellNow();
    process.on("exit", () => this.#tellNow());
    registerHooks({
      resolve: (specifier, context, next) => {
        let url: string | undefined;
        try {
          const resolved = next(specifier, context);
          url = resolved.url;
          return resolved;
        } finally {
          this.#resolved(specifier, context.parentURL, url);
        }
      },
    });
  }

  /** The first file found that is not what was loaded; undefined when all are, and always when the pool is not strict. */
  outdated(): string | undefined {
    this.#outdated ??= this.#watch?.changed()?.[0];
    return this.#outdated;
  }

  /** Tells all files once more, to a supervisor that knows none. */
  tellAll(): void {
    this.#untold = [...this.#stamps];
    this.#tellNow();
  }

  #note(path: string): void {
    if (this.#stamps.has(path)) return;
    this.#watch?.add(path);
    const file: FileStamp = [path, stampOf(path)];
    this.#stamps.set(...file);
    this.#untold.push(file);
    if (this.#untold.length >= FILES_A_MESSAGE) this.#tellNow();
    else this.#telling ??= setImmediate(() => this.#tellNow());
  }

  #tellNow(): void {
    clearImmediate(this.#telling);
    this.#telling = undefined;
    while (this.#untold.length > 0) this.#options.tell(this.#untold.splice(0, FILES_A_MESSAGE));
  }

  /** @param url undefined: it was not found */
  #resolved(specifier: string, parent: string | undefined, url: string | undefined): void {
    const found = pathOf(url);
    if (url !== undefined && found === undefined) return;
    if (found?.startsWith(ownFolder)) return;
    for (const path of asked(specifier, parent, found)) this.#note(path);
    if (found !== undefined) this.#note(found);
  }
}

function pathOf(url: string | undefined): string | undefined {
  return url?.startsWith("file:///") ? fileURLToPath(url) : undefined;
}

/** What a module was asked for by, where that is another path than the one found: links on the way, or all that would have been found. */
function asked(specifier: string, parent: string | undefined, found: string | undefined): string[] {
  const from = pathOf(parent);
  if (from === undefined) return [];
  const named = specifier.startsWith(".") || specifier.startsWith(sep);
  if (!named && specifier.startsWith("file:")) return [];
  const path = named
    ? resolve(dirname(from), specifier.replace(/[?#].*$/, ""))
    : packageFolder(from, specifier);
  if (path === undefined) return [];
  if (found === undefined) return named ? SUFFIXES.map((suffix) => path + suffix) : [path];
  return found.startsWith(named ? path : path + sep) ? [] : [path];
}

/** Where a package is, or would be. */
function packageFolder(from: string, specifier: string): string | undefined {
  const name = /^(?:@[^/]+\/)?[^/#@][^/]*/.exec(specifier)?.[0];
  if (name === undefined) return undefined;
  let nearest: string | undefined;
  for (let at = dirname(from); ; at = dirname(at)) {
    const folder = join(at, "node_modules");
    if (basename(at) !== "node_modules") {
      if (existsSync(join(folder, name))) return join(folder, name);
      if (existsSync(folder) || existsSync(join(at, "package.json")))
        nearest ??= join(folder, name);
    }
    if (at === sep) return nearest;
  }
}

/** The files that an application is made from although nothing loads them as modules; none needs to be there. */
function conventional(app: string, directory: string): string[] {
  const paths = new Set([app]);
  const mode = process.env["NODE_ENV"] ?? "production";
  for (const folder of [directory, dirname(app)]) {
    for (const suffix of ["", ".local", `.${mode}`, `.${mode}.local`]) {
      paths.add(join(folder, `.env${suffix}`));
    }
  }
  for (let at = dirname(app); ; at = dirname(at)) {
    paths.add(join(at, "package.json"));
    if (existsSync(join(at, "package.json")) || at === sep) return [...paths];
  }
}
