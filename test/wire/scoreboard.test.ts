// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import {
  BreakerState,
  ScoreboardHeader,
  ScoreboardSize,
  ScoreboardSlot,
  WorkerState,
} from "../../ts/wire/protocol.ts";
import { claimWord, Scoreboard, scoreboardSize } from "../../ts/wire/scoreboard.ts";
import { runProgram, withFolder } from "./build-c.ts";

const badBoard = { code: "TENON_ERR_SCOREBOARD" };
const badArgument = { code: "TENON_ERR_ARGUMENT" };

describe("ts/wire/scoreboard.ts", () => {
  it("writes what the codec in C reads", () => {
    const memory = new ArrayBuffer(scoreboardSize(5));
    const board = Scoreboard.format(memory, 5);
    board.setHeader(ScoreboardHeader.SUPERVISOR, 4711);
    board.setSlot(3, ScoreboardSlot.PID, 0xfffffffe);
    board.setSlot(4, ScoreboardSlot.STATE, WorkerState.READY);
    board.setSlot(4, ScoreboardSlot.CAPACITY, 1);
    board.setSlot(4, ScoreboardSlot.HEARTBEAT, 950);
    board.setClaim(3, 1023, claimWord(0xfffff, 7));
    board.setHeader(ScoreboardHeader.BREAKER, BreakerState.OPEN);
    board.setHeader(ScoreboardHeader.BREAKER_UNTIL, 204);
    board.purge(2 ** 40 + 3);
    board.purge(2 ** 41 + 5, "accessChecker");
    const lines = withFolder((folder) => {
      const path = join(folder, "scoreboard");
      writeFileSync(path, new Uint8Array(memory));
      return runProgram(["tables.c"], "", ["board", path, "3", "1023"]);
    });
    assert.deepEqual(lines, [
      "slots 5",
      `size ${scoreboardSize(5)}`,
      "supervisor 4711",
      "pid 4294967294",
      `claim ${0xfffff007}`,
      "pick 4",
      `purged ${2 ** 40 + 3} ${2 ** 41 + 5}`,
      // Far away, soon, past.
      "open 0 4 0",
    ]);
  });

  it("reads back what was written, each word for itself", () => {
    const memory = new ArrayBuffer(scoreboardSize(3));
    const board = Scoreboard.format(memory, 3);
    const again = new Scoreboard(memory);
    board.setSlot(1, ScoreboardSlot.IN_FLIGHT, 9);
    board.setClaim(1, 0, 10);
    board.setClaim(2, 1023, 11);
    assert.equal(again.slots, 3);
    assert.equal(again.slot(1, ScoreboardSlot.IN_FLIGHT), 9);
    assert.deepEqual([again.claim(1, 0), again.claim(2, 1023), again.claim(0, 1023)], [10, 11, 0]);
    assert.deepEqual(
      [0, 2].map((slot) => again.slot(slot, ScoreboardSlot.IN_FLIGHT)),
      [0, 0],
    );
  });

  it("opens nothing but a scoreboard of this layout", () => {
    assert.throws(() => new Scoreboard(new ArrayBuffer(10)), badBoard);
    assert.throws(() => new Scoreboard(new ArrayBuffer(scoreboardSize(1))), badBoard);
    const memory = new ArrayBuffer(scoreboardSize(2));
    Scoreboard.format(memory, 2);
    assert.throws(() => new Scoreboard(memory.slice(0, scoreboardSize(2) - 4)), badBoard);
    new Scoreboard(memory).setHeader(ScoreboardHeader.LAYOUT, ScoreboardSize.LAYOUT + 1);
    assert.throws(() => new Scoreboard(memory), badBoard);
    assert.throws(() => Scoreboard.format(memory, 3), badBoard);
  });

  it("refuses slots and claim words that it does not have", () => {
    const board = Scoreboard.format(new ArrayBuffer(scoreboardSize(2)), 2);
    assert.throws(() => board.slot(2, ScoreboardSlot.PID), badArgument);
    assert.throws(() => board.setSlot(-1, ScoreboardSlot.PID, 1), badArgument);
    assert.throws(() => board.claim(0, 1024), badArgument);
    assert.throws(() => board.setClaim(2, 0, 1), badArgument);
  });

  it("numbers claim words by channel and exchange, both wrapping around", () => {
    assert.equal(claimWord(1, 0), 0x1000);
    assert.equal(claimWord(1, 4095), 0x1fff);
    assert.equal(claimWord(1, 4096), 0x1000);
    assert.equal(claimWord(0xfffff, 1), 0xfffff001);
    assert.equal(claimWord(0x100001, 1), 0x1001);
  });
});
