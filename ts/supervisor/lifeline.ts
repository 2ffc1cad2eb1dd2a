// SPDX-License-Identifier: Apache-2.0
// The lifeline: the socket to httpd's parent, which tells of configurations and, by its end, of httpd's (docs/architecture.md).
import { closeSync } from "node:fs";
import { type DescriptorMessage, native, type ReadWatcher } from "../native.ts";

const CONFIGURE = "C".charCodeAt(0);

export interface LifelineEvents {
  /** A configuration was written. @param log descriptor of the present error log, the callee's to close; undefined: as before */
  readonly onConfigure: (log: number | undefined) => void;
  /** httpd is gone. Called once. */
  readonly onEnd: () => void;
}

/** Listens on a lifeline, which keeps the process alive. Does not own the descriptor. */
export class Lifeline {
  readonly #fd: number;
  readonly #events: LifelineEvents;
  readonly #watcher: ReadWatcher;
  #ended = false;

  constructor(fd: number, events: LifelineEvents) {
    this.#fd = fd;
    this.#events = events;
    this.#watcher = native().createReadWatcher(fd, () => this.#onReadable());
    this.#watcher.start();
  }

  close(): void {
    this.#ended = true;
    this.#watcher.close();
  }

  #onReadable(): void {
    while (!this.#ended) {
      const message = this.#receive();
      if (message === undefined) return;
      if (message.data.length === 0) {
        this.close();
        this.#events.onEnd();
        return;
      }
      this.#take(message);
    }
  }

  #receive(): DescriptorMessage | undefined {
    try {
      return native().receiveDescriptors(this.#fd);
    } catch (error) {
      // Reset: the parent was killed with a message of ours unread. Anything else is no way to go on either.
      if ((error as NodeJS.ErrnoException).code === "EMSGSIZE") throw error;
      return { data: Buffer.alloc(0), descriptors: [] };
    }
  }

  #take(message: DescriptorMessage): void {
    const configures = message.data.includes(CONFIGURE);
    const log = configures ? message.descriptors.at(-1) : undefined;
    for (const fd of message.descriptors) if (fd !== log) closeSync(fd);
    if (configures) this.#events.onConfigure(log);
  }
}
