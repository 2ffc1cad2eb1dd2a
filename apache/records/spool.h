/* SPDX-License-Identifier: Apache-2.0
 *
 * The records of one pool in a child of httpd: a queue of segments (spool_segment.h) below
 * <runtime>/records/<pool>. The threads that handle requests append; one thread, the sender, takes
 * windows of records to workers and acknowledges them.
 *
 * Normal use: tenon_spool_append by any thread; by the sender tenon_spool_window,
 * tenon_spool_acknowledge, tenon_spool_tend now and then, tenon_spool_close at the end.
 */
#ifndef TENON_SPOOL_H
#define TENON_SPOOL_H

#include <httpd.h>
#include <apr_thread_cond.h>
#include <apr_thread_mutex.h>

#include "exchange/channel.h"
#include "config/config.h"
#include "records/spool_segment.h"

typedef struct tenon_spool {
    tenon_pool *pool;
    apr_thread_mutex_t *mutex; /* guards what is below, up to the sender's */
    apr_thread_cond_t *room;   /* something was acknowledged */
    int directory;             /* descriptor, -1 before the first record */
    spool_segment *first;      /* the oldest; NULL: none */
    spool_segment *last;       /* that records are written to */
    spool_segment *spare;      /* made ahead by the sender */
    int segments;
    uint64_t waiting;   /* bytes of records of this child that are not acknowledged */
    uint64_t elsewhere; /* bytes of other children's files, when last seen */
    uint64_t wake_at;   /* the sender is to be woken when so much waits */
    uint64_t dropped;   /* records, since it was last logged */
    int error;          /* errno of the last file that could not be made */
    int closed;

    /* The sender's own. */
    apr_pool_t *temp;       /* for looking around */
    spool_segment *orphan;  /* of another child that has ended */
    spool_segment *refused; /* where records are set aside */
    int turn;               /* whose records are next: this child's, or the orphan's */
    uint64_t delivered;     /* records of the orphan */
    apr_time_t looked;      /* for orphans */
    apr_time_t complained;  /* of what was dropped */
} tenon_spool;

/* Records that go to workers together. */
typedef struct {
    spool_segment *segment;
    uint64_t end; /* in the segment */
    spool_record *records;
    int count;
} tenon_window;

/* Sets up a pool's spool; makes no file yet. */
tenon_spool *tenon_spool_create(apr_pool_t *p, tenon_pool *pool);

/* What becomes of a record that there is no room for. */
typedef enum {
    TENON_SPOOL_DROPS, /* it is counted */
    TENON_SPOOL_WAITS, /* as long as TenonLogOverflow says, then it is counted */
    TENON_SPOOL_TELLS  /* nothing yet: -1 */
} tenon_spool_full;

/* Adds a record. `lasting`: it is to outlive this child. 1 when the sender is to be woken. */
int tenon_spool_append(tenon_spool *spool, tenon_worker worker, const uint8_t *frame,
                       size_t frame_size, int lasting, tenon_spool_full full);

/* Bytes that wait; the sender is woken from now on when there are `wake_at`. */
uint64_t tenon_spool_listen(tenon_spool *spool, uint64_t wake_at);

/* The next records, in memory of `p`: 1, or 0 when there are none. */
int tenon_spool_window(tenon_spool *spool, apr_pool_t *p, tenon_window *window);
void tenon_spool_acknowledge(tenon_spool *spool, const tenon_window *window);

/* Sets a record aside for good, in a file that nobody reads: its name, or NULL. */
const char *tenon_spool_set_aside(tenon_spool *spool, const spool_record *record);

/* Makes a spare segment, looks for files that were left behind, logs what was dropped. */
void tenon_spool_tend(tenon_spool *spool);
/* Whether another child's records wait here. */
int tenon_spool_adopts(const tenon_spool *spool);

/* spool_files.c: */
/* Looks for what another child has left; adopts the oldest of it. */
void tenon_spool_look_around(tenon_spool *spool);
/* Lets go of what was adopted: `removed` when all of it was delivered. */
void tenon_spool_drop_orphan(tenon_spool *spool, int removed);
/* A file that does not hold what it should is kept under a name that nobody adopts. */
void tenon_spool_set_file_aside(const tenon_spool *spool, const char *name, const char *why);
/* Removes files of children that were killed and that hold nothing to outlive httpd. */
void tenon_spool_tidy(tenon_spool *spool);

/* Leaves what is not acknowledged to another child. */
void tenon_spool_close(tenon_spool *spool);

/* The directory of all spools; below it one for each pool. */
const char *tenon_spool_root(apr_pool_t *p);

#endif
