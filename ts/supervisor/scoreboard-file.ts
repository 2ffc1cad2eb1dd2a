// SPDX-License-Identifier: Apache-2.0
// The file of a pool's scoreboard: made, put in the place of another, and the supervisor's words in it.
import {
  chownSync,
  closeSync,
  fchmodSync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  renameSync,
} from "node:fs";
import { native } from "../native.ts";
import { ScoreboardHeader, ScoreboardSlot, WorkerState } from "../wire/protocol.ts";
import { Scoreboard, scoreboardSize } from "../wire/scoreboard.ts";

const MODE = 0o640;

/** Who owns what the hosts must reach. */
export interface FileOwner {
  readonly uid: number;
  readonly gid: number;
}

/** What is in a slot for the plan. A worker wrote it: it may be anything, and spoils its own pool at most. */
export interface SlotLoad {
  readonly inFlight: number;
  readonly capacity: number;
  /** CLOCK_MONOTONIC in ms, low 32 bits. */
  readonly heartbeat: number;
  /** Low 32 bits. */
  readonly served: number;
}

/**
 * A scoreboard and its file. Created by a pool; workers inherit the descriptor; the mapping lives until the last user of this
 * object is gone, the descriptor until close(). `place` makes it the one that hosts find.
 */
export class ScoreboardFile {
  readonly fd: number;
  readonly board: Scoreboard;
  readonly #path: string;
  readonly #temporary: string;

  /** Makes the file beside its place. @param path of the place */
  constructor(path: string, slots: number, owner: FileOwner) {
    this.#path = path;
    this.#temporary = `${path}.new`;
    this.fd = openSync(this.#temporary, "w+", 0o600);
    try {
      ftruncateSync(this.fd, scoreboardSize(slots));
      giveTo(this.#temporary, owner);
      fchmodSync(this.fd, MODE);
      const memory = native().mapScoreboard(this.fd, scoreboardSize(slots), true);
      this.board = Scoreboard.format(memory, slots);
    } catch (error) {
      closeSync(this.fd);
      throw error;
    }
    this.board.setHeader(ScoreboardHeader.SUPERVISOR, process.pid);
    // Purges that the predecessor knew are forgotten with it.
    this.purge();
  }

  /** Puts the file in its place, then tells those that have the predecessor mapped, whoever made that. */
  place(): void {
    const old = openBoard(this.#path);
    renameSync(this.#temporary, this.#path);
    old?.setHeader(ScoreboardHeader.REPLACED, 1);
  }

  setGeneration(generation: number): void {
    this.board.setHeader(ScoreboardHeader.GENERATION, generation);
  }

  /** Ends the time of decisions that were asked for until now. @param exportName unset: of all exports */
  purge(exportName?: string): void {
    this.board.purge(Date.now(), exportName);
  }

  /** Fills a slot with a worker that is about to be spawned. */
  take(slot: number, incarnation: number, generation: number): void {
    // First of all: whoever reads the rest knows that it is not the old worker's.
    this.board.setSlot(slot, ScoreboardSlot.INCARNATION, incarnation);
    this.board.setSlot(slot, ScoreboardSlot.STATE, WorkerState.STARTING);
    const zeroed = [ScoreboardSlot.PID, ScoreboardSlot.IN_FLIGHT, ScoreboardSlot.CAPACITY];
    for (const word of [...zeroed, ScoreboardSlot.HEARTBEAT, ScoreboardSlot.CHANNELS]) {
      this.board.setSlot(slot, word, 0);
    }
    this.board.setSlot(slot, ScoreboardSlot.SERVED, 0);
    this.board.setSlot(slot, ScoreboardSlot.GENERATION, generation);
  }

  setPid(slot: number, pid: number): void {
    this.board.setSlot(slot, ScoreboardSlot.PID, pid);
  }

  setState(slot: number, state: WorkerState): void {
    this.board.setSlot(slot, ScoreboardSlot.STATE, state);
  }

  load(slot: number): SlotLoad {
    const word = (which: ScoreboardSlot): number => this.board.slot(slot, which);
    return {
      inFlight: word(ScoreboardSlot.IN_FLIGHT),
      capacity: word(ScoreboardSlot.CAPACITY),
      heartbeat: word(ScoreboardSlot.HEARTBEAT),
      served: word(ScoreboardSlot.SERVED),
    };
  }

  /** Changes the owner of the placed file. */
  give(owner: FileOwner): void {
    giveTo(this.#path, owner);
  }

  /** Closes the descriptor. The words stay readable. */
  close(): void {
    closeSync(this.fd);
  }
}

/** Incarnations of the slots in a file that a dead supervisor left, so that a host never takes a new worker for an old one. */
export function readIncarnations(path: string): number[] {
  const board = openBoard(path);
  if (board === undefined) return [];
  return Array.from({ length: board.slots }, (_, slot) =>
    board.slot(slot, ScoreboardSlot.INCARNATION),
  );
}

/** Maps the scoreboard at a path for writing; undefined when there is none, or none of this version. */
export function openBoard(path: string): Scoreboard | undefined {
  let fd: number;
  try {
    fd = openSync(path, "r+");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  try {
    return new Scoreboard(native().mapScoreboard(fd, fstatSync(fd).size, true));
  } catch {
    // Cut short, or of another version: no host has such a file mapped.
    return undefined;
  } finally {
    closeSync(fd);
  }
}

/** Changes the owner of a path unless it is right, which needs no rights. */
export function giveTo(path: string, owner: FileOwner): void {
  const { uid, gid } = lstatSync(path);
  if (uid !== owner.uid || gid !== owner.gid) chownSync(path, owner.uid, owner.gid);
}
