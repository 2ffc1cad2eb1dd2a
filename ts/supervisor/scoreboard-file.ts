// SPDX-License-Identifier: Apache-2.0
// The file of a pool's scoreboard: made, put in the place of another, and the supervisor's words in it.
import {
  chownSync,
  closeSync,
  fchmodSync,
  fstatSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { native } from "../native.ts";
import {
  type BreakerState,
  ScoreboardHeader,
  ScoreboardSlot,
  WorkerEnding,
  WorkerState,
} from "../wire/protocol.ts";
import { Scoreboard, scoreboardSize } from "../wire/scoreboard.ts";

const MODE = 0o640;

/** @throws errors of the system, such as ENOSPC */
function allocate(fd: number, bytes: number): void {
  const zeros = Buffer.alloc(bytes);
  for (let written = 0; written < bytes; ) written += writeSync(fd, zeros, written);
}

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
  /** ms that the event loop has not waited until the heartbeat, low 32 bits. */
  readonly loopActive: number;
}

/**
 * A scoreboard and its file. Created by a pool; workers inherit the descriptor; the mapping lives until the last user of this
 * object is gone, the descriptor until close(). `place` makes it the one that hosts find.
 */
export class ScoreboardFile {
  readonly fd: number;
  readonly board: Scoreboard;
  readonly #path: string;

  private constructor(path: string, fd: number, board: Scoreboard) {
    this.#path = path;
    this.fd = fd;
    this.board = board;
    this.board.setHeader(ScoreboardHeader.SUPERVISOR, process.pid);
  }

  /** Makes the file beside its place. @param path of the place */
  static make(path: string, slots: number, owner: FileOwner): ScoreboardFile {
    const temporary = temporaryOf(path);
    const fd = openSync(temporary, "w+", 0o600);
    try {
      // Not by ftruncate: where the disk is full, the first word in a hole would end us by SIGBUS.
      allocate(fd, scoreboardSize(slots));
      giveTo(temporary, owner);
      fchmodSync(fd, MODE);
      const memory = native().mapScoreboard(fd, scoreboardSize(slots), true);
      const file = new ScoreboardFile(path, fd, Scoreboard.format(memory, slots));
      // Purges that the predecessor knew are forgotten with it.
      file.purge();
      return file;
    } catch (error) {
      closeSync(fd);
      rmSync(temporary, { force: true });
      throw error;
    }
  }

  /** Goes on with the file that a predecessor has placed. @throws {TENON_ERR_SCOREBOARD} when it is not of this version */
  static open(path: string): ScoreboardFile {
    const fd = openSync(path, "r+");
    try {
      return ScoreboardFile.inherit(path, fd);
    } catch (error) {
      closeSync(fd);
      throw error;
    }
  }

  /** The same with a file that may have been replaced since. @param fd stays the caller's: close() is not for such a one @throws {TENON_ERR_SCOREBOARD} */
  static inherit(path: string, fd: number): ScoreboardFile {
    const memory = native().mapScoreboard(fd, fstatSync(fd).size, true);
    return new ScoreboardFile(path, fd, new Scoreboard(memory));
  }

  /** Puts the file in its place, then tells those that have the predecessor mapped, whoever made that. */
  place(): void {
    const old = openBoard(this.#path);
    renameSync(temporaryOf(this.#path), this.#path);
    old?.setHeader(ScoreboardHeader.REPLACED, 1);
  }

  setGeneration(generation: number): void {
    this.board.setHeader(ScoreboardHeader.GENERATION, generation);
  }

  /** Shows the state of the breaker. @param until of OPEN, monotonic ms */
  setBreaker(state: BreakerState, until: number): void {
    this.board.setHeader(ScoreboardHeader.BREAKER_UNTIL, Math.round(until) >>> 0);
    this.board.setHeader(ScoreboardHeader.BREAKER, state);
  }

  /** Ends the time of decisions that were asked for until now. @param exportName unset: of all exports */
  purge(exportName?: string): void {
    this.board.purge(Date.now(), exportName);
  }

  /** Goes on with the incarnations that another file has counted. @param incarnations by slot */
  setIncarnations(incarnations: readonly number[]): void {
    for (const [slot, incarnation] of incarnations.slice(0, this.board.slots).entries()) {
      this.board.setSlot(slot, ScoreboardSlot.INCARNATION, incarnation);
    }
  }

  /** Nobody is in a slot, whatever it shows. */
  clear(slot: number): void {
    if (this.state(slot) !== WorkerState.EMPTY) this.setState(slot, WorkerState.EXITED);
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
    this.board.setSlot(slot, ScoreboardSlot.ENDING, WorkerEnding.UNKNOWN);
    this.board.setSlot(slot, ScoreboardSlot.LOOP_ACTIVE, 0);
    this.board.setSlot(slot, ScoreboardSlot.GENERATION, generation);
  }

  setPid(slot: number, pid: number): void {
    this.board.setSlot(slot, ScoreboardSlot.PID, pid);
  }

  setState(slot: number, state: WorkerState): void {
    this.board.setSlot(slot, ScoreboardSlot.STATE, state);
  }

  /** How the worker of a slot ended. @param detail its exit code, or the number of the signal */
  setEnding(slot: number, ending: WorkerEnding, detail: number): void {
    this.board.setSlot(slot, ScoreboardSlot.ENDING_DETAIL, detail >>> 0);
    this.board.setSlot(slot, ScoreboardSlot.ENDING, ending);
  }

  load(slot: number): SlotLoad {
    const word = (which: ScoreboardSlot): number => this.board.slot(slot, which);
    return {
      inFlight: word(ScoreboardSlot.IN_FLIGHT),
      capacity: word(ScoreboardSlot.CAPACITY),
      heartbeat: word(ScoreboardSlot.HEARTBEAT),
      served: word(ScoreboardSlot.SERVED),
      loopActive: word(ScoreboardSlot.LOOP_ACTIVE),
    };
  }

  state(slot: number): number {
    return this.board.slot(slot, ScoreboardSlot.STATE);
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

function temporaryOf(path: string): string {
  return `${path}.new`;
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
