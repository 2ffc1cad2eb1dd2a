/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into an httpd whose module is under AddressSanitizer. APR hands out pieces of large
 * blocks, in which the sanitizer sees no border and no end of life; here each piece is a block of
 * the heap, freed when its pool is cleared or when its bucket is freed.
 */
#include <apr_buckets.h>
#include <apr_pools.h>
#include <apr_thread_proc.h>
#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#define BUCKETS 4096

/* What a pool has handed out; lives until the pool is cleared. */
typedef struct owner {
    apr_pool_t *pool;
    void **pieces;
    size_t count;
    size_t capacity;
    struct owner *next;
} owner;

static owner *owners[BUCKETS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
/* Takes from the pool itself: registering a cleanup does, and what the pool needs behind its last
 * cleanup must. */
static __thread int registering;

/* A prefork child clears its pools in the handler of SIGTERM, whatever it was doing: the signal
 * waits while this file does something. */
static void enter(sigset_t *before)
{
    sigset_t waiting;
    sigemptyset(&waiting);
    sigaddset(&waiting, SIGTERM);
    sigaddset(&waiting, SIGHUP);
    sigaddset(&waiting, SIGUSR1);
    sigaddset(&waiting, SIGWINCH);
    pthread_sigmask(SIG_BLOCK, &waiting, before);
}

static void leave(const sigset_t *before)
{
    pthread_sigmask(SIG_SETMASK, before, NULL);
}

static owner **find(apr_pool_t *pool)
{
    owner **place = &owners[((size_t)pool >> 4) % BUCKETS];
    while (*place && (*place)->pool != pool) {
        place = &(*place)->next;
    }
    return place;
}

/* Runs as the last cleanup of its pool: it was registered before the pool handed out anything, so
 * before any other cleanup. */
static apr_status_t release(void *data)
{
    owner *ended = data;
    owner **place;
    sigset_t before;
    enter(&before);
    pthread_mutex_lock(&lock);
    place = find(ended->pool);
    *place = ended->next;
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < ended->count; i++) {
        free(ended->pieces[i]);
    }
    free(ended->pieces);
    free(ended);
    leave(&before);
    return APR_SUCCESS;
}

static void *keep(owner *kept, void *piece)
{
    if (kept->count == kept->capacity) {
        kept->capacity = kept->capacity ? 2 * kept->capacity : 16;
        kept->pieces = realloc(kept->pieces, kept->capacity * sizeof(void *));
    }
    if (!kept->pieces || !piece) {
        abort();
    }
    kept->pieces[kept->count++] = piece;
    return piece;
}

static owner *owner_of(apr_pool_t *pool)
{
    owner **place;
    owner *found;
    pthread_mutex_lock(&lock);
    place = find(pool);
    found = *place;
    if (!found) {
        found = *place = calloc(1, sizeof(*found));
        if (!found) {
            abort();
        }
        found->pool = pool;
        registering = 1;
        apr_pool_cleanup_register(pool, found, release, apr_pool_cleanup_null);
        registering = 0;
    }
    pthread_mutex_unlock(&lock);
    return found;
}

void *apr_palloc(apr_pool_t *pool, apr_size_t size)
{
    void *piece;
    sigset_t before;
    if (registering) {
        void *(*real)(apr_pool_t *, apr_size_t);
        *(void **)&real = dlsym(RTLD_NEXT, "apr_palloc");
        return real(pool, size);
    }
    enter(&before);
    /* Only one thread at a time allocates from a pool. */
    piece = keep(owner_of(pool), malloc(size));
    leave(&before);
    return piece;
}

/* A pool waits for its processes behind its last cleanup: it is given a record that is still there.
 */
void apr_pool_note_subprocess(apr_pool_t *pool, apr_proc_t *process, apr_kill_conditions_e how)
{
    void (*real)(apr_pool_t *, apr_proc_t *, apr_kill_conditions_e);
    apr_proc_t *kept;
    sigset_t before;
    *(void **)&real = dlsym(RTLD_NEXT, "apr_pool_note_subprocess");
    enter(&before);
    registering = 1;
    kept = apr_palloc(pool, sizeof(*kept));
    *kept = *process;
    real(pool, kept, how);
    registering = 0;
    leave(&before);
}

void *apr_bucket_alloc(apr_size_t size, apr_bucket_alloc_t *list)
{
    void *piece;
    sigset_t before;
    (void)list;
    enter(&before);
    piece = malloc(size);
    leave(&before);
    if (!piece) {
        abort();
    }
    return piece;
}

void apr_bucket_free(void *piece)
{
    sigset_t before;
    enter(&before);
    free(piece);
    leave(&before);
}
