/* SPDX-License-Identifier: Apache-2.0
 *
 * How many threads of httpd the pools hold, over all children, and how many each may
 * (TenonThreads). A thread is held from the moment when it looks for a worker until it is done with
 * that phase of the request: queue, answer, tunnel, and a client that reads slowly.
 *
 * The counts are in memory that httpd's processes share: a row a child, which only this child
 * changes, and which httpd's parent clears when the child has ended, however it did. So nothing has
 * to be put right when a child is killed. The memory stays over restarts, since children that
 * finish what is open go on holding threads.
 */
#ifndef TENON_THREADS_H
#define TENON_THREADS_H

#include <httpd.h>
#include "config/config.h"

/* A thread that is held for a pool. One thread may be held by several exchanges of a request: it
 * counts once for each pool. */
typedef struct tenon_hold {
    struct tenon_hold *outer; /* of the same request, begun before */
    tenon_pool *pool;         /* NULL: not held */
    int most;                 /* when it was refused: so many threads the pool may hold now */
    int stream;               /* the thread is one of mod_http2's */
} tenon_hold;

/* Holds the thread for a pool: 1, or 0 when that has its share. `holds` are those of the request,
 * `hold` stays until it is given back; `stream`: the thread is one of mod_http2's. */
int tenon_threads_take(tenon_hold **holds, tenon_hold *hold, tenon_pool *pool, int stream);

/* Ends that; without effect when the thread is not held. */
void tenon_threads_give(tenon_hold **holds, tenon_hold *hold);

/* Takes note that a worker of the pool has answered. */
void tenon_threads_answered(const tenon_pool *pool);

/* How many threads a pool holds now; `*most` is how many it may. */
int tenon_threads_held(const tenon_pool *pool, int *most);

void tenon_threads_register(void);

#endif
