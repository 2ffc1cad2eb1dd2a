// SPDX-License-Identifier: Apache-2.0
// Ctrl-C in the middle of a run: the first lets it end in order, the second ends it at once. Called by main.ts and soak-main.ts.

const NAMES = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/** Listens from its making until `end`. */
export class Interruption {
  readonly #controller = new AbortController();
  #by: NodeJS.Signals | undefined;

  constructor() {
    for (const name of NAMES) process.once(name, this.#onSignal);
  }

  /** Aborted when the run is to end. */
  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** The run is over: who was interrupted ends by that signal, as a shell expects. */
  end(): void {
    for (const name of NAMES) process.off(name, this.#onSignal);
    if (this.#by !== undefined) process.kill(process.pid, this.#by);
  }

  readonly #onSignal = (name: NodeJS.Signals): void => {
    for (const other of NAMES) process.off(other, this.#onSignal);
    this.#by = name;
    this.#controller.abort(new Error(`stopped by ${name}`));
  };
}
