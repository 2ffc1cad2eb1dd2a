/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <apr_shm.h>
#include <string.h>

#include "config/config.h"
#include "counts.h"

/* A row of kinds for each hook of the configuration; NULL without hooks, or without memory. */
static uint64_t *counts;
/* The same for each pool. */
static uint64_t *pool_counts;

static uint64_t *count_of(const tenon_hook *hook, tenon_count_kind what)
{
    return counts && !hook->htaccess ? counts + hook->number * TENON_COUNT_KINDS + what : NULL;
}

void tenon_count(const tenon_hook *hook, tenon_count_kind what)
{
    uint64_t *count = count_of(hook, what);
    if (count) {
        __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
    }
}

uint64_t tenon_counted(const tenon_hook *hook, tenon_count_kind what)
{
    const uint64_t *count = count_of(hook, what);
    return count ? __atomic_load_n(count, __ATOMIC_RELAXED) : 0;
}

static uint64_t *count_of_pool(const tenon_pool *pool, tenon_count_unserved what)
{
    return pool_counts ? pool_counts + pool->number * TENON_COUNT_UNSERVED_KINDS + what : NULL;
}

void tenon_count_pool(const tenon_pool *pool, tenon_count_unserved what)
{
    uint64_t *count = count_of_pool(pool, what);
    if (count) {
        __atomic_add_fetch(count, 1, __ATOMIC_RELAXED);
    }
}

uint64_t tenon_counted_pool(const tenon_pool *pool, tenon_count_unserved what)
{
    const uint64_t *count = count_of_pool(pool, what);
    return count ? __atomic_load_n(count, __ATOMIC_RELAXED) : 0;
}

/* Shared memory for a table, or NULL. */
static uint64_t *make_table(apr_pool_t *p, int rows, int kinds)
{
    const apr_size_t size = (apr_size_t)rows * (apr_size_t)kinds * sizeof(uint64_t);
    uint64_t *table;
    apr_shm_t *memory;
    if (size == 0 || apr_shm_create(&memory, size, NULL, p) != APR_SUCCESS) {
        return NULL;
    }
    table = apr_shm_baseaddr_get(memory);
    memset(table, 0, size);
    return table;
}

/* Hook post_config: before children are made. What cannot be counted still works. */
static int make_counts(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp, server_rec *s)
{
    (void)log_pool;
    (void)temp;
    (void)s;
    counts = make_table(p, tenon_configuration->hooks->nelts, TENON_COUNT_KINDS);
    pool_counts = make_table(p, tenon_configuration->pools->nelts, TENON_COUNT_UNSERVED_KINDS);
    return OK;
}

void tenon_counts_register(void)
{
    ap_hook_post_config(make_counts, NULL, NULL, APR_HOOK_MIDDLE);
}
