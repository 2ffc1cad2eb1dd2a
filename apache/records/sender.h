/* SPDX-License-Identifier: Apache-2.0
 *
 * The thread of a child of httpd that brings log records to workers. It starts with the child when
 * records wait, else with the first record, and ends with the child.
 */
#ifndef TENON_SENDER_H
#define TENON_SENDER_H

#include <httpd.h>

#include "records/spool.h"

/* Makes the thread when there is none. */
void tenon_sender_start(void);

/* Tells it that there is something to do. */
void tenon_sender_wake(void);

/* Of a new child: spools for all pools, and the thread when records wait from before. */
void tenon_sender_child_init(apr_pool_t *p, server_rec *s);

#endif
