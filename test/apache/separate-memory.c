/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into an httpd whose module is under AddressSanitizer. APR hands out pieces of large
 * blocks, in which the sanitizer sees no border and no end of life; here each piece is a block of
 * the heap, freed when its pool is cleared or when its bucket is freed.
 */
#include <apr_buckets.h>
#include <apr_pools.h>
#include <dlfcn.h>
#include <pthread.h>
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
/* Registering the cleanup allocates from the pool itself. */
static __thread int registering;

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
    pthread_mutex_lock(&lock);
    place = find(ended->pool);
    *place = ended->next;
    pthread_mutex_unlock(&lock);
    for (size_t i = 0; i < ended->count; i++) {
        free(ended->pieces[i]);
    }
    free(ended->pieces);
    free(ended);
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
    if (registering) {
        void *(*real)(apr_pool_t *, apr_size_t);
        *(void **)&real = dlsym(RTLD_NEXT, "apr_palloc");
        return real(pool, size);
    }
    /* Only one thread at a time allocates from a pool. */
    return keep(owner_of(pool), malloc(size));
}

void *apr_bucket_alloc(apr_size_t size, apr_bucket_alloc_t *list)
{
    void *piece = malloc(size);
    (void)list;
    if (!piece) {
        abort();
    }
    return piece;
}

void apr_bucket_free(void *piece)
{
    free(piece);
}
