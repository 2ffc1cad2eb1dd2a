/* SPDX-License-Identifier: Apache-2.0 */
#include "exchange.h"

enum { STATES = WIRE_EXCHANGE_ABORTED + 1, EVENTS = WIRE_EVENT_WHOLE_REPLY + 1, NO_EVENT = -1 };

#define WIRE_ROW(name, value, meaning) name = WIRE_EXCHANGE_##name,
enum { WIRE_EXCHANGE_STATES(WIRE_ROW) };
#undef WIRE_ROW
#define ON(event) [WIRE_EVENT_##event]

/* What is not named is not legal (0). */
static const uint8_t transitions[STATES][EVENTS] = {
    [NEW] = {ON(HELLO) = IDLE, ON(REQUEST) = QUEUED_BODY, ON(WHOLE_REQUEST) = QUEUED,
             ON(ABORT) = ABORTED},
    [QUEUED] = {ON(HELLO) = ASKED, ON(ABORT) = ABORTED},
    [QUEUED_BODY] = {ON(HELLO) = ASKED_BODY, ON(BODY) = QUEUED_BODY, ON(BODY_END) = QUEUED,
                     ON(ABORT) = ABORTED},
    [IDLE] = {ON(CLOSE) = CLOSED, ON(REQUEST) = ASKED_BODY, ON(WHOLE_REQUEST) = ASKED,
              ON(ABORT) = ABORTED, ON(LEAVE) = IDLE},
    [IDLE_BODY] = {ON(CLOSE) = CLOSED, ON(REQUEST) = ASKED_BODY, ON(WHOLE_REQUEST) = ASKED,
                   ON(BODY) = IDLE_BODY, ON(BODY_END) = IDLE, ON(ABORT) = ABORTED,
                   ON(LEAVE) = IDLE_BODY},
    [ASKED] = {ON(PULL) = BEGUN, ON(INTERIM) = BEGUN, ON(RESPONSE) = ANSWERING,
               ON(WHOLE_RESPONSE) = IDLE, ON(LOG) = BEGUN, ON(CLOSE) = CLOSED, ON(ABORT) = ABORTED},
    [ASKED_BODY] = {ON(PULL) = BEGUN_BODY, ON(INTERIM) = BEGUN_BODY, ON(RESPONSE) = ANSWERING_BODY,
                    ON(WHOLE_RESPONSE) = IDLE_BODY, ON(LOG) = BEGUN_BODY, ON(CLOSE) = CLOSED,
                    ON(BODY) = ASKED_BODY, ON(BODY_END) = ASKED, ON(ABORT) = ABORTED,
                    ON(SWITCH) = ANSWERING_BODY},
    [BEGUN] = {ON(PULL) = BEGUN, ON(INTERIM) = BEGUN, ON(RESPONSE) = ANSWERING,
               ON(WHOLE_RESPONSE) = IDLE, ON(LOG) = BEGUN, ON(ABORT) = ABORTED,
               ON(REPLY) = BEGUN_BODY, ON(WHOLE_REPLY) = BEGUN},
    [BEGUN_BODY] = {ON(PULL) = BEGUN_BODY, ON(INTERIM) = BEGUN_BODY, ON(RESPONSE) = ANSWERING_BODY,
                    ON(WHOLE_RESPONSE) = IDLE_BODY, ON(LOG) = BEGUN_BODY, ON(BODY) = BEGUN_BODY,
                    ON(BODY_END) = BEGUN, ON(ABORT) = ABORTED, ON(SWITCH) = ANSWERING_BODY,
                    ON(WHOLE_REPLY) = BEGUN_BODY},
    [ANSWERING] = {ON(PULL) = ANSWERING, ON(DATA) = ANSWERING, ON(END) = IDLE, ON(LOG) = ANSWERING,
                   ON(ABORT) = ABORTED, ON(LEAVE) = ANSWERING},
    [ANSWERING_BODY] = {ON(PULL) = ANSWERING_BODY, ON(DATA) = ANSWERING_BODY, ON(END) = IDLE_BODY,
                        ON(LOG) = ANSWERING_BODY, ON(BODY) = ANSWERING_BODY,
                        ON(BODY_END) = ANSWERING, ON(ABORT) = ABORTED, ON(LEAVE) = ANSWERING_BODY},
    [CLOSED] = {ON(REQUEST) = CLOSED, ON(WHOLE_REQUEST) = CLOSED, ON(BODY) = CLOSED,
                ON(BODY_END) = CLOSED, ON(ABORT) = ABORTED, ON(LEAVE) = CLOSED},
};

static int response_event(int end, unsigned status)
{
    if (status >= 200)
        return end ? WIRE_EVENT_WHOLE_RESPONSE : WIRE_EVENT_RESPONSE;
    if (end)
        return NO_EVENT;
    return status == 101 ? WIRE_EVENT_SWITCH : WIRE_EVENT_INTERIM;
}

static int worker_event(uint8_t type, int end, unsigned status)
{
    switch (type) {
    case WIRE_FRAME_HELLO:
        return WIRE_EVENT_HELLO;
    case WIRE_FRAME_PULL:
        return WIRE_EVENT_PULL;
    case WIRE_FRAME_RESPONSE:
        return response_event(end, status);
    case WIRE_FRAME_DATA:
    case WIRE_FRAME_FILE:
        return end ? WIRE_EVENT_END : WIRE_EVENT_DATA;
    case WIRE_FRAME_END:
        return WIRE_EVENT_END;
    case WIRE_FRAME_LOG:
    case WIRE_FRAME_FIELDS:
        return WIRE_EVENT_LOG;
    case WIRE_FRAME_ASK:
        return WIRE_EVENT_INTERIM;
    case WIRE_FRAME_RESULT:
        return WIRE_EVENT_WHOLE_RESPONSE;
    case WIRE_FRAME_CLOSE:
        return WIRE_EVENT_CLOSE;
    case WIRE_FRAME_ABORT:
        return WIRE_EVENT_ABORT;
    default:
        return NO_EVENT;
    }
}

static int host_event(uint8_t type, int end)
{
    switch (type) {
    case WIRE_FRAME_REQUEST:
        return end ? WIRE_EVENT_WHOLE_REQUEST : WIRE_EVENT_REQUEST;
    case WIRE_FRAME_DATA:
        return end ? WIRE_EVENT_BODY_END : WIRE_EVENT_BODY;
    case WIRE_FRAME_END:
        return WIRE_EVENT_BODY_END;
    case WIRE_FRAME_REPLY:
        return end ? WIRE_EVENT_WHOLE_REPLY : WIRE_EVENT_REPLY;
    case WIRE_FRAME_CLOSE:
        return WIRE_EVENT_LEAVE;
    case WIRE_FRAME_ABORT:
        return WIRE_EVENT_ABORT;
    default:
        return NO_EVENT;
    }
}

uint8_t wire_exchange_next(uint8_t state, wire_exchange_event event)
{
    return state < STATES && (unsigned)event < EVENTS ? transitions[state][event] : 0;
}

int wire_exchange_step(uint8_t *state, wire_direction from, uint8_t type, uint8_t flags,
                       unsigned status)
{
    const int end = (flags & WIRE_FLAG_END) != 0;
    const int event =
        from == WIRE_FROM_WORKER ? worker_event(type, end, status) : host_event(type, end);
    uint8_t next;

    if (event == NO_EVENT)
        return -WIRE_ERROR_OUT_OF_ORDER;
    next = wire_exchange_next(*state, (wire_exchange_event)event);
    if (next == 0)
        return -WIRE_ERROR_OUT_OF_ORDER;
    *state = next;
    return 0;
}

int wire_exchange_idle(uint8_t state)
{
    return state == WIRE_EXCHANGE_IDLE || state == WIRE_EXCHANGE_IDLE_BODY;
}

const char *wire_exchange_state_name(uint8_t state)
{
#define WIRE_ROW(name, value, meaning) \
    case value:                        \
        return #name;
    switch (state) {
        WIRE_EXCHANGE_STATES(WIRE_ROW)
    default:
        return "unknown";
    }
#undef WIRE_ROW
}
