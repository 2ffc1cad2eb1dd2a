/* SPDX-License-Identifier: Apache-2.0
 *
 * Conditional and range requests for what is filtered. A handler that knew of the conditions would
 * answer 304 for a body that its filters may make another one of, or a part of it. So they are kept
 * from it, and judged behind the filters by the validators that are there then.
 */
#include <httpd.h>
#include <http_core.h>
#include <http_protocol.h>
#include <util_filter.h>
#include <apr_date.h>

#include "filters/filter.h"

/* Behind the filters of content, compression among them. */
#define BEHIND_CONTENT ((ap_filter_type)(AP_FTYPE_CONTENT_SET + 1))

static ap_filter_rec_t *conditions_filter;

static const char *const names[] = {"If-None-Match", "If-Modified-Since", "If-Range", "Range"};
#define NAMES (sizeof(names) / sizeof(names[0]))

/* Of the filter once the client is known to have what it asked for. */
static int known;

static int is_judged(const request_rec *r)
{
    const ap_filter_t *f = r->output_filters;
    while (f && f->frec != conditions_filter) {
        f = f->next;
    }
    return f != NULL;
}

void tenon_conditions_suspend(request_rec *r)
{
    apr_table_t *kept;
    if (r->main || r->method_number != M_GET || is_judged(r)) {
        return;
    }
    kept = apr_table_make(r->pool, NAMES);
    for (size_t i = 0; i < NAMES; i++) {
        const char *value = apr_table_get(r->headers_in, names[i]);
        if (value) {
            apr_table_setn(kept, names[i], value);
            apr_table_unset(r->headers_in, names[i]);
        }
    }
    if (!apr_is_empty_table(kept)) {
        ap_add_output_filter_handle(conditions_filter, kept, r, r->connection);
    }
}

/* Whether the client has what is about to be sent. */
static int is_known(request_rec *r)
{
    const char *modified = apr_table_get(r->headers_out, "Last-Modified");
    if (r->status != HTTP_OK || (!modified && !apr_table_get(r->headers_out, "ETag"))) {
        return 0;
    }
    if (modified) {
        r->mtime = apr_date_parse_http(modified);
    } else {
        /* httpd would take the present time for that of the body (RFC 9110, 13.1.3). */
        apr_table_unset(r->headers_in, "If-Modified-Since");
    }
    return ap_meets_conditions(r) == HTTP_NOT_MODIFIED;
}

/* The first that comes has the head ready in headers_out. */
static apr_status_t judge(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    const apr_table_t *kept = f->ctx;
    apr_bucket *bucket;
    if (!kept) {
        ap_remove_output_filter(f);
        return ap_pass_brigade(f->next, bb);
    }
    if (f->ctx != &known) {
        f->ctx = &known;
        apr_table_overlap(r->headers_in, kept, APR_OVERLAP_TABLES_SET);
        if (APR_BRIGADE_EMPTY(bb) || AP_BUCKET_IS_ERROR(APR_BRIGADE_FIRST(bb)) || !is_known(r)) {
            ap_remove_output_filter(f);
            return ap_pass_brigade(f->next, bb);
        }
        r->status = HTTP_NOT_MODIFIED;
        r->status_line = NULL;
        bucket = apr_bucket_eos_create(f->c->bucket_alloc);
        APR_BRIGADE_INSERT_HEAD(bb, bucket);
        while (APR_BRIGADE_LAST(bb) != bucket) {
            apr_bucket_delete(APR_BRIGADE_LAST(bb));
        }
        return ap_pass_brigade(f->next, bb);
    }
    /* The client has it, so no more of it is sent. */
    apr_brigade_cleanup(bb);
    return APR_SUCCESS;
}

void tenon_conditions_register(void)
{
    conditions_filter = ap_register_output_filter("TENON_CONDITIONS", judge, NULL, BEHIND_CONTENT);
}
