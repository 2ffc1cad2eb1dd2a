/* SPDX-License-Identifier: Apache-2.0
 *
 * What is counted of hooks and of pools, over all children of httpd, since its start or its last
 * restart.
 */
#ifndef TENON_COUNTS_H
#define TENON_COUNTS_H

#include "config/config.h"
#include "config/hook.h"

typedef enum {
    TENON_COUNT_ASKED,  /* went to a worker */
    TENON_COUNT_FAILED, /* could not be asked, or failed */
    TENON_COUNT_HIT,    /* decisions that were kept, and found */
    TENON_COUNT_MISS,   /* decisions that were looked for in vain */
    TENON_COUNT_KINDS
} tenon_count_kind;

/* Requests, or phases of them, that a pool did not serve. */
typedef enum {
    TENON_COUNT_NO_THREAD,     /* the pool had its share of httpd's threads */
    TENON_COUNT_QUEUE_FULL,    /* nobody may wait for a worker any more */
    TENON_COUNT_QUEUE_TIMEOUT, /* waited too long for a worker */
    TENON_COUNT_TIMEOUT,       /* the answer, or more of it, did not come in time */
    TENON_COUNT_UNSERVED_KINDS
} tenon_count_unserved;

/* Counts; hooks of .htaccess files are not counted. */
void tenon_count(const tenon_hook *hook, tenon_count_kind what);

/* What is counted of a hook of the configuration. */
uint64_t tenon_counted(const tenon_hook *hook, tenon_count_kind what);

void tenon_count_pool(const tenon_pool *pool, tenon_count_unserved what);
uint64_t tenon_counted_pool(const tenon_pool *pool, tenon_count_unserved what);

void tenon_counts_register(void);

#endif
