// SPDX-License-Identifier: Apache-2.0
// What a worker writes on stdout or stderr, as lines. Keeps one line of bounded length, whatever comes. Called by worker-output.ts.

/** Longest line that is passed on; the rest of a longer one is dropped. */
export const LONGEST_LINE_BYTES = 8192;
const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

/** Splits chunks into lines. Fed by worker-output.ts; one for each stream. */
export class LineSplitter {
  readonly #onLine: (line: string) => void;
  readonly #line: Buffer = Buffer.allocUnsafe(LONGEST_LINE_BYTES);
  #length = 0;
  #cut = false;

  constructor(onLine: (line: string) => void) {
    this.#onLine = onLine;
  }

  /** Takes a chunk in any size; calls back for each line that it finishes. */
  push(chunk: Buffer): void {
    let from = 0;
    while (from < chunk.length) {
      const feed = chunk.indexOf(LINE_FEED, from);
      const to = feed < 0 ? chunk.length : feed;
      this.#append(chunk, from, to);
      if (feed >= 0) this.#finish();
      from = to + 1;
    }
  }

  /** Passes on the last line when it had no line feed. */
  end(): void {
    if (this.#length > 0) this.#finish();
  }

  #append(chunk: Buffer, from: number, to: number): void {
    const fits = Math.min(to - from, LONGEST_LINE_BYTES - this.#length);
    chunk.copy(this.#line, this.#length, from, from + fits);
    this.#length += fits;
    if (fits < to - from) this.#cut = true;
  }

  #finish(): void {
    let length = this.#length;
    if (!this.#cut && this.#line[length - 1] === CARRIAGE_RETURN && length > 0) length -= 1;
    const text = this.#line.toString("utf8", 0, length);
    const line = this.#cut ? `${text} (cut)` : text;
    this.#length = 0;
    this.#cut = false;
    this.#onLine(line);
  }
}
