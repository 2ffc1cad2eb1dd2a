// SPDX-License-Identifier: Apache-2.0
// A pool's queue socket: requests that no worker has room for wait in its backlog. Workers inherit it and accept; the supervisor
// only looks whether anybody waits.
import { closeSync, readFileSync, rmSync } from "node:fs";
import { native, type ReadWatcher } from "../native.ts";
import { type FileOwner, giveTo } from "./scoreboard-file.ts";

const MODE = 0o660;
const STANDARD_LONGEST = 4096;

/** A queue socket. Owns its descriptor, its path and its watcher; created and closed by a pool. */
export class QueueSocket {
  readonly fd: number;
  readonly #path: string;
  readonly #watcher: ReadWatcher;
  #watched = false;

  /**
   * @param onWaiting called again and again while watched and somebody waits: stop watching first of all
   * @param inherited the socket, where a predecessor has made it
   */
  constructor(
    path: string,
    length: number,
    owner: FileOwner,
    onWaiting: () => void,
    inherited?: number,
  ) {
    this.#path = path;
    this.fd = inherited ?? native().listenUnix(path, length, MODE);
    try {
      giveTo(path, owner);
      this.#watcher = native().createReadWatcher(this.fd, onWaiting);
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
  }

  /** Watches, or does not. */
  watch(watched: boolean): void {
    if (watched === this.#watched) return;
    this.#watched = watched;
    if (watched) this.#watcher.start();
    else this.#watcher.stop();
  }

  /** Ends all connections that wait. A host that has one looks again, and finds why. */
  refuse(): void {
    for (;;) {
      const connection = native().acceptConnection(this.fd);
      if (connection === undefined) return;
      closeSync(connection.fd);
    }
  }

  give(owner: FileOwner): void {
    giveTo(this.#path, owner);
  }

  setLength(length: number): void {
    native().setBacklog(this.fd, length);
  }

  /** The longest queue that the system allows (net.core.somaxconn). */
  longest(): number {
    try {
      return Number(readFileSync("/proc/sys/net/core/somaxconn", "utf8"));
    } catch {
      // No /proc here: the kernel's standard.
      return STANDARD_LONGEST;
    }
  }

  close(): void {
    this.#watcher.close();
    closeSync(this.fd);
    rmSync(this.#path, { force: true });
  }
}
