// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { SlotBoard } from "../../ts/channel/slot-board.ts";
import { ScoreboardSlot, WireNumber, WorkerState } from "../../ts/wire/protocol.ts";
import { Scoreboard, scoreboardSize } from "../../ts/wire/scoreboard.ts";

describe("slot board", () => {
  const SLOT = 1;
  let board: Scoreboard;
  let slot: SlotBoard;

  beforeEach(() => {
    board = Scoreboard.format(new ArrayBuffer(scoreboardSize(3)), 3);
    slot = new SlotBoard(board, SLOT);
  });

  it("writes its own slot and no other", () => {
    slot.setState(WorkerState.READY);
    slot.setCapacity(7);
    slot.beat();
    slot.begin(slot.openChannel(), 1);
    for (const other of [0, 2]) {
      for (const word of Object.values(ScoreboardSlot)) assert.equal(board.slot(other, word), 0);
      for (let index = 0; index < WireNumber.CLAIMS_PER_SLOT; index++) {
        assert.equal(board.claim(other, index), 0);
      }
    }
    assert.equal(board.slot(SLOT, ScoreboardSlot.CAPACITY), 7);
    assert.notEqual(board.slot(SLOT, ScoreboardSlot.HEARTBEAT), 0);
  });

  it("counts exchanges in the low bits of a claim word, channels in the others", () => {
    const first = slot.openChannel();
    const second = slot.openChannel();
    assert.equal(board.claim(SLOT, first.index), 1 << 12);
    assert.equal(board.claim(SLOT, second.index), 2 << 12);
    slot.begin(second, 1);
    assert.equal(board.claim(SLOT, second.index), (2 << 12) + 1);
    slot.begin(second, 4097);
    assert.equal(board.claim(SLOT, second.index), (2 << 12) + 1);
    assert.equal(board.claim(SLOT, first.index), 1 << 12);
  });

  it("gives an index again only when all others were used since", () => {
    const first = slot.openChannel();
    slot.closeChannel(first);
    const seen = new Set<number>();
    for (let count = 1; count < WireNumber.CLAIMS_PER_SLOT; count++) {
      const claim = slot.openChannel();
      assert.equal(seen.has(claim.index), false);
      seen.add(claim.index);
      slot.closeChannel(claim);
    }
    assert.equal(seen.has(first.index), false);
    assert.equal(slot.openChannel().index, first.index);
  });

  it("keeps counts of channels and exchanges", () => {
    const claim = slot.openChannel();
    slot.begin(claim, 1);
    assert.equal(board.slot(SLOT, ScoreboardSlot.IN_FLIGHT), 1);
    slot.finish();
    slot.closeChannel(claim);
    assert.equal(slot.inFlight, 0);
    assert.equal(slot.channels, 0);
    for (const [word, value] of [
      [ScoreboardSlot.IN_FLIGHT, 0],
      [ScoreboardSlot.CHANNELS, 0],
      [ScoreboardSlot.SERVED, 1],
    ] as const) {
      assert.equal(board.slot(SLOT, word), value);
    }
  });
});
