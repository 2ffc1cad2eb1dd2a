// SPDX-License-Identifier: Apache-2.0
// The queue of a pool as its supervisor sees it: kept for a successor, of the length that was asked for, and looked at whether connections wait, and
// for how long. Made by pool.ts.
import { join } from "node:path";
import type { Log } from "../log.ts";
import type { Clock } from "./clock.ts";
import type { DescriptorStore } from "./descriptor-store.ts";
import { QUEUE_PAUSE_MS } from "./plan.ts";
import type { PoolConfiguration } from "./pool-configuration.ts";
import { QueueAge } from "./queue-age.ts";
import { QueueSocket } from "./queue-socket.ts";
import { queueKey, storeQueue } from "./takeover.ts";

export interface PoolQueueOptions {
  /** The pool's. */
  readonly directory: string;
  readonly configuration: PoolConfiguration;
  /** Where the socket waits for a successor of this supervisor. */
  readonly store: DescriptorStore;
  /** The socket, where a predecessor has made it: it is in the store already. */
  readonly inherited: number | undefined;
  readonly log: Log;
  readonly clock: Clock;
  /** Connections are not to wait: nobody will take them. */
  readonly refuses: () => boolean;
  /** Connections wait. The queue is not watched any more. @param ms whenever it was looked at for so long */
  readonly onWaiting: (ms: number) => void;
}

/** Watches when it is told to. Owns the queue socket; made and closed by a pool. */
export class PoolQueue {
  readonly #options: PoolQueueOptions;
  readonly #name: string;
  readonly #socket: QueueSocket;
  readonly #age: QueueAge = new QueueAge();
  #pausedUntil = 0;

  /** @throws errors of the system */
  constructor(options: PoolQueueOptions) {
    const { directory, configuration, store, inherited, log } = options;
    const { settings, owner } = configuration;
    this.#options = options;
    this.#name = settings.name;
    const path = join(directory, "queue");
    const onWaiting = (): void => this.#onWaiting();
    this.#socket = new QueueSocket(path, settings.queueLength, owner, onWaiting, inherited);
    if (inherited !== undefined) return;
    if (!storeQueue(store, this.#name, this.fd)) {
      const text = "the pool ends, should the supervisor die: there is no room for its queue";
      log.line("warn", "TN0247", { pool: this.#name }, text);
    }
    this.#checkLength(settings.queueLength);
  }

  /** The socket, which workers inherit. */
  get fd(): number {
    return this.#socket.fd;
  }

  /** It is not to be watched before this time, monotonic ms. */
  get pausedUntil(): number {
    return this.#pausedUntil;
  }

  /** Makes owner and length what a configuration says. */
  fit({ owner, settings }: PoolConfiguration): void {
    this.#socket.give(owner);
    this.#socket.setLength(settings.queueLength);
    this.#checkLength(settings.queueLength);
  }

  /** Watches, or does not. */
  watch(watched: boolean): void {
    this.#age.watched(watched, this.#options.clock.now());
    this.#socket.watch(watched);
  }

  /** Another worker takes from it from now on: what waits has not waited for that one. */
  rejuvenate(): void {
    this.#age.reset();
  }

  close(): void {
    this.#options.store.drop(queueKey(this.#name));
    this.#socket.close();
  }

  #onWaiting(): void {
    const { clock, refuses, onWaiting } = this.#options;
    if (refuses()) {
      this.#socket.refuse();
      return;
    }
    const now = clock.now();
    this.#pausedUntil = now + QUEUE_PAUSE_MS;
    const waitingMs = this.#age.waiting(now);
    this.#socket.watch(false);
    onWaiting(waitingMs);
  }

  #checkLength(length: number): void {
    const most = this.#socket.longest();
    if (length <= most) return;
    const text = `TenonQueueLength is ${length}, but the system allows ${most}: raise net.core.somaxconn`;
    this.#options.log.line("warn", "TN0234", { pool: this.#name }, text);
  }
}
