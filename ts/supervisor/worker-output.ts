// SPDX-License-Identifier: Apache-2.0
// A worker's stdout and stderr on their way to the log. Owns the reading ends; created and ended by worker-process.ts.
import { Socket } from "node:net";
import type { Log, LogSubject } from "../log.ts";
import type { Clock } from "./clock.ts";
import { readInspectorLine } from "./inspector.ts";
import { isFatal, isOutOfMemory } from "./last-words.ts";
import { LineSplitter } from "./output.ts";

const KEPT_LINES = 20;
/** What ts/worker says by itself, in the log as a line of its own: the application's words say more of why it ended. */
const ownLine = /^TN\d{4}: /;

/** Logs each line that a worker writes, and remembers the last ones of stderr. */
export class WorkerOutput {
  /** Settled when all has been logged, the end included. */
  readonly closed: Promise<void>;
  readonly #streams: readonly Socket[];
  readonly #last: string[] = [];
  /** What V8 said as it ended the process; a stack without end follows it. */
  #fatal: string | undefined;
  readonly #onClosed: () => void;
  #open = 2;
  #onDrained: (() => void) | undefined;
  #onInspector: ((address: string) => void) | undefined;

  /** @param out reading end of stdout @param err of stderr; both this object's from now on */
  constructor(out: number, err: number, log: Log, subject: LogSubject) {
    let onClosed = (): void => {};
    this.closed = new Promise((resolve) => {
      onClosed = resolve;
    });
    this.#onClosed = onClosed;
    const [stdout, stderr] = [out, err].map(
      (fd) => new Socket({ fd, readable: true, writable: false }),
    ) as [Socket, Socket];
    this.#streams = [stdout, stderr];
    this.#follow(stdout, (line) => log.line("info", "TN0220", subject, line));
    this.#follow(stderr, (line) => {
      if (this.#isInspectors(line)) return;
      if (isFatal(line)) this.#fatal ??= line;
      this.#last.push(line);
      if (this.#last.length > KEPT_LINES) this.#last.shift();
      log.line("notice", "TN0221", subject, line);
    });
  }

  /** The last line of stderr, as the end of a sentence; empty when there is none. */
  lastWords(): string {
    const lines = this.#last.filter((text) => text.trim() !== "");
    const line = this.#fatal ?? lines.findLast((text) => !ownLine.test(text)) ?? lines.at(-1);
    return line === undefined ? "" : `; last line on stderr: ${line}`;
  }

  /** V8 ended the process for want of memory; its words are the last. */
  get isOutOfMemory(): boolean {
    return this.#fatal !== undefined && isOutOfMemory(this.#fatal);
  }

  /** Settles with the address of the worker's inspector, once it says that it has opened it. From now on what Node says of its inspector is no line for the log. */
  inspector(): Promise<string> {
    return new Promise((resolve) => {
      this.#onInspector = resolve;
    });
  }

  #isInspectors(line: string): boolean {
    if (this.#onInspector === undefined) return false;
    const said = readInspectorLine(line);
    if (said !== undefined && said !== "") this.#onInspector(said);
    return said !== undefined;
  }

  /** Reads what is still there, for `limitMs` at most, then calls back and is closed. */
  end(clock: Clock, limitMs: number, onDrained: () => void): void {
    const timer = clock.after(limitMs, () => {
      for (const stream of this.#streams) stream.destroy();
    });
    this.#onDrained = () => {
      timer.cancel();
      onDrained();
      this.#onClosed();
    };
    if (this.#open === 0) this.#onDrained();
  }

  #follow(stream: Socket, onLine: (line: string) => void): void {
    const splitter = new LineSplitter((line) => {
      if (line !== "") onLine(line);
    });
    stream.on("data", (chunk: Buffer) => splitter.push(chunk));
    // A pipe that cannot be read any more ends like one that was closed.
    stream.on("error", () => {});
    stream.on("close", () => {
      splitter.end();
      this.#open -= 1;
      if (this.#open === 0) this.#onDrained?.();
    });
  }
}
