/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <ap_mpm.h>
#include <mpm_common.h>
#include <apr_hash.h>
#include <apr_strings.h>
#include <errno.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "threads.h"

/* So long a pool may owe an answer before it is thought to hang, ms. */
#define SILENCE_MS 500
/* Of retained memory, in httpd's pool for all its life. */
#define RETAINED   "tenon-threads"
#define SPARE_ROWS 1000 /* four bytes a pool each, looked at only when they were used */
#define ALL        ""   /* name of the counts over all pools; none has it */

/* Counts of one pool in shared memory. */
typedef struct tenon_share {
    uint32_t owed_since; /* ms: a request waits since then and none was answered; 0: none waits */
    uint32_t held[];     /* by row */
} tenon_share;

/* What stays over restarts. */
typedef struct {
    apr_pool_t *p;
    int rows;
    uint32_t *used;     /* rows that were ever used, in shared memory */
    pid_t *owners;      /* by row: pid of the child; negative when that ends, 0: free */
    apr_hash_t *shares; /* tenon_share *, by name of the pool */
} retained;

static retained *state;
static tenon_share *all;
static int most_children;        /* that run at once */
static int threads_per_child;    /* 1 under prefork */
static int least_stream_threads; /* H2MinWorkers; 0: not given */
static int stream_threads;       /* of mod_http2 in this child: H2MaxWorkers, in children never 0 */
static uint32_t all_streams;     /* of this child that hold a thread, of all pools */
static int own_row = -1;         /* of this child; -1: what it holds is not counted */

static uint32_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

static int sum(const tenon_share *share)
{
    const uint32_t used = __atomic_load_n(state->used, __ATOMIC_ACQUIRE);
    uint32_t held = 0;
    for (uint32_t row = 0; row < used; row++) {
        held += __atomic_load_n(&share->held[row], __ATOMIC_RELAXED);
    }
    return (int)held;
}

/* Children that run and are not about to end. */
static int running_children(void)
{
    const uint32_t used = __atomic_load_n(state->used, __ATOMIC_ACQUIRE);
    int children = 0;
    for (uint32_t row = 0; row < used; row++) {
        children += __atomic_load_n(&state->owners[row], __ATOMIC_RELAXED) > 0;
    }
    return children;
}

/* How many of so many threads a pool may hold when others hold some: its share of what these leave,
 * and whatever the shares, some are left over. */
static int share_of_threads(const tenon_pool *pool, int threads, int spared, int others)
{
    const int left = threads - others - (spared < threads / 2 ? spared : threads / 2);
    int most = pool->threads < 0 ? (threads - others) * -pool->threads / 100 : pool->threads;
    most = most < 1 ? 1 : most;
    return most < left ? most : left > 0 ? left : 0;
}

/* The same of so many children. What is left over is one, and under a threaded MPM so many that
 * one child at least has two: the listener of event reserves the last idle thread of a child, finds
 * then that none is idle, and accepts nothing until another thread becomes idle. */
static int most_of(const tenon_pool *pool, int children, int others)
{
    const int spared = threads_per_child > 1 ? children + 1 : 1;
    return share_of_threads(pool, children * threads_per_child, spared, others);
}

/* Whether a request waits for long, and none of the pool's was answered meanwhile. */
static int is_silent(tenon_share *share, int held)
{
    const uint32_t now = now_ms() | 1;
    const uint32_t since = __atomic_load_n(&share->owed_since, __ATOMIC_RELAXED);
    if (since == 0 || held == 1) {
        __atomic_store_n(&share->owed_since, now, __ATOMIC_RELAXED);
        return 0;
    }
    return now - since > SILENCE_MS && now - since < UINT32_MAX / 2;
}

/* -1 when the pool's streams of HTTP/2 keep to their share in this child, or how many threads that
 * share is. mod_http2 runs them on threads of its own, and no other child can stand in. While the
 * pool is silent the child's other threads count too: each session with an open stream has one. */
static int exceeded_here(const tenon_pool *pool, const tenon_share *share, int silent)
{
    const int streams = (int)__atomic_load_n(&pool->streams, __ATOMIC_SEQ_CST);
    const int other_streams = (int)__atomic_load_n(&all_streams, __ATOMIC_SEQ_CST) - streams;
    const int held = (int)share->held[own_row];
    int most = share_of_threads(pool, stream_threads, 1, other_streams);
    if (streams > most) {
        return most;
    }
    most = most_of(pool, 1, (int)all->held[own_row] - held);
    return silent && held > most ? most : -1;
}

/* -1 when the pool keeps to its share, this thread included, or how many threads that share is now.
 * While it owes an answer the share is one of the threads that run now: httpd starts more of them
 * only slowly. */
static int exceeded(const tenon_pool *pool, tenon_share *share, int stream)
{
    const int held = sum(share);
    const int others = sum(all) - held;
    const int silent = is_silent(share, held);
    int most = most_of(pool, most_children, others);
    if (held <= most && silent) {
        most = most_of(pool, running_children(), others);
    }
    if (held > most) {
        return most;
    }
    return stream ? exceeded_here(pool, share, silent) : -1;
}

static int holds_for(const tenon_hold *hold, const tenon_pool *pool)
{
    while (hold && hold->pool != pool) {
        hold = hold->outer;
    }
    return hold != NULL;
}

static void add(tenon_share *share, uint32_t *streams, int number, int stream)
{
    __atomic_add_fetch(&share->held[own_row], (uint32_t)number, __ATOMIC_SEQ_CST);
    if (stream) {
        __atomic_add_fetch(streams, (uint32_t)number, __ATOMIC_SEQ_CST);
    }
}

void tenon_threads_give(tenon_hold **holds, tenon_hold *hold)
{
    tenon_hold **at = holds;
    tenon_pool *pool = hold->pool;
    if (!pool) {
        return;
    }
    while (*at != hold) {
        at = &(*at)->outer;
    }
    *at = hold->outer;
    hold->pool = NULL;
    if (!holds_for(*holds, pool)) {
        add(pool->share, &pool->streams, -1, hold->stream);
    }
    if (!*holds) {
        add(all, &all_streams, -1, hold->stream);
    }
}

int tenon_threads_take(tenon_hold **holds, tenon_hold *hold, tenon_pool *pool, int stream)
{
    const int again = holds_for(*holds, pool);
    if (own_row < 0 || !pool->share) {
        return 1;
    }
    if (!*holds) {
        add(all, &all_streams, 1, stream);
    }
    if (!again) {
        add(pool->share, &pool->streams, 1, stream);
    }
    *hold = (tenon_hold){*holds, pool, -1, stream};
    *holds = hold;
    hold->most = again ? -1 : exceeded(pool, pool->share, stream);
    if (hold->most < 0) {
        return 1;
    }
    tenon_threads_give(holds, hold);
    return 0;
}

void tenon_threads_answered(const tenon_pool *pool)
{
    tenon_share *share = pool->share;
    if (share && __atomic_load_n(&share->owed_since, __ATOMIC_RELAXED)) {
        __atomic_store_n(&share->owed_since, 0, __ATOMIC_RELAXED);
    }
}

int tenon_threads_held(const tenon_pool *pool, int *most)
{
    const int held = pool->share ? sum(pool->share) : 0;
    *most = most_of(pool, most_children, all ? sum(all) - held : 0);
    return held;
}

static void *share_memory(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

/* The counts of a name: those of before a restart, or new ones; NULL without memory. */
static tenon_share *share_of(const char *name)
{
    tenon_share *share = apr_hash_get(state->shares, name, APR_HASH_KEY_STRING);
    if (!share) {
        share = share_memory(sizeof(*share) + (size_t)state->rows * sizeof(share->held[0]));
        apr_hash_set(state->shares, apr_pstrdup(state->p, name), APR_HASH_KEY_STRING, share);
    }
    return share;
}

/* Children that end are replaced before they have ended, and those that MaxConnectionsPerChild ends
 * come faster than httpd's parent hears of them, one at a time. Nor has their number a limit under
 * worker: it gives a child's place to another as soon as one of its threads has ended. */
static retained *make_retained(apr_pool_t *p)
{
    retained *made = apr_pcalloc(p, sizeof(*made));
    int limit = 1;
    ap_mpm_query(AP_MPMQ_HARD_LIMIT_DAEMONS, &limit);
    made->p = p;
    made->rows = 2 * limit + SPARE_ROWS;
    made->used = share_memory(sizeof(*made->used) + (size_t)made->rows * sizeof(*made->owners));
    made->owners = made->used ? (pid_t *)(made->used + 1) : NULL;
    made->shares = apr_hash_make(p);
    /* Not setn: the module, and the key with it, is loaded anew for each configuration. */
    apr_pool_userdata_set(made, RETAINED, NULL, p);
    return made;
}

/* The number that a directive of mod_http2 has outside of virtual hosts, where it counts; 0: none.
 */
static int number_of(const char *directive)
{
    int number = 0;
    for (const ap_directive_t *at = ap_conftree; at; at = at->next) {
        if (strcasecmp(at->directive, directive) == 0) {
            number = atoi(at->args);
        }
    }
    return number;
}

/* Hook post_config: before children are made, and while the configuration can still be read. */
static int make_shares(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp, server_rec *s)
{
    void *found = NULL;
    int failed;
    (void)p;
    (void)log_pool;
    (void)temp;
    apr_pool_userdata_get(&found, RETAINED, s->process->pool);
    state = found ? found : make_retained(s->process->pool);
    all = state->used ? share_of(ALL) : NULL;
    failed = all == NULL;
    least_stream_threads = number_of("H2MinWorkers");
    stream_threads = number_of("H2MaxWorkers");
    for (int i = 0; !failed && i < tenon_configuration->pools->nelts; i++) {
        tenon_pool *pool = APR_ARRAY_IDX(tenon_configuration->pools, i, tenon_pool *);
        pool->share = share_of(pool->name);
        failed = pool->share == NULL;
    }
    if (failed) {
        ap_log_error(APLOG_MARK, APLOG_CRIT, errno, s,
                     "TN0062: there is no memory to count the threads that pools hold");
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

/* Takes a free row for this process: it, or -1. */
static int take_row(void)
{
    const pid_t pid = getpid();
    for (int row = 0; row < state->rows; row++) {
        pid_t nobody = 0;
        if (__atomic_compare_exchange_n(&state->owners[row], &nobody, pid, 0, __ATOMIC_ACQ_REL,
                                        __ATOMIC_RELAXED)) {
            uint32_t used = __atomic_load_n(state->used, __ATOMIC_ACQUIRE);
            while (used <= (uint32_t)row &&
                   !__atomic_compare_exchange_n(state->used, &used, (uint32_t)row + 1, 0,
                                                __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
            }
            return row;
        }
    }
    return -1;
}

static void child_init(apr_pool_t *p, server_rec *s)
{
    int children = 1;
    int threads = 1;
    (void)p;
    ap_mpm_query(AP_MPMQ_MAX_DAEMONS, &children);
    ap_mpm_query(AP_MPMQ_MAX_THREADS, &threads);
    most_children = children > 1 ? children : 1;
    threads_per_child = threads > 1 ? threads : 1;
    if (stream_threads <= 0) {
        /* As mod_http2 has it. */
        const int least = least_stream_threads > 0 ? least_stream_threads : threads_per_child;
        stream_threads = least * 3 / 2 > 4 ? least * 3 / 2 : 4;
    }
    own_row = take_row();
    if (own_row < 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, s,
                     "TN0063: more than %d processes of httpd: the threads that pools hold in this "
                     "one are not counted (TenonThreads)",
                     state->rows);
    }
}

/* Its row is free, and what it held is held no more. */
static void clear_row(int row)
{
    for (apr_hash_index_t *at = apr_hash_first(NULL, state->shares); at; at = apr_hash_next(at)) {
        tenon_share *share = apr_hash_this_val(at);
        __atomic_store_n(&share->held[row], 0, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&state->owners[row], 0, __ATOMIC_RELEASE);
}

/* Hook child_status, in httpd's parent: also of a child that was killed. */
static void child_status(server_rec *s, pid_t pid, ap_generation_t generation, int slot,
                         mpm_child_status status)
{
    (void)s;
    (void)generation;
    (void)slot;
    for (int row = 0; status == MPM_CHILD_EXITED && state && row < state->rows; row++) {
        const pid_t owner = __atomic_load_n(&state->owners[row], __ATOMIC_RELAXED);
        if (owner == pid || owner == -pid) {
            clear_row(row);
        }
    }
}

#if AP_MODULE_MAGIC_AT_LEAST(20120211, 110)
/* This child takes no more connections: its threads serve nobody else. */
static void child_stopping(apr_pool_t *p, int graceful)
{
    (void)p;
    (void)graceful;
    if (own_row >= 0) {
        __atomic_store_n(&state->owners[own_row], -getpid(), __ATOMIC_RELAXED);
    }
}
#endif

void tenon_threads_register(void)
{
    ap_hook_post_config(make_shares, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_init(child_init, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_child_status(child_status, NULL, NULL, APR_HOOK_MIDDLE);
#if AP_MODULE_MAGIC_AT_LEAST(20120211, 110)
    ap_hook_child_stopping(child_stopping, NULL, NULL, APR_HOOK_MIDDLE);
#endif
}
