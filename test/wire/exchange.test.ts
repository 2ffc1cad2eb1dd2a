// SPDX-License-Identifier: Apache-2.0
import assert from "node:assert/strict";
import {
  ExchangeEvent,
  ExchangeState,
  isIdle,
  nextState,
  stateAfterHostFrame,
} from "../../ts/wire/exchange.ts";
import { Flag, FrameType } from "../../ts/wire/protocol.ts";
import { runProgram } from "./build-c.ts";

// N new, Q queued, I idle, A asked, B begun, R answering (responding), C closed, X aborted; small letters: body may still come.
const letters: Readonly<Record<string, keyof typeof ExchangeState>> = {
  N: "NEW",
  Q: "QUEUED",
  q: "QUEUED_BODY",
  I: "IDLE",
  i: "IDLE_BODY",
  A: "ASKED",
  a: "ASKED_BODY",
  B: "BEGUN",
  b: "BEGUN_BODY",
  R: "ANSWERING",
  r: "ANSWERING_BODY",
  C: "CLOSED",
  X: "ABORTED",
};

/** The whole table, as docs/protocol.md explains it: a column a state, a row an event, "." for what is not legal. */
const expected = `
                 N Q q I i A a B b R r C X
  HELLO          I A a . . . . . . . . . .
  PULL           . . . . . B b B b R r . .
  INTERIM        . . . . . B b B b . . . .
  RESPONSE       . . . . . R r R r . . . .
  WHOLE_RESPONSE . . . . . I i I i . . . .
  DATA           . . . . . . . . . R r . .
  END            . . . . . . . . . I i . .
  LOG            . . . . . B b B b R r . .
  CLOSE          . . . C C C C . . . . . .
  REQUEST        q . . a a . . . . . . C .
  WHOLE_REQUEST  Q . . A A . . . . . . C .
  BODY           . . q . i . a . b . r C .
  BODY_END       . . Q . I . A . B . R C .
  ABORT          X X X X X X X X X X X X .
  SWITCH         . . . . . . r . r . . . .
  LEAVE          . . . I i . . . . R r C .
  REPLY          . . . . . . . b . . . . .
  WHOLE_REPLY    . . . . . . . B b . . . .
`;

interface Cell {
  readonly state: keyof typeof ExchangeState;
  readonly event: keyof typeof ExchangeEvent;
  readonly next: keyof typeof ExchangeState | "-";
}

function cells(): Cell[] {
  const [head = "", ...rows] = expected.trim().split("\n");
  const columns = head.trim().split(/ +/);
  return rows.flatMap((row) => {
    const [event = "", ...targets] = row.trim().split(/ +/);
    return targets.map((target, index) => ({
      state: letters[columns[index] ?? ""] ?? "NEW",
      event: event as keyof typeof ExchangeEvent,
      next: letters[target] ?? "-",
    }));
  });
}

const seenByC = new Set(runProgram(["tables.c"], "", ["exchange"]));

describe("ts/wire/exchange.ts and native/wire/exchange.c", () => {
  it("have a cell for each state and event", () => {
    const count = Object.keys(ExchangeState).length * Object.keys(ExchangeEvent).length;
    assert.equal(cells().length, count);
    assert.equal(seenByC.size, count);
  });

  for (const { state, event, next } of cells()) {
    it(`${event} in ${state}: ${next === "-" ? "not legal" : next}`, () => {
      const target = next === "-" ? 0 : ExchangeState[next];
      assert.equal(nextState(ExchangeState[state], ExchangeEvent[event]), target);
      assert.ok(seenByC.has(`${state} ${event} ${next}`), "the table in C differs");
    });
  }

  it("call a channel idle between exchanges only", () => {
    const idle = Object.entries(ExchangeState).filter(([, state]) => isIdle(state));
    assert.deepEqual(
      idle.map(([name]) => name),
      ["IDLE", "IDLE_BODY"],
    );
  });
});

describe("ts/wire/exchange.ts", () => {
  it("follows the frames of a host", () => {
    let state = stateAfterHostFrame(ExchangeState.NEW, FrameType.REQUEST, 0);
    assert.equal(state, ExchangeState.QUEUED_BODY);
    state = stateAfterHostFrame(state, FrameType.DATA, 0);
    assert.equal(state, ExchangeState.QUEUED_BODY);
    assert.equal(stateAfterHostFrame(state, FrameType.DATA, Flag.END), ExchangeState.QUEUED);
    assert.equal(stateAfterHostFrame(state, FrameType.END, 0), ExchangeState.QUEUED);
    assert.equal(stateAfterHostFrame(state, FrameType.ABORT, 0), ExchangeState.ABORTED);
    state = stateAfterHostFrame(ExchangeState.IDLE, FrameType.REQUEST, Flag.END);
    assert.equal(state, ExchangeState.ASKED);
  });

  it("refuses what a host may not send", () => {
    const outOfOrder = { code: "TENON_ERR_WIRE_OUT_OF_ORDER" };
    for (const type of ["HELLO", "PULL", "RESPONSE", "FILE", "LOG"] as const)
      for (const state of Object.values(ExchangeState))
        assert.throws(() => stateAfterHostFrame(state, FrameType[type], 0), outOfOrder);
    const { ASKED, IDLE } = ExchangeState;
    assert.throws(() => stateAfterHostFrame(ASKED, FrameType.REQUEST, 0), outOfOrder);
    assert.throws(() => stateAfterHostFrame(IDLE, FrameType.DATA, 0), outOfOrder);
    assert.throws(() => stateAfterHostFrame(ASKED, FrameType.CLOSE, 0), outOfOrder);
  });
});

describe("native/wire/exchange.c", () => {
  const frames: readonly (readonly [string, keyof typeof FrameType, number, number, string])[] = [
    ["host", "REQUEST", 0, 0, "ok 0 QUEUED_BODY"],
    ["worker", "RESPONSE", 0, 200, "OUT_OF_ORDER 0 QUEUED_BODY"],
    ["worker", "HELLO", 0, 0, "ok 0 ASKED_BODY"],
    ["worker", "PULL", 0, 0, "ok 0 BEGUN_BODY"],
    ["host", "DATA", 0, 0, "ok 0 BEGUN_BODY"],
    ["worker", "CLOSE", 0, 0, "OUT_OF_ORDER 0 BEGUN_BODY"],
    ["worker", "RESPONSE", Flag.END, 103, "OUT_OF_ORDER 0 BEGUN_BODY"],
    ["worker", "RESPONSE", 0, 103, "ok 0 BEGUN_BODY"],
    ["worker", "RESPONSE", 0, 100, "ok 0 BEGUN_BODY"],
    ["worker", "DATA", 0, 0, "OUT_OF_ORDER 0 BEGUN_BODY"],
    ["worker", "RESPONSE", 0, 200, "ok 0 ANSWERING_BODY"],
    ["worker", "RESPONSE", 0, 200, "OUT_OF_ORDER 0 ANSWERING_BODY"],
    ["worker", "DATA", 0, 0, "ok 0 ANSWERING_BODY"],
    ["host", "PULL", 0, 0, "OUT_OF_ORDER 0 ANSWERING_BODY"],
    ["host", "CLOSE", 0, 0, "ok 0 ANSWERING_BODY"],
    ["worker", "REQUEST", 0, 0, "OUT_OF_ORDER 0 ANSWERING_BODY"],
    ["worker", "DATA", Flag.END, 0, "ok 1 IDLE_BODY"],
    ["host", "DATA", 0, 0, "ok 1 IDLE_BODY"],
    ["host", "REQUEST", Flag.END, 0, "ok 0 ASKED"],
    ["worker", "RESPONSE", Flag.END, 204, "ok 1 IDLE"],
    ["host", "DATA", 0, 0, "OUT_OF_ORDER 1 IDLE"],
    ["host", "REQUEST", 0, 0, "ok 0 ASKED_BODY"],
    ["host", "DATA", Flag.END, 0, "ok 0 ASKED"],
    ["worker", "CLOSE", 0, 0, "ok 0 CLOSED"],
    ["worker", "ABORT", 0, 0, "ok 0 ABORTED"],
    ["host", "ABORT", 0, 0, "OUT_OF_ORDER 0 ABORTED"],
  ];
  const script = frames.map(([from, type, flags, status]) => {
    return `${from} ${FrameType[type]} ${flags} ${status}\n`;
  });
  const said = runProgram(["tables.c"], script.join(""), ["script"]);

  frames.forEach(([from, type, flags, , result], index) => {
    it(`step ${index + 1}, ${type}${flags ? " with END" : ""} of the ${from}: ${result}`, () => {
      assert.equal(said[index], result);
    });
  });
});
