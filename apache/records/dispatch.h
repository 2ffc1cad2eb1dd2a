/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings the records of one pool to its workers: takes windows out of the spool, parts them by the
 * worker that holds state, delivers one parcel at a time, again until it is acknowledged, and
 * acknowledges the window. Belongs to the sender; never waits.
 */
#ifndef TENON_DISPATCH_H
#define TENON_DISPATCH_H

#include <httpd.h>
#include <poll.h>

#include "records/spool.h"

typedef struct tenon_dispatch tenon_dispatch;

tenon_dispatch *tenon_dispatch_create(apr_pool_t *p, tenon_spool *spool);

/* Goes on as far as it goes without waiting. `hurried`: records are not gathered any more. */
void tenon_dispatch_step(tenon_dispatch *dispatch, int hurried);

/* What to poll for until the next step (descriptor -1: nothing); the time of the next step at the
 * latest. */
apr_time_t tenon_dispatch_waits(const tenon_dispatch *dispatch, struct pollfd *descriptor);

/* Whether nothing of this child's is left, or no worker could be had for it for a while. */
int tenon_dispatch_done(const tenon_dispatch *dispatch);

/* Breaks off what is under way and leaves what is not acknowledged to another child. */
void tenon_dispatch_end(tenon_dispatch *dispatch);

#endif
