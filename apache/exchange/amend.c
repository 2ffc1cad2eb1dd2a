/* SPDX-License-Identifier: Apache-2.0
 *
 * What httpd's own output filters leave out of an answer over HTTP/1 or spell anew: Content-Type
 * and Content-Length of an answer without body (they are those of the GET, RFC 9110, 8.6), a Vary
 * that is a list, and the trailers of one in chunks. All are put into what those filters have
 * written.
 */
#include <httpd.h>
#include <http_protocol.h>
#include <util_filter.h>
#include <apr_strings.h>

#include "exchange/exchange.h"

#define LAST_CHUNK       "0\r\n\r\n"
#define LAST_CHUNK_BYTES 5
#define LAST_LINE_BYTES  2

/* Behind httpd's filter that makes chunks, before those of the connection. */
#define BEHIND_CHUNKS ((ap_filter_type)(AP_FTYPE_TRANSCODE + 1))
/* Behind the filters that change content, before the one that writes the head. */
#define BEFORE_HEAD ((ap_filter_type)(AP_FTYPE_PROTOCOL - 1))

static ap_filter_rec_t *keep_fields_filter;
static ap_filter_rec_t *amend_head_filter;
static ap_filter_rec_t *add_trailers_filter;

static const char *field_line(request_rec *r, const char *name, const char *value)
{
    return apr_pstrcat(r->pool, name, ": ", value, CRLF, NULL);
}

/* Puts text before the last `behind` bytes of a bucket. */
static void insert_text(request_rec *r, apr_bucket *bucket, apr_size_t behind, const char *text)
{
    apr_bucket *added =
        apr_bucket_pool_create(text, strlen(text), r->pool, r->connection->bucket_alloc);
    apr_bucket_split(bucket, bucket->length - behind);
    APR_BUCKET_INSERT_AFTER(bucket, added);
}

/* The last bucket with data, when it ends with `end`; NULL otherwise. */
static apr_bucket *data_that_ends(apr_bucket_brigade *bb, const char *end, apr_size_t length)
{
    apr_bucket *bucket = APR_BRIGADE_LAST(bb);
    const char *data;
    apr_size_t size;
    while (bucket != APR_BRIGADE_SENTINEL(bb) && (APR_BUCKET_IS_METADATA(bucket))) {
        bucket = APR_BUCKET_PREV(bucket);
    }
    if (bucket == APR_BRIGADE_SENTINEL(bb) ||
        apr_bucket_read(bucket, &data, &size, APR_BLOCK_READ) != APR_SUCCESS || size < length ||
        memcmp(data + size - length, end, length)) {
        return NULL;
    }
    return bucket;
}

/* Whether an answer ends with this brigade; httpd may put a flush behind the end. */
static int holds_end(apr_bucket_brigade *bb)
{
    apr_bucket *bucket = APR_BRIGADE_LAST(bb);
    while (bucket != APR_BRIGADE_SENTINEL(bb) && APR_BUCKET_IS_METADATA(bucket)) {
        if (APR_BUCKET_IS_EOS(bucket)) {
            return 1;
        }
        bucket = APR_BUCKET_PREV(bucket);
    }
    return 0;
}

static int keep_line(void *kept, const char *name, const char *value)
{
    apr_table_addn(kept, name, value);
    return 1;
}

static int is_list(void *found, const char *name, const char *value)
{
    (void)name;
    return ++*(int *)found < 2 && !strchr(value, ',');
}

/* httpd would make one line without blanks of it. */
static int is_respelled_vary(request_rec *r)
{
    int lines = 0;
    return !apr_table_do(is_list, &lines, r->headers_out, "Vary", NULL);
}

/* Takes note of the fields that httpd is about to drop, and takes away what it would spell anew.
 * Another filter may have changed them. */
static apr_status_t keep_fields(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    apr_table_t *kept = apr_table_make(r->pool, 2);
    const char *length = apr_table_get(r->headers_out, "Content-Length");
    ap_remove_output_filter(f);
    if (AP_STATUS_IS_HEADER_ONLY(r->status) && r->content_type) {
        apr_table_setn(kept, "Content-Type", r->content_type);
    }
    /* 204 must have none (RFC 9110, 8.6). */
    if (length && r->status != HTTP_NO_CONTENT) {
        apr_table_setn(kept, "Content-Length", length);
    }
    apr_table_do(keep_line, kept, r->headers_out, "Vary", NULL);
    apr_table_unset(r->headers_out, "Vary");
    ap_add_output_filter_handle(amend_head_filter, kept, r, f->c);
    return ap_pass_brigade(f->next, bb);
}

/* The first that comes here is the head. What httpd has kept itself is in headers_out still. */
static apr_status_t amend_head(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    const apr_array_header_t *kept = apr_table_elts(f->ctx);
    apr_bucket *end = data_that_ends(bb, CRLF, LAST_LINE_BYTES);
    const char *lines = "";
    ap_remove_output_filter(f);
    for (int i = 0; i < kept->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(kept, i, apr_table_entry_t);
        if (!apr_table_get(r->headers_out, field->key)) {
            lines = apr_pstrcat(r->pool, lines, field_line(r, field->key, field->val), NULL);
        }
    }
    if (end && *lines) {
        insert_text(r, end, LAST_LINE_BYTES, lines);
    }
    /* For the logs. */
    apr_table_do(keep_line, r->headers_out, f->ctx, "Vary", NULL);
    return ap_pass_brigade(f->next, bb);
}

/* httpd's filter ends a body in chunks with a bucket of its own, without trailers. */
static apr_status_t add_trailers(ap_filter_t *f, apr_bucket_brigade *bb)
{
    request_rec *r = f->r;
    if (holds_end(bb)) {
        const apr_array_header_t *trailers = apr_table_elts(r->trailers_out);
        apr_bucket *end = data_that_ends(bb, LAST_CHUNK, LAST_CHUNK_BYTES);
        const char *lines = "";
        ap_remove_output_filter(f);
        for (int i = 0; i < trailers->nelts; i++) {
            const apr_table_entry_t *field = &APR_ARRAY_IDX(trailers, i, apr_table_entry_t);
            lines = apr_pstrcat(r->pool, lines, field_line(r, field->key, field->val), NULL);
        }
        if (end && end->length == LAST_CHUNK_BYTES && r->chunked) {
            insert_text(r, end, LAST_LINE_BYTES, lines);
        }
    }
    return ap_pass_brigade(f->next, bb);
}

/* Whether that was seen to already, for an answer that is filtered. */
static int is_kept(const request_rec *r)
{
    const ap_filter_t *f = r->output_filters;
    while (f && f->frec != keep_fields_filter) {
        f = f->next;
    }
    return f != NULL;
}

void tenon_amend_head(tenon_exchange *x)
{
    if (!x->r->connection->master && (x->bodiless || is_respelled_vary(x->r)) && !is_kept(x->r)) {
        ap_add_output_filter_handle(keep_fields_filter, NULL, x->r, x->r->connection);
    }
}

void tenon_amend_trailers(tenon_exchange *x)
{
    if (!x->r->connection->master) {
        ap_add_output_filter_handle(add_trailers_filter, NULL, x->r, x->r->connection);
    }
}

void tenon_amend_register(void)
{
    keep_fields_filter =
        ap_register_output_filter("TENON_KEEP_FIELDS", keep_fields, NULL, BEFORE_HEAD);
    amend_head_filter =
        ap_register_output_filter("TENON_AMEND_HEAD", amend_head, NULL, BEHIND_CHUNKS);
    add_trailers_filter =
        ap_register_output_filter("TENON_ADD_TRAILERS", add_trailers, NULL, BEHIND_CHUNKS);
}
