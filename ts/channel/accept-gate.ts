// SPDX-License-Identifier: Apache-2.0
// Takes channels from a listening socket while there is room, and from nobody but the host. Called by ts/worker/runtime.ts.
import { closeSync } from "node:fs";
import { type AcceptedConnection, type Native, native, type ReadWatcher } from "../native.ts";

export interface AcceptGateOptions {
  /** Listening socket; the caller's. */
  readonly fd: number;
  /** Users whose processes may connect. */
  readonly hostUids: readonly number[];
  /** Connections taken at one turn of the event loop, at most. */
  readonly batch: number;
  /** Called with each connection of the host; its descriptor is the callee's from then on. */
  readonly onConnection: (fd: number) => void;
  /** Called when a connection was closed because its peer is not the host. */
  readonly onRefused: (peer: AcceptedConnection) => void;
  /** Called when the system has no descriptor, or no memory, for a connection; it waits on. The callee closes the gate until there is one again. @param code of errno(3) */
  readonly onExhausted: (code: string) => void;
}

/** What accept4(2) fails with for want of something that others may give back. */
const EXHAUSTED: readonly unknown[] = ["EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"];

/**
 * A gate before a listening socket.
 *
 * 1. Made closed. 2. `open` and `close` as room comes and goes; both may be called at any time. 3. `end` for good.
 * While it is closed connections wait in the kernel's queue, where another worker may take them.
 */
export class AcceptGate {
  readonly #options: AcceptGateOptions;
  readonly #watcher: ReadWatcher;
  readonly #native: Native = native();
  #isOpen = false;
  #ended = false;

  constructor(options: AcceptGateOptions) {
    this.#options = options;
    this.#watcher = this.#native.createReadWatcher(options.fd, () => this.#accept());
  }

  open(): void {
    if (this.#isOpen || this.#ended) return;
    this.#isOpen = true;
    this.#watcher.start();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#watcher.stop();
  }

  end(): void {
    if (this.#ended) return;
    this.close();
    this.#ended = true;
    this.#watcher.close();
  }

  #next(fd: number): AcceptedConnection | undefined {
    try {
      return this.#native.acceptConnection(fd);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (!EXHAUSTED.includes(code)) throw error;
      this.#options.onExhausted(String(code));
      return undefined;
    }
  }

  #accept(): void {
    const { fd, batch, hostUids, onConnection, onRefused } = this.#options;
    // onConnection may close the gate.
    for (let taken = 0; taken < batch && this.#isOpen; taken++) {
      const connection = this.#next(fd);
      if (connection === undefined) return;
      if (hostUids.includes(connection.uid)) {
        onConnection(connection.fd);
      } else {
        closeSync(connection.fd);
        onRefused(connection);
      }
    }
  }
}
