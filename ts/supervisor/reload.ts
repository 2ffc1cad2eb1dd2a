// SPDX-License-Identifier: Apache-2.0
// Watches the files that a pool's workers have told of, with the rights of the pool's user, and says when a new generation is to begin. Called by
// pool.ts; what is in a file, and whether it starts, is no business of this one.
import type { FileStamp } from "../channel/control-messages.ts";
import { FileWatch, stampOf, type WatchTrouble } from "../file-watch.ts";
import { type Identity, native, type ReadWatcher } from "../native.ts";
import type { ReloadMode } from "../settings/settings.ts";
import type { Clock, Timer } from "./clock.ts";
import { noteChanges, settlesAt, type Unsettled } from "./settle.ts";

/** Between two looks at what the system does not watch for us. */
const COMPARE_MS = 1000;
/** A worker may tell of as many files as it likes; an application has fewer. */
const MOST_FILES = 100_000;

export interface ReloadOptions {
  readonly mode: ReloadMode;
  /** TenonWatch. */
  readonly watch: readonly string[];
  /** Whose rights count; undefined: ours. */
  readonly identity: Identity | undefined;
  readonly clock: Clock;
  /** Called at each change, before it is settled. */
  readonly onChange: (settlesAt: number) => void;
  /** Called when nothing has changed for a while. */
  readonly onSettled: (changes: Unsettled) => void;
  readonly onTrouble: (trouble: WatchTrouble) => void;
}

/** Watches from the first `told` until `close`. Idle, it costs a descriptor and no time. */
export class Reload {
  readonly #options: ReloadOptions;
  #generation = 0;
  #watch: FileWatch | undefined;
  #readable: ReadWatcher | undefined;
  #compare: Timer | undefined;
  #unsettled: Unsettled | undefined;
  #settle: Timer | undefined;
  #troubled = false;
  #closed = false;

  constructor(options: ReloadOptions) {
    this.#options = options;
  }

  /** Takes files that a worker has told of. The first of a generation end the watch for what only earlier ones were made from. */
  told(generation: number, files: readonly FileStamp[]): void {
    if (this.#options.mode === "off" || this.#closed || generation < this.#generation) return;
    const changed = this.#asUser(() => {
      if (this.#watch === undefined || generation > this.#generation) this.#begin(generation);
      return this.#add(files);
    });
    this.#lookLater();
    if (changed.length > 0) this.changed(changed);
  }

  /** Takes note of files that have changed. */
  changed(files: readonly string[]): void {
    const { mode, clock, onChange } = this.#options;
    if (mode === "off" || this.#closed) return;
    const now = clock.now();
    this.#unsettled = noteChanges(this.#unsettled, files, now);
    const at = settlesAt(this.#unsettled, mode);
    this.#settle?.cancel();
    this.#settle = clock.after(Math.max(0, at - now), () => this.#onSettled());
    onChange(at);
  }

  close(): void {
    this.#closed = true;
    this.#settle?.cancel();
    this.#end();
  }

  #begin(generation: number): void {
    this.#end();
    this.#generation = generation;
    const watch = new FileWatch((trouble) => {
      if (!this.#troubled) this.#options.onTrouble(trouble);
      this.#troubled = true;
    });
    this.#watch = watch;
    for (const path of this.#options.watch) watch.addTree(path);
    if (watch.fd === undefined) return;
    this.#readable = native().createReadWatcher(watch.fd, () => this.#look());
    this.#readable.start();
  }

  #end(): void {
    this.#compare?.cancel();
    this.#compare = undefined;
    this.#readable?.close();
    this.#readable = undefined;
    this.#watch?.close();
    this.#watch = undefined;
  }

  /** @returns those that have changed since the worker looked at them */
  #add(files: readonly FileStamp[]): string[] {
    const watch = this.#watch as FileWatch;
    for (const [path] of files) if (watch.size < MOST_FILES) watch.add(path);
    return files.filter(([path, stamp]) => stampOf(path) !== stamp).map(([path]) => path);
  }

  #look(): void {
    const changed = this.#asUser(() => this.#watch?.changed());
    this.#lookLater();
    if (changed !== undefined) this.changed(changed);
  }

  #lookLater(): void {
    if (this.#watch?.compares !== true) return;
    this.#compare?.cancel();
    this.#compare = this.#options.clock.after(COMPARE_MS, () => this.#look());
  }

  #onSettled(): void {
    const changes = this.#unsettled;
    this.#unsettled = undefined;
    if (changes !== undefined) this.#options.onSettled(changes);
  }

  #asUser<T>(callback: () => T): T {
    const { identity } = this.#options;
    return identity === undefined ? callback() : native().withFileAccess(identity, callback);
  }
}
