/* SPDX-License-Identifier: Apache-2.0
 *
 * A hash table of fixed size. A place is taken once and never given back; its names change under a
 * sequence number that is odd meanwhile, so that a reader knows when it has read half of them.
 */
#include <httpd.h>
#include <apr_strings.h>
#include <string.h>

#include "decisions/lessons.h"

#define PLACES      256
#define TITLE_BYTES 128
#define MOST_READS  100

typedef struct {
    char title[TITLE_BYTES]; /* pool#export; an over-long one shares its place with its like */
    uint32_t taken;          /* phase and 1, written when the title stands */
    uint32_t sequence;
    uint32_t generation;
    uint32_t size; /* of names */
    char names[TENON_LESSONS_BYTES];
} lesson;

static lesson *lessons;

apr_status_t tenon_lessons_create(apr_pool_t *p)
{
    apr_shm_t *memory;
    const apr_status_t status = apr_shm_create(&memory, PLACES * sizeof(*lessons), NULL, p);
    lessons = NULL;
    if (status == APR_SUCCESS) {
        lessons = apr_shm_baseaddr_get(memory);
        memset(lessons, 0, PLACES * sizeof(*lessons));
    }
    return status;
}

static void write_title(const tenon_hook *hook, char title[TITLE_BYTES])
{
    apr_snprintf(title, TITLE_BYTES, "%s#%s", hook->pool->name, hook->export);
}

/* The place of a hook, or the free one that it may take (`*known` is 0), or NULL. */
static lesson *place_of(const tenon_hook *hook, const char *title, int *known)
{
    apr_ssize_t length = APR_HASH_KEY_STRING;
    const unsigned hash = apr_hashfunc_default(title, &length) + (unsigned)hook->phase;
    for (unsigned step = 0; lessons && step < PLACES; step++) {
        lesson *at = &lessons[(hash + step) % PLACES];
        const uint32_t taken = __atomic_load_n(&at->taken, __ATOMIC_ACQUIRE);
        *known = taken == (uint32_t)hook->phase + 1 && !strcmp(at->title, title);
        if (*known || !taken) {
            return at;
        }
    }
    return NULL;
}

int tenon_lessons_names(const tenon_hook *hook, uint32_t generation,
                        char names[TENON_LESSONS_BYTES])
{
    char title[TITLE_BYTES];
    int taken = 0;
    const lesson *at;
    write_title(hook, title);
    at = place_of(hook, title, &taken);
    if (!at || !taken) {
        return -1;
    }
    for (int reads = 0; reads < MOST_READS; reads++) {
        const uint32_t before = __atomic_load_n(&at->sequence, __ATOMIC_ACQUIRE);
        const uint32_t size = at->size;
        const uint32_t of = at->generation;
        if (before % 2 || size > TENON_LESSONS_BYTES) {
            continue;
        }
        memcpy(names, at->names, size);
        __atomic_thread_fence(__ATOMIC_ACQUIRE);
        if (__atomic_load_n(&at->sequence, __ATOMIC_RELAXED) == before) {
            return of == generation ? (int)size : -1;
        }
    }
    return -1; /* whoever wrote has died in the middle of it */
}

/* Where a name stands, or goes: its place among those that are sorted. */
static size_t place_of_name(const char *names, size_t size, const char *name, int *known)
{
    size_t at = 0;
    while (at < size) {
        const int order = strcmp(name, names + at);
        *known = order == 0;
        if (order <= 0) {
            return at;
        }
        at += strlen(names + at) + 1;
    }
    *known = 0;
    return at;
}

/* Adds a name to a copy of the names: 1 when it was there, 0, or -1. */
static int add_name(char *names, size_t *size, const char *name)
{
    const size_t length = strlen(name) + 1;
    int known;
    const size_t at = place_of_name(names, *size, name, &known);
    if (known) {
        return 1;
    }
    if (length > TENON_LESSONS_BYTES - *size) {
        return -1;
    }
    memmove(names + at + length, names + at, *size - at);
    memcpy(names + at, name, length);
    *size += length;
    return 0;
}

static void write_names(lesson *at, uint32_t generation, const char *names, size_t size)
{
    /* Odd already when a writer died: its successor goes on from there. */
    const uint32_t odd = at->sequence | 1;
    __atomic_store_n(&at->sequence, odd, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
    at->generation = generation;
    at->size = (uint32_t)size;
    memcpy(at->names, names, size);
    __atomic_store_n(&at->sequence, odd + 1, __ATOMIC_RELEASE);
}

int tenon_lessons_add(const tenon_hook *hook, uint32_t generation, const apr_array_header_t *names)
{
    char title[TITLE_BYTES];
    char all[TENON_LESSONS_BYTES];
    int taken = 0;
    int known;
    size_t size = 0;
    lesson *at;
    write_title(hook, title);
    at = place_of(hook, title, &taken);
    if (!at) {
        return -1;
    }
    known = taken && at->generation == generation;
    if (known) {
        size = at->size;
        memcpy(all, at->names, size);
    }
    for (int i = 0; names && i < names->nelts; i++) {
        const int added = add_name(all, &size, APR_ARRAY_IDX(names, i, const char *));
        if (added < 0) {
            return -1;
        }
        known &= added;
    }
    if (!known) {
        write_names(at, generation, all, size);
    }
    if (!taken) {
        memcpy(at->title, title, sizeof(title));
        __atomic_store_n(&at->taken, (uint32_t)hook->phase + 1, __ATOMIC_RELEASE);
    }
    return known;
}
