// SPDX-License-Identifier: Apache-2.0
// Descriptors that must outlive a supervisor: they wait, as messages that nobody has received, in a socket pair whose ends httpd's parent holds
// too (docs/architecture.md, "Supervisor's death"). Called by pool-queue.ts, worker-process.ts and takeover.ts.
import { closeSync } from "node:fs";
import { type DescriptorMessage, native } from "../native.ts";

/** What is said of stored descriptors. Below 4000 bytes as JSON. */
export type StoredFacts = Readonly<Record<string, string | number>>;

/** Descriptors that a predecessor has stored; the receiver's from now on, and in the store all the same. */
export interface StoredDescriptors {
  readonly key: string;
  readonly facts: StoredFacts;
  readonly descriptors: readonly number[];
}

interface Message extends StoredDescriptors {
  /** Of the store object that has sent it. */
  readonly owner: string;
}

function closeAll(descriptors: readonly number[]): void {
  for (const fd of descriptors) closeSync(fd);
}

function isFull(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "EAGAIN";
}

/**
 * The store.
 *
 * 1. `takeOver` once, before all else: what predecessors have left. 2. `keep` and `drop`.
 * A message is put to the back before it is taken from the front: whenever its supervisor is killed, each is there once at least.
 */
export class DescriptorStore {
  readonly #in: number;
  readonly #out: number;
  readonly #owner: string;
  #count = 0;

  /** @param input end that messages are sent to @param output end that they wait at @param owner of no other supervisor ever */
  constructor(input: number, output: number, owner: string) {
    this.#in = input;
    this.#out = output;
    this.#owner = owner;
  }

  /** Gives all that is stored, and makes it this supervisor's. Of a key that is there twice the first is given. */
  takeOver(): StoredDescriptors[] {
    const found = new Map<string, StoredDescriptors>();
    for (;;) {
      const message = this.#peek();
      if (message === undefined || message.owner === this.#owner) {
        closeAll(message?.descriptors ?? []);
        return [...found.values()];
      }
      const { key, facts, descriptors } = message;
      if (found.has(key)) {
        this.#remove();
        closeAll(descriptors);
      } else {
        this.#moveToBack(key, facts, descriptors);
        this.#count += 1;
        found.set(key, { key, facts, descriptors });
      }
    }
  }

  /** Stores copies of descriptors, 16 at most. @param key of no other ones @returns false when there is no room @throws errors of the system */
  keep(key: string, facts: StoredFacts, descriptors: readonly number[]): boolean {
    try {
      this.#send(key, facts, descriptors);
    } catch (error) {
      if (!isFull(error)) throw error;
      return false;
    }
    this.#count += 1;
    return true;
  }

  /** Gives up what is stored with a key. */
  drop(key: string): void {
    for (let left = this.#count; left > 0; left--) {
      const message = this.#peek();
      if (message === undefined) return;
      if (message.key === key) {
        this.#remove();
        this.#count -= 1;
      } else {
        this.#moveToBack(message.key, message.facts, message.descriptors);
      }
      closeAll(message.descriptors);
    }
  }

  #send(key: string, facts: StoredFacts, descriptors: readonly number[]): void {
    const text = JSON.stringify({ owner: this.#owner, key, facts });
    native().sendDescriptors(this.#in, Buffer.from(text), descriptors);
  }

  #moveToBack(key: string, facts: StoredFacts, descriptors: readonly number[]): void {
    try {
      this.#send(key, facts, descriptors);
    } catch (error) {
      if (!isFull(error)) throw error;
      // There is room again for as much as is taken out.
      this.#remove();
      this.#send(key, facts, descriptors);
      return;
    }
    this.#remove();
  }

  #peek(): Message | undefined {
    const message = native().receiveDescriptors(this.#out, true);
    return message === undefined || message.data.length === 0 ? undefined : parse(message);
  }

  #remove(): void {
    const message = native().receiveDescriptors(this.#out);
    closeAll(message?.descriptors ?? []);
  }
}

/** Only supervisors write to a store. */
function parse({ data, descriptors }: DescriptorMessage): Message {
  const { owner, key, facts } = JSON.parse(data.toString()) as Omit<Message, "descriptors">;
  return { owner, key, facts, descriptors };
}
