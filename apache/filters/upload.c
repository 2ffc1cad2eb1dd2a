/* SPDX-License-Identifier: Apache-2.0
 *
 * The input filter: the body that a client sends goes to a worker by its credit, and what comes
 * back is what the handler reads. The worker is asked before the handler begins, so that the
 * handler finds a Content-Length only when it is that of the filtered body.
 */
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>
#include <apr_strings.h>
#include <sys/socket.h>

#include "filters/filter.h"
#include "log.h"

#define READ_BYTES 8000 /* that a reader gets at once who asked for no number */

static tenon_filter *filter_of(tenon_exchange *x)
{
    return (tenon_filter *)x;
}

const tenon_exchange *tenon_upload_before(const tenon_exchange *x)
{
    const ap_filter_t *f = x->filter ? x->filter->next : x->r->input_filters;
    for (; f; f = f->next) {
        const tenon_filter *filter = f->ctx;
        if (f->frec->filter_func.in_func == tenon_upload_filter && filter && filter->x.channel) {
            return &filter->x;
        }
    }
    return NULL;
}

static void set_header(request_rec *r, const char *name, const char *value)
{
    if (value) {
        apr_table_setn(r->headers_in, name, value);
    } else {
        apr_table_unset(r->headers_in, name);
    }
}

/* Hides what frames the client's body from handlers. `length` is that of the filtered body, or
 * NULL.
 */
static void reframe(tenon_filter *filter, const char *length)
{
    request_rec *r = filter->x.r;
    filter->length = apr_table_get(r->headers_in, "Content-Length");
    filter->coding = apr_table_get(r->headers_in, "Transfer-Encoding");
    set_header(r, "Content-Length", length);
    set_header(r, "Transfer-Encoding", length ? NULL : "chunked");
}

/* httpd's own filter looks at these headers when it is read through for the first time. */
apr_status_t tenon_upload_fetch(tenon_exchange *x, apr_off_t most)
{
    tenon_filter *filter = filter_of(x);
    ap_filter_t *next = x->filter->next;
    const int hidden = !filter->framed && (filter->length || filter->coding);
    const char *length = apr_table_get(x->r->headers_in, "Content-Length");
    const char *coding = apr_table_get(x->r->headers_in, "Transfer-Encoding");
    apr_status_t status;
    if (hidden) {
        set_header(x->r, "Content-Length", filter->length);
        set_header(x->r, "Transfer-Encoding", filter->coding);
    }
    status = ap_get_brigade(next, x->input, AP_MODE_READBYTES, APR_NONBLOCK_READ, most);
    filter->framed = 1;
    if (hidden) {
        set_header(x->r, "Content-Length", length);
        set_header(x->r, "Transfer-Encoding", coding);
    }
    return status;
}

tenon_outcome tenon_upload_collect(tenon_exchange *x)
{
    tenon_filter *filter = filter_of(x);
    apr_bucket *bucket;
    for (bucket = APR_BRIGADE_FIRST(x->output); bucket != APR_BRIGADE_SENTINEL(x->output);
         bucket = APR_BUCKET_NEXT(bucket)) {
        /* It points into the buffer of the reader. */
        apr_bucket_setaside(bucket, x->r->pool);
    }
    APR_BRIGADE_CONCAT(filter->ready, x->output);
    return TENON_GOING;
}

/* Until the worker has said whether it filters. */
static tenon_outcome converse_first(tenon_exchange *x)
{
    tenon_outcome outcome = TENON_GOING;
    int came = 0;
    while (outcome == TENON_GOING && !x->answered && x->asked == x->eager) {
        outcome = tenon_exchange_receive(x, MSG_DONTWAIT, &came);
        tenon_upload_collect(x);
        if (outcome == TENON_GOING && !came) {
            outcome = tenon_exchange_wait(x);
        }
    }
    return outcome;
}

/* Until there is something to be read, or, for a reader that does not wait, once. */
static tenon_outcome converse(tenon_exchange *x)
{
    const tenon_filter *filter = filter_of(x);
    int came = 0;
    tenon_outcome outcome = TENON_GOING;
    if (filter->waits) {
        x->heard = apr_time_now();
    }
    while (outcome == TENON_GOING && APR_BRIGADE_EMPTY(filter->ready)) {
        outcome = tenon_body_forward(x);
        if (outcome == TENON_GOING) {
            outcome = tenon_exchange_receive(x, MSG_DONTWAIT, &came);
            tenon_upload_collect(x);
        }
        if (outcome != TENON_GOING || came) {
            continue;
        }
        if (!filter->waits) {
            const apr_time_t deadline = tenon_exchange_deadline(x);
            return deadline != 0 && deadline <= apr_time_now() ? tenon_exchange_timed_out(x)
                                                               : TENON_GOING;
        }
        outcome = tenon_exchange_wait(x);
    }
    return outcome;
}

/* What was read of the client's body goes to the reader as it came, and so does the rest. */
static void pass_unfiltered(tenon_filter *filter)
{
    tenon_exchange *x = &filter->x;
    apr_bucket_alloc_t *alloc = x->r->connection->bucket_alloc;
    filter->over = 1;
    apr_brigade_cleanup(filter->ready);
    if (x->eager > 0) {
        APR_BRIGADE_INSERT_TAIL(filter->ready,
                                apr_bucket_pool_create((const char *)x->eager_body,
                                                       (apr_size_t)x->eager, x->r->pool, alloc));
    }
    if (x->body_read) {
        APR_BRIGADE_INSERT_TAIL(filter->ready, apr_bucket_eos_create(alloc));
    }
}

/* The status with which the request is to fail, or OK. */
static int judge(tenon_filter *filter, tenon_outcome outcome)
{
    const tenon_exchange *x = &filter->x;
    if (outcome == TENON_GOING || (outcome == TENON_COMPLETE && x->answered)) {
        return OK;
    }
    if (outcome == TENON_COMPLETE && filter->answer.code >= HTTP_BAD_REQUEST) {
        return filter->answer.code;
    }
    if ((outcome == TENON_COMPLETE || (outcome == TENON_FAILED && x->hook->on_error == DECLINED)) &&
        !x->answered && x->body_sent == x->eager) {
        pass_unfiltered(filter);
        return OK;
    }
    if (outcome == TENON_CLIENT_GONE) {
        tenon_filter_abandon(filter);
        return HTTP_BAD_REQUEST;
    }
    return tenon_filter_failure(x->r, filter);
}

int tenon_upload_begin(ap_filter_t *f)
{
    tenon_filter *filter = f->ctx;
    tenon_exchange *x = &filter->x;
    request_rec *r = f->r;
    tenon_outcome outcome = TENON_FAILED;
    int status;
    const int applies = ap_request_has_body(r) ? tenon_filter_applies(r, filter->hook) : 0;
    filter->ready = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    if (applies == 0) {
        filter->over = 1;
        x->r = r;
        return OK;
    }
    tenon_filter_init(filter, f);
    if (applies > 0) {
        x->status = tenon_request_prepare(x);
        filter->framed = !r->expecting_100;
        if (x->status == OK) {
            outcome = tenon_exchange_go_on(x, converse_first);
        }
    }
    status = judge(filter, outcome);
    if (status == OK && !filter->over) {
        reframe(filter, x->answered && x->declared != WIRE_LENGTH_UNKNOWN
                            ? apr_off_t_toa(r->pool, (apr_off_t)x->declared)
                            : NULL);
    }
    return status;
}

/* Answers for a handler that reads a body which failed. */
static apr_status_t fail(ap_filter_t *f, int status)
{
    request_rec *r = f->r;
    apr_bucket_alloc_t *alloc = f->c->bucket_alloc;
    apr_bucket_brigade *bb = apr_brigade_create(r->pool, alloc);
    if (f->c->aborted) {
        return APR_ECONNABORTED;
    }
    APR_BRIGADE_INSERT_TAIL(bb, ap_bucket_error_create(status, NULL, r->pool, alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    f->c->keepalive = AP_CONN_CLOSE;
    ap_pass_brigade(r->output_filters, bb);
    return AP_FILTER_ERROR;
}

/* Gives what is ready in the way that the reader asked for. */
static apr_status_t serve(tenon_filter *filter, apr_bucket_brigade *bb, ap_input_mode_t mode,
                          apr_off_t most)
{
    apr_bucket *end;
    apr_status_t status;
    if (mode == AP_MODE_GETLINE) {
        return apr_brigade_split_line(bb, filter->ready, APR_NONBLOCK_READ, HUGE_STRING_LEN);
    }
    status = apr_brigade_partition(filter->ready, most > 0 ? most : READ_BYTES, &end);
    if (status != APR_SUCCESS && status != APR_INCOMPLETE) {
        return status;
    }
    if (mode == AP_MODE_SPECULATIVE) {
        apr_bucket *bucket;
        for (bucket = APR_BRIGADE_FIRST(filter->ready); bucket != end;
             bucket = APR_BUCKET_NEXT(bucket)) {
            apr_bucket *same;
            apr_bucket_copy(bucket, &same);
            APR_BRIGADE_INSERT_TAIL(bb, same);
        }
        return APR_SUCCESS;
    }
    while (APR_BRIGADE_FIRST(filter->ready) != end) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(filter->ready);
        APR_BUCKET_REMOVE(bucket);
        APR_BRIGADE_INSERT_TAIL(bb, bucket);
    }
    /* The end goes along with the last of the data. */
    if (!APR_BRIGADE_EMPTY(filter->ready) && APR_BUCKET_IS_EOS(APR_BRIGADE_FIRST(filter->ready))) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(filter->ready);
        APR_BUCKET_REMOVE(bucket);
        APR_BRIGADE_INSERT_TAIL(bb, bucket);
    }
    return APR_SUCCESS;
}

apr_status_t tenon_upload_filter(ap_filter_t *f, apr_bucket_brigade *bb, ap_input_mode_t mode,
                                 apr_read_type_e block, apr_off_t most)
{
    tenon_filter *filter = f->ctx ? f->ctx : (f->ctx = tenon_filter_named(f));
    tenon_exchange *x;
    if (!filter || mode == AP_MODE_INIT || mode == AP_MODE_EATCRLF) {
        return ap_get_brigade(f->next, bb, mode, block, most);
    }
    x = &filter->x;
    if (!x->r) {
        /* A handler of its own making, or one that was put in late. */
        const int status = tenon_upload_begin(f);
        if (status != OK) {
            filter->over = 1;
            return fail(f, status);
        }
    }
    if (!APR_BRIGADE_EMPTY(filter->ready)) {
        return serve(filter, bb, mode, most);
    }
    if (filter->over) {
        return ap_get_brigade(f->next, bb, mode, block, most);
    }
    filter->waits = block == APR_BLOCK_READ;
    if (x->channel) {
        const int status = judge(filter, tenon_exchange_go_on(x, converse));
        if (status != OK) {
            return fail(f, status);
        }
    } else if (x->status != OK) {
        return fail(f, x->status);
    } else {
        APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(f->c->bucket_alloc));
        return APR_SUCCESS;
    }
    if (filter->over && APR_BRIGADE_EMPTY(filter->ready)) {
        return ap_get_brigade(f->next, bb, mode, block, most);
    }
    return APR_BRIGADE_EMPTY(filter->ready) ? APR_EAGAIN : serve(filter, bb, mode, most);
}
