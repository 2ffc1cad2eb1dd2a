/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept of a request from phase to phase.
 */
#ifndef TENON_MEMO_H
#define TENON_MEMO_H

#include <httpd.h>
#include <apr_tables.h>

#include "exchange/channel.h"
#include "config/config.h"
#include "threads.h"

/* Where earlier phases of a request ran. */
typedef struct {
    tenon_pool *pool;
    tenon_worker worker;
    int stated; /* the worker holds state for the request, until it is told to forget */
} tenon_place;

/* Of what the client asked for: one for its request_rec, those of all internal redirects and of
 * all subrequests. */
typedef struct {
    const char *id;             /* in all logs and in the application */
    apr_array_header_t *places; /* tenon_place, the last one last; NULL: none yet */
    tenon_hold *holds;          /* the thread is held by these now; NULL: by none */
} tenon_origin;

/* Of one request_rec. */
typedef struct {
    tenon_origin *origin;
    tenon_place served; /* where an application answered; its pool is NULL: nowhere */
    int ended;   /* what the client gets is decided: an answer was sent, or begun, by a phase */
    int verdict; /* what the next phase returns for one that cannot end a request; 0: nothing */
} tenon_request;

/* The memo of a request_rec, made when there is none. */
tenon_request *tenon_request_of(request_rec *r);

/* The memo of a request_rec, or NULL when no phase has needed one. */
tenon_request *tenon_request_known(const request_rec *r);

/* Where a request's last phase in a pool ran, or NULL. */
const tenon_place *tenon_request_place(const tenon_request *request, const tenon_pool *pool);

/* Whether a worker of a pool holds, or held, state for a request. */
int tenon_request_stated(const tenon_request *request, const tenon_pool *pool);

/* Takes note that a phase of a request ran on a channel, and whether state is held there. */
void tenon_request_ran(request_rec *r, tenon_pool *pool, const tenon_channel *channel, int stated);

#endif
