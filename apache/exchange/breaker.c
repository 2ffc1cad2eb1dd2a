/* SPDX-License-Identifier: Apache-2.0
 *
 * What a client gets while a pool's breaker is open: its workers fail one after another, and
 * nobody need wait for the next.
 */
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <apr_strings.h>
#include <fcntl.h>
#include <unistd.h>

#include "exchange/exchange.h"
#include "log.h"

#define MOST_REASON 8192

const char *tenon_breaker_reason(const tenon_pool *pool, apr_pool_t *p)
{
    const char *path = apr_pstrcat(p, pool->path, "/failure", NULL);
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    char *text = apr_palloc(p, MOST_REASON + 1);
    ssize_t size = 0;
    if (fd >= 0) {
        size = read(fd, text, MOST_REASON);
        close(fd);
    }
    text[size > 0 ? size : 0] = '\0';
    return text;
}

/* The page shows what is inside of the application: only where it is being written. */
static int in_development(const tenon_pool *pool)
{
    const char *environment = apr_table_get(pool->environment, "NODE_ENV");
    return environment && !strcmp(environment, "development");
}

static void show_reason(const tenon_exchange *x, const char *reason)
{
    request_rec *r = x->r;
    const char *page = apr_pstrcat(
        r->pool,
        "\"<!DOCTYPE html>\n<html><head><meta charset=\"utf-8\"><title>503 Service Unavailable"
        "</title></head><body>\n<h1>The pool ",
        ap_escape_html(r->pool, x->pool->name), " does not start</h1>\n<pre>",
        ap_escape_html(r->pool, reason),
        "</pre>\n<p>It is tried again when a file changes, and by and by.</p>\n</body></html>\n",
        NULL);
    ap_custom_response(r, HTTP_SERVICE_UNAVAILABLE, page);
}

tenon_outcome tenon_breaker_refuse(tenon_exchange *x)
{
    request_rec *r = x->r;
    const uint32_t left = tenon_channel_open_ms(x->pool);
    const char *reason = tenon_breaker_reason(x->pool, r->pool);
    ap_log_rerror(
        APLOG_MARK, APLOG_ERR, 0, r,
        "TN0257: " TENON_EXCHANGE_FORMAT "workers fail, the next is tried in %u ms: %s: %.*s",
        TENON_EXCHANGE_PREFIX(x), left, tenon_exchange_consequence(x, HTTP_SERVICE_UNAVAILABLE),
        (int)strcspn(reason, "\n"), reason);
    apr_table_setn(r->err_headers_out, "Retry-After",
                   apr_psprintf(r->pool, "%u", (left + 999) / 1000 > 0 ? (left + 999) / 1000 : 1));
    if (in_development(x->pool)) {
        show_reason(x, reason);
    }
    return tenon_exchange_fail(x, HTTP_SERVICE_UNAVAILABLE);
}
