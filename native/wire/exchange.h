/* SPDX-License-Identifier: Apache-2.0
 *
 * The states of a channel as a table: which frame is legal when, seen from either end. Both ends
 * take a step for every frame that they send or receive, in the order of their own doing; crossing
 * frames are legal by the table.
 *
 * Names of states say what the worker may do next; `_BODY` means that the host's direction has not
 * ended yet. ts/wire/exchange.ts is the same table in TypeScript (a test compares).
 */
#ifndef WIRE_EXCHANGE_H
#define WIRE_EXCHANGE_H

#include <stdint.h>
#include "protocol.h"

#ifdef __cplusplus
extern "C" {
#endif

/* clang-format off */

#define WIRE_EXCHANGE_STATES(X)                                                                     \
    X(NEW, 1, "nothing was sent yet")                                                               \
    X(QUEUED, 2, "REQUEST was sent, no HELLO came yet")                                             \
    X(QUEUED_BODY, 3, "the same, body may follow")                                                  \
    X(IDLE, 4, "between exchanges")                                                                 \
    X(IDLE_BODY, 5, "between exchanges; body of the last one may still come and is dropped")        \
    X(ASKED, 6, "the worker has said nothing of this exchange yet")                                 \
    X(ASKED_BODY, 7, "the same, body may follow")                                                   \
    X(BEGUN, 8, "the worker has begun the exchange, its response has not")                          \
    X(BEGUN_BODY, 9, "the same, body may follow")                                                   \
    X(ANSWERING, 10, "the final RESPONSE came, the response's body is under way")                   \
    X(ANSWERING_BODY, 11, "the same, the request's body may still come")                            \
    X(CLOSED, 12, "the worker said CLOSE: what the host still sends is dropped")                    \
    X(ABORTED, 13, "either side said ABORT: nothing is legal any more")

/* What a frame means for the state: the type alone does not tell. */
#define WIRE_EXCHANGE_EVENTS(X)                                                                     \
    X(HELLO, 0, "worker's HELLO")                                                                   \
    X(PULL, 1, "worker's PULL")                                                                     \
    X(INTERIM, 2, "worker's RESPONSE with a status of 1xx but 101, or ASK")                         \
    X(RESPONSE, 3, "worker's RESPONSE with another status")                                         \
    X(WHOLE_RESPONSE, 4, "worker's RESPONSE with another status and the flag END, or RESULT")       \
    X(DATA, 5, "worker's DATA or FILE")                                                             \
    X(END, 6, "worker's END, or DATA or FILE with the flag END")                                    \
    X(LOG, 7, "worker's LOG or FIELDS")                                                             \
    X(CLOSE, 8, "worker's CLOSE")                                                                   \
    X(REQUEST, 9, "host's REQUEST")                                                                 \
    X(WHOLE_REQUEST, 10, "host's REQUEST with the flag END")                                        \
    X(BODY, 11, "host's DATA")                                                                      \
    X(BODY_END, 12, "host's END, or DATA with the flag END")                                        \
    X(ABORT, 13, "ABORT of either side")                                                            \
    X(SWITCH, 14, "worker's RESPONSE with the status 101")                                          \
    X(LEAVE, 15, "host's CLOSE")                                                                    \
    X(REPLY, 16, "host's REPLY, a body follows")                                                    \
    X(WHOLE_REPLY, 17, "host's REPLY with the flag END")

/* clang-format on */

#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_EXCHANGE_, name, value)
typedef enum { WIRE_EXCHANGE_STATES(WIRE_ROW) } wire_exchange_state;
#undef WIRE_ROW
#define WIRE_ROW(name, value, meaning) WIRE_ENUM_ROW(WIRE_EVENT_, name, value)
typedef enum { WIRE_EXCHANGE_EVENTS(WIRE_ROW) } wire_exchange_event;
#undef WIRE_ROW

typedef enum {
    WIRE_FROM_WORKER,
    WIRE_FROM_HOST,
} wire_direction;

/* Takes a step for a frame (or a piece of DATA, as the reader gives it): 0, or
 * -WIRE_ERROR_OUT_OF_ORDER, which leaves the state as it is. `*state` starts as WIRE_EXCHANGE_NEW;
 * `status` is that of a RESPONSE, else 0. */
int wire_exchange_step(uint8_t *state, wire_direction from, uint8_t type, uint8_t flags,
                       unsigned status);

/* The state after an event, or 0 when the event is not legal in that state. */
uint8_t wire_exchange_next(uint8_t state, wire_exchange_event event);

/* 1 when no exchange is under way and the next REQUEST may be sent. */
int wire_exchange_idle(uint8_t state);

/* "ASKED_BODY", or "unknown". */
const char *wire_exchange_state_name(uint8_t state);

#ifdef __cplusplus
}
#endif
#endif
