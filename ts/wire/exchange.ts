// SPDX-License-Identifier: Apache-2.0
// The states of a channel as a table: which frame is legal when. Twin of native/wire/exchange.c (a test compares cell by cell).
import { frameTypeName } from "./frame.ts";
import { Flag, FrameType, WireError } from "./protocol.ts";
import { wireFail } from "./wire-error.ts";

/** What the worker may do next; `_BODY`: the host's direction has not ended yet. */
export const ExchangeState = {
  /** nothing was sent yet */
  NEW: 1,
  /** REQUEST was sent, no HELLO came yet */
  QUEUED: 2,
  QUEUED_BODY: 3,
  /** between exchanges */
  IDLE: 4,
  /** between exchanges; body of the last one may still come and is dropped */
  IDLE_BODY: 5,
  /** the worker has said nothing of this exchange yet */
  ASKED: 6,
  ASKED_BODY: 7,
  /** the worker has begun the exchange, its response has not */
  BEGUN: 8,
  BEGUN_BODY: 9,
  /** the final RESPONSE came, the response's body is under way */
  ANSWERING: 10,
  ANSWERING_BODY: 11,
  /** the worker said CLOSE: what the host still sends is dropped */
  CLOSED: 12,
  /** either side said ABORT: nothing is legal any more */
  ABORTED: 13,
} as const;
export type ExchangeState = (typeof ExchangeState)[keyof typeof ExchangeState];

/** What a frame means for the state: its type alone does not tell. */
export const ExchangeEvent = {
  HELLO: 0,
  PULL: 1,
  /** worker's RESPONSE with a status of 1xx but 101, or ASK */
  INTERIM: 2,
  RESPONSE: 3,
  /** worker's RESPONSE with the flag END, or RESULT */
  WHOLE_RESPONSE: 4,
  /** worker's DATA or FILE */
  DATA: 5,
  /** worker's END, or DATA or FILE with the flag END */
  END: 6,
  /** worker's LOG or FIELDS */
  LOG: 7,
  CLOSE: 8,
  REQUEST: 9,
  /** host's REQUEST with the flag END */
  WHOLE_REQUEST: 10,
  /** host's DATA */
  BODY: 11,
  /** host's END, or DATA with the flag END */
  BODY_END: 12,
  /** ABORT of either side */
  ABORT: 13,
  /** worker's RESPONSE with the status 101 */
  SWITCH: 14,
  /** host's CLOSE */
  LEAVE: 15,
  /** host's REPLY, a body follows */
  REPLY: 16,
  /** host's REPLY with the flag END */
  WHOLE_REPLY: 17,
} as const;
export type ExchangeEvent = (typeof ExchangeEvent)[keyof typeof ExchangeEvent];

type Row = Partial<Record<keyof typeof ExchangeEvent, keyof typeof ExchangeState>>;

/** What is not named is not legal. ABORTED has no row. */
const rows: Partial<Record<keyof typeof ExchangeState, Row>> = {
  NEW: { HELLO: "IDLE", REQUEST: "QUEUED_BODY", WHOLE_REQUEST: "QUEUED" },
  QUEUED: { HELLO: "ASKED" },
  QUEUED_BODY: { HELLO: "ASKED_BODY", BODY: "QUEUED_BODY", BODY_END: "QUEUED" },
  IDLE: { CLOSE: "CLOSED", REQUEST: "ASKED_BODY", WHOLE_REQUEST: "ASKED", LEAVE: "IDLE" },
  IDLE_BODY: {
    CLOSE: "CLOSED",
    REQUEST: "ASKED_BODY",
    WHOLE_REQUEST: "ASKED",
    BODY: "IDLE_BODY",
    BODY_END: "IDLE",
    LEAVE: "IDLE_BODY",
  },
  ASKED: {
    PULL: "BEGUN",
    INTERIM: "BEGUN",
    RESPONSE: "ANSWERING",
    WHOLE_RESPONSE: "IDLE",
    LOG: "BEGUN",
    CLOSE: "CLOSED",
  },
  ASKED_BODY: {
    PULL: "BEGUN_BODY",
    INTERIM: "BEGUN_BODY",
    RESPONSE: "ANSWERING_BODY",
    WHOLE_RESPONSE: "IDLE_BODY",
    LOG: "BEGUN_BODY",
    CLOSE: "CLOSED",
    BODY: "ASKED_BODY",
    BODY_END: "ASKED",
    SWITCH: "ANSWERING_BODY",
  },
  BEGUN: {
    PULL: "BEGUN",
    INTERIM: "BEGUN",
    RESPONSE: "ANSWERING",
    WHOLE_RESPONSE: "IDLE",
    LOG: "BEGUN",
    REPLY: "BEGUN_BODY",
    WHOLE_REPLY: "BEGUN",
  },
  BEGUN_BODY: {
    PULL: "BEGUN_BODY",
    INTERIM: "BEGUN_BODY",
    RESPONSE: "ANSWERING_BODY",
    WHOLE_RESPONSE: "IDLE_BODY",
    LOG: "BEGUN_BODY",
    BODY: "BEGUN_BODY",
    BODY_END: "BEGUN",
    SWITCH: "ANSWERING_BODY",
    WHOLE_REPLY: "BEGUN_BODY",
  },
  ANSWERING: {
    PULL: "ANSWERING",
    DATA: "ANSWERING",
    END: "IDLE",
    LOG: "ANSWERING",
    LEAVE: "ANSWERING",
  },
  ANSWERING_BODY: {
    PULL: "ANSWERING_BODY",
    DATA: "ANSWERING_BODY",
    END: "IDLE_BODY",
    LOG: "ANSWERING_BODY",
    BODY: "ANSWERING_BODY",
    BODY_END: "ANSWERING",
    LEAVE: "ANSWERING_BODY",
  },
  CLOSED: {
    REQUEST: "CLOSED",
    WHOLE_REQUEST: "CLOSED",
    BODY: "CLOSED",
    BODY_END: "CLOSED",
    LEAVE: "CLOSED",
  },
};

const events = Object.entries(ExchangeEvent);
const states = Object.entries(ExchangeState);
const width = events.length;
const transitions: Uint8Array = new Uint8Array((states.length + 1) * width);
for (const [name, state] of states) {
  const row = rows[name as keyof typeof ExchangeState];
  if (row === undefined) continue;
  for (const [event, at] of events) {
    const next = event === "ABORT" ? "ABORTED" : row[event as keyof typeof ExchangeEvent];
    if (next !== undefined) transitions[state * width + at] = ExchangeState[next];
  }
}

/** The state after an event, or 0 when the event is not legal in that state. */
export function nextState(state: ExchangeState, event: ExchangeEvent): ExchangeState | 0 {
  return (transitions[state * width + event] ?? 0) as ExchangeState | 0;
}

const hostEvents: Partial<Record<FrameType, readonly [ExchangeEvent, ExchangeEvent]>> = {
  [FrameType.REQUEST]: [ExchangeEvent.REQUEST, ExchangeEvent.WHOLE_REQUEST],
  [FrameType.DATA]: [ExchangeEvent.BODY, ExchangeEvent.BODY_END],
  [FrameType.END]: [ExchangeEvent.BODY_END, ExchangeEvent.BODY_END],
  [FrameType.REPLY]: [ExchangeEvent.REPLY, ExchangeEvent.WHOLE_REPLY],
  [FrameType.CLOSE]: [ExchangeEvent.LEAVE, ExchangeEvent.LEAVE],
  [FrameType.ABORT]: [ExchangeEvent.ABORT, ExchangeEvent.ABORT],
};

/**
 * The state after a frame of the host (or a piece of DATA, as the reader gives it). The worker's own frames go by `nextState`.
 * @throws {TENON_ERR_WIRE_OUT_OF_ORDER}
 */
export function stateAfterHostFrame(
  state: ExchangeState,
  type: FrameType,
  flags: number,
): ExchangeState {
  const event = hostEvents[type]?.[(flags & Flag.END) === 0 ? 0 : 1];
  const next = event === undefined ? 0 : nextState(state, event);
  if (next === 0) throw wireFail(WireError.OUT_OF_ORDER, `${frameTypeName(type)} of a host`);
  return next;
}

/** True when no exchange is under way and the next REQUEST may come. */
export function isIdle(state: ExchangeState): boolean {
  return state === ExchangeState.IDLE || state === ExchangeState.IDLE_BODY;
}
