/* SPDX-License-Identifier: Apache-2.0
 *
 * A module of httpd with one fault for each path, by which the tests know that the sanitizers see
 * the faults of a module.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <apr_strings.h>
#include <limits.h>
#include <string.h>

static int handler(request_rec *r)
{
    volatile int index = 16;
    if (!strcmp(r->uri, "/overflow")) {
        char *bytes = apr_palloc(r->pool, 16);
        bytes[index] = 1;
    } else if (!strcmp(r->uri, "/after-the-pool")) {
        apr_pool_t *pool;
        volatile char *bytes;
        apr_pool_create(&pool, r->pool);
        bytes = apr_pstrdup(pool, "text");
        apr_pool_destroy(pool);
        index = bytes[0];
    } else if (!strcmp(r->uri, "/after-the-bucket")) {
        volatile char *bytes = apr_bucket_alloc(16, r->connection->bucket_alloc);
        apr_bucket_free((char *)bytes);
        bytes[0] = 1;
    } else if (!strcmp(r->uri, "/undefined")) {
        volatile int most = INT_MAX;
        index = most + index;
    }
    ap_rputs("no fault\n", r);
    return OK;
}

static void register_hooks(apr_pool_t *p)
{
    (void)p;
    ap_hook_handler(handler, NULL, NULL, APR_HOOK_FIRST);
}

AP_DECLARE_MODULE(faulty) = {
    STANDARD20_MODULE_STUFF, NULL, NULL, NULL, NULL, NULL, register_hooks, 0,
};
