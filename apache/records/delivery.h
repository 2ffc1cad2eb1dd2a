/* SPDX-License-Identifier: Apache-2.0
 *
 * One exchange of the log phase: some records go to a worker, which acknowledges them. Never waits;
 * belongs to the sender.
 */
#ifndef TENON_DELIVERY_H
#define TENON_DELIVERY_H

#include <httpd.h>

#include "exchange/channel.h"
#include "records/spool_format.h"

typedef struct tenon_delivery tenon_delivery;

typedef enum {
    TENON_DELIVERING,
    TENON_DELIVERED,
    TENON_NOT_BEGUN,     /* the worker took none of it */
    TENON_NOT_DELIVERED, /* the worker ended, failed or took too long: hooks may have run */
} tenon_delivered;

/* Takes records to `preferred` when that worker has room, else to another one, not in `avoid`: NULL
 * when there is none now. All in memory of `p`; the records must stay. */
tenon_delivery *tenon_delivery_begin(apr_pool_t *p, tenon_pool *pool, tenon_worker preferred,
                                     uint64_t avoid, const spool_record *const *records, int count);

/* Goes on as far as it goes without waiting, or ends it when its time is over. */
tenon_delivered tenon_delivery_step(tenon_delivery *delivery);

/* What to poll for meanwhile, and until when. */
int tenon_delivery_descriptor(const tenon_delivery *delivery);
short tenon_delivery_events(const tenon_delivery *delivery);
apr_time_t tenon_delivery_deadline(const tenon_delivery *delivery);

/* The slot that it went to, or -1. */
int tenon_delivery_slot(const tenon_delivery *delivery);

/* Why the worker does not take records, as it said; NULL: it did not say so. */
const char *tenon_delivery_refusal(const tenon_delivery *delivery);

/* Gives the channel back, or closes it. */
void tenon_delivery_end(tenon_delivery *delivery, tenon_delivered outcome);

#endif
