/* SPDX-License-Identifier: Apache-2.0
 *
 * Between asked.c, which takes a worker's questions, and subrequest.c, which answers one kind.
 */
#ifndef TENON_ASKED_H
#define TENON_ASKED_H

#include "exchange/exchange.h"

typedef struct {
    uint8_t kind; /* WIRE_ASKS */
    const char *text;
    apr_table_t *headers;
} tenon_asked;

/* Sends bytes of the exchange's pool whole, behind what is on its way. A piece that is not taken
 * stays where release() of run.c finds it and closes the channel. */
tenon_outcome tenon_asked_send(tenon_exchange *x, uint8_t *bytes, size_t size);

/* Sends REPLY. `headers` may be NULL; `flags` is WIRE_FLAG_END when no body follows. */
tenon_outcome tenon_asked_reply(tenon_exchange *x, int status, const char *text,
                                const apr_table_t *headers, uint8_t flags);

/* Replies that there is no answer, and why. */
tenon_outcome tenon_asked_decline(tenon_exchange *x, const char *why);

/* Answers by the response of a subrequest. */
tenon_outcome tenon_asked_subrequest(tenon_exchange *x, const tenon_asked *asked);

#endif
