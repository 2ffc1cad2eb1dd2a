// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import { native } from "../../ts/native.ts";
import * as protocol from "../../ts/wire/protocol.ts";

describe("native/protocol", () => {
  it("is, as the C compiler sees it, what was generated for TypeScript", () => {
    const { HEADER_NAMES: names, ...tables } = native().protocol;
    assert.deepEqual(tables, {
      NUMBERS: protocol.WireNumber,
      FRAME_TYPES: protocol.FrameType,
      FLAGS: protocol.Flag,
      PHASES: protocol.Phase,
      FACTS: protocol.Fact,
      TABLES: protocol.EntryTable,
      OPERATIONS: protocol.EntryOperation,
      ASKS: protocol.AskKind,
      RESULT_FLAGS: protocol.ResultFlag,
      ERRORS: protocol.WireError,
      LOG_LEVELS: protocol.LogLevel,
      HEADERS: protocol.Header,
      SCOREBOARD_SIZES: protocol.ScoreboardSize,
      SCOREBOARD_HEADER: protocol.ScoreboardHeader,
      SCOREBOARD_SLOT: protocol.ScoreboardSlot,
      WORKER_STATES: protocol.WorkerState,
      WORKER_ENDINGS: protocol.WorkerEnding,
      BREAKER_STATES: protocol.BreakerState,
    });
    assert.ok(names);
    for (const [row, code] of Object.entries(protocol.Header)) {
      assert.equal(names[row], protocol.headerNames[code], row);
    }
  });
});
