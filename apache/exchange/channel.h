/* SPDX-License-Identifier: Apache-2.0
 *
 * Channels of a child process to the workers of a pool.
 *
 * Normal use: tenon_channel_acquire picks a worker and gives a channel to it (an idle one, a new
 * one, or a new one through the queue socket); the exchange runs on it; tenon_channel_keep makes it
 * idle when the exchange ended well, else tenon_channel_close. Between acquire and keep or close a
 * channel belongs to one thread. Idle channels belong to the child process: those of a burst are
 * closed when they were not needed for a while, by whoever keeps one then.
 */
#ifndef TENON_CHANNEL_H
#define TENON_CHANNEL_H

#include <httpd.h>
#include "config/config.h"
#include "wire/message.h"
#include "wire/scoreboard.h"

typedef struct tenon_channel {
    struct tenon_channel *next; /* in the list of idle channels: the one that was kept before it */
    uint32_t kept;              /* when it became idle: monotonic clock, ms */
    int fd;
    int slot;             /* -1 until a channel through the queue is greeted */
    uint8_t state;        /* wire_exchange_state */
    int greeted;          /* HELLO has come; what follows is from it */
    uint32_t incarnation; /* of the slot; 0 before the greeting */
    uint16_t claim_index;
    uint32_t claim;     /* the claim word before the first exchange */
    uint32_t exchanges; /* begun on this channel by us */
    uint64_t phases;
    const wire_scoreboard *board; /* that the greeting speaks of */
    uint32_t *counted;            /* where an exchange on it is counted; NULL while it is idle */
} tenon_channel;

/* How long the first read of an answer may block, µs. */
#define TENON_CHANNEL_FIRST_WAIT 100000

typedef enum {
    TENON_ACQUIRED,    /* `*channel` is set */
    TENON_QUEUE_FULL,  /* no worker has room and the queue is full */
    TENON_UNAVAILABLE, /* no worker, and no queue socket to wait at (yet) */
    TENON_EXHAUSTED,   /* this process has no descriptor left (yet) */
    TENON_REFUSED,     /* a socket is there but is not the parent's */
    TENON_SHUT,        /* the pool's breaker is open */
} tenon_acquired;

/* A worker, for as long as the slot holds the incarnation. */
typedef struct {
    int slot; /* -1: none */
    uint32_t incarnation;
} tenon_worker;

/* Takes a channel for one exchange: to `preferred` while that is ready and has room. `avoid` holds
 * the slots (bit n: slot n) not to be used. */
tenon_acquired tenon_channel_acquire(tenon_pool *pool, tenon_worker preferred, uint64_t avoid,
                                     tenon_channel **channel);

/* Takes note of the worker's greeting: 0, or a wire error negated. */
int tenon_channel_greet(tenon_pool *pool, tenon_channel *channel, const wire_hello *hello);

/* Whether the worker had begun the present exchange of a channel that broke. */
wire_claim_state tenon_channel_claimed(const tenon_channel *channel);

/* Whether the event loop of the worker that the channel leads to has stopped turning. */
int tenon_channel_stalls(tenon_pool *pool, const tenon_channel *channel);

/* The same of a worker that no channel leads to, 0 when it has gone. */
int tenon_channel_worker_stalls(tenon_pool *pool, tenon_worker worker);

/* The present scoreboard of a pool, or NULL: what it says is the workers' word. */
const wire_scoreboard *tenon_channel_board(tenon_pool *pool);

/* How long the pool's breaker is open yet, ms; 0 when it is not. */
uint32_t tenon_channel_open_ms(tenon_pool *pool);

void tenon_channel_keep(tenon_pool *pool, tenon_channel *channel);
void tenon_channel_close(tenon_channel *channel);

/* Makes a child process ready to use its pools. */
void tenon_channel_child_init(apr_pool_t *p, server_rec *s);

#endif
