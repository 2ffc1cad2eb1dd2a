/* SPDX-License-Identifier: Apache-2.0
 *
 * The output filter: what httpd answers goes to a worker by its credit, and what comes back goes on
 * to the next filter, both at once, in the thread of the request. Whatever a handler has passed is
 * sent, or passed on, before it gets control back: nothing is collected.
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

/* Files of at most so many bytes are read before the worker asks: one more round trip costs more.
 */
#define SMALL_FILE 16384

static tenon_filter *filter_of(tenon_exchange *x)
{
    return (tenon_filter *)x;
}

void tenon_content_measure(tenon_exchange *x)
{
    uint64_t length = 0;
    apr_bucket *bucket;
    x->body_length = WIRE_LENGTH_UNKNOWN;
    for (bucket = APR_BRIGADE_FIRST(x->content); bucket != APR_BRIGADE_SENTINEL(x->content);
         bucket = APR_BUCKET_NEXT(bucket)) {
        if (APR_BUCKET_IS_EOS(bucket)) {
            x->body_length = length;
            break;
        }
        if (bucket->length == (apr_size_t)-1 || AP_BUCKET_IS_ERROR(bucket)) {
            break;
        }
        length += bucket->length;
    }
    if (x->r->header_only || AP_STATUS_IS_HEADER_ONLY(x->r->status)) {
        x->body_length = 0;
    }
    if (x->body_length == 0) {
        x->body_read = 1;
        x->flags = WIRE_FLAG_END;
    }
}

/* Copies a small file without a change to its bucket, so that it can still be sent as a file:
 * bytes.
 */
static apr_size_t copy_file(tenon_exchange *x, apr_bucket *bucket, uint8_t *to, size_t most)
{
    apr_bucket *same;
    apr_size_t size = most;
    if (bucket->length > SMALL_FILE || apr_bucket_copy(bucket, &same) != APR_SUCCESS) {
        return 0;
    }
    APR_BRIGADE_INSERT_TAIL(x->input, same);
    if (apr_brigade_flatten(x->input, (char *)to, &size) != APR_SUCCESS) {
        size = 0;
    }
    apr_brigade_cleanup(x->input);
    return size;
}

apr_ssize_t tenon_content_peek(tenon_exchange *x, uint8_t *to, size_t most)
{
    size_t taken = 0;
    apr_bucket *bucket;
    if (!x->input) {
        x->input = apr_brigade_create(x->r->pool, x->r->connection->bucket_alloc);
    }
    for (bucket = APR_BRIGADE_FIRST(x->content); bucket != APR_BRIGADE_SENTINEL(x->content);
         bucket = APR_BUCKET_NEXT(bucket)) {
        const char *data;
        apr_size_t size;
        if (APR_BUCKET_IS_EOS(bucket)) {
            x->body_read = 1;
        }
        if (APR_BUCKET_IS_METADATA(bucket) || taken == most) {
            break;
        }
        if (APR_BUCKET_IS_FILE(bucket)) {
            size = copy_file(x, bucket, to + taken, most - taken);
        } else if (apr_bucket_read(bucket, &data, &size, APR_NONBLOCK_READ) == APR_SUCCESS) {
            size = size < most - taken ? size : most - taken;
            memcpy(to + taken, data, size);
        } else {
            size = 0;
        }
        taken += size;
        if (size < bucket->length) {
            break;
        }
    }
    x->body_sent += taken;
    return (apr_ssize_t)taken;
}

/* Lets go of what went with the head: it cannot be passed on unfiltered any more. */
static void drop_eager(tenon_exchange *x)
{
    uint64_t left = x->eager;
    if (filter_of(x)->dropped) {
        return;
    }
    filter_of(x)->dropped = 1;
    while (left > 0) {
        apr_bucket *bucket = APR_BRIGADE_FIRST(x->content);
        if (bucket->length > left) {
            apr_bucket_split(bucket, (apr_size_t)left);
        }
        left -= bucket->length;
        apr_bucket_delete(bucket);
    }
}

/* Takes note of the end when that comes next. */
static void fetch_end(tenon_exchange *x)
{
    apr_bucket *bucket = APR_BRIGADE_FIRST(x->content);
    if (bucket != APR_BRIGADE_SENTINEL(x->content) && APR_BUCKET_IS_EOS(bucket)) {
        APR_BUCKET_REMOVE(bucket);
        APR_BRIGADE_INSERT_TAIL(x->input, bucket);
    }
}

apr_status_t tenon_content_fetch(tenon_exchange *x, apr_off_t most)
{
    const char *data;
    apr_size_t size = 0;
    apr_bucket *bucket;
    drop_eager(x);
    for (;;) {
        apr_status_t status;
        fetch_end(x);
        bucket = APR_BRIGADE_FIRST(x->content);
        if (bucket == APR_BRIGADE_SENTINEL(x->content) || APR_BUCKET_IS_METADATA(bucket) ||
            !APR_BRIGADE_EMPTY(x->input)) {
            return APR_BRIGADE_EMPTY(x->input) ? APR_EAGAIN : APR_SUCCESS;
        }
        status = apr_bucket_read(bucket, &data, &size, APR_NONBLOCK_READ);
        if (status != APR_SUCCESS) {
            return status;
        }
        if (size > 0) {
            break;
        }
        apr_bucket_delete(bucket);
    }
    if (size > (apr_size_t)most) {
        apr_bucket_split(bucket, (apr_size_t)most);
    }
    APR_BUCKET_REMOVE(bucket);
    APR_BRIGADE_INSERT_TAIL(x->input, bucket);
    fetch_end(x);
    return APR_SUCCESS;
}

/* Whether the worker has said that it filters, or that it does not. */
static int is_decided(const tenon_exchange *x)
{
    return x->answered || x->asked > x->eager;
}

/* Whether the worker has taken all that was sent, and asks for more: what it makes of that was sent
 * before it asked. Its credit is FILTER_CREDIT_BYTES beyond what it took; what went with the head
 * was asked for by nobody. */
static int is_settled(const tenon_exchange *x)
{
    return x->out_size == 0 && x->asked >= x->body_sent + x->eager + WIRE_FILTER_CREDIT_BYTES;
}

static tenon_outcome pass_flush(tenon_exchange *x)
{
    return x->answered && (!x->passed || x->unflushed) ? tenon_response_pass(x, 1) : TENON_GOING;
}

/* What stands at the front of the content and is no data that is there: metadata goes on in its
 * place, a pipe is waited for when nothing else is to be done. */
static tenon_outcome step_over(tenon_exchange *x, apr_bucket *bucket)
{
    tenon_filter *filter = filter_of(x);
    const char *data;
    apr_size_t size;
    apr_status_t status;
    tenon_outcome outcome = TENON_GOING;
    if (AP_BUCKET_IS_ERROR(bucket)) {
        filter->failing = 1;
        return TENON_FAILED;
    }
    if (APR_BUCKET_IS_FLUSH(bucket)) {
        apr_bucket_delete(bucket);
        return pass_flush(x);
    }
    if (APR_BUCKET_IS_METADATA(bucket)) {
        APR_BUCKET_REMOVE(bucket);
        APR_BRIGADE_INSERT_TAIL(filter->held, bucket);
        return TENON_GOING;
    }
    outcome = pass_flush(x);
    if (outcome == TENON_GOING) {
        status = apr_bucket_read(bucket, &data, &size, APR_BLOCK_READ);
        x->heard = apr_time_now();
        if (status != APR_SUCCESS) {
            ap_log_rerror(APLOG_MARK, APLOG_ERR, status, x->r,
                          "TN0130: " TENON_EXCHANGE_FORMAT
                          "cannot read the content that is to be filtered",
                          TENON_EXCHANGE_PREFIX(x));
            outcome = tenon_exchange_fail(x, HTTP_INTERNAL_SERVER_ERROR);
        }
    }
    return outcome;
}

/* Passes on the metadata whose place has come. */
static tenon_outcome pass_held(tenon_exchange *x)
{
    tenon_filter *filter = filter_of(x);
    if (!x->answered || APR_BRIGADE_EMPTY(filter->held)) {
        return TENON_GOING;
    }
    APR_BRIGADE_CONCAT(x->output, filter->held);
    return tenon_response_pass(x, 0);
}

/* One turn when nothing came of the worker: GOING with `*more` 0 when the handler is to go on. */
static tenon_outcome turn(tenon_exchange *x, int *more)
{
    tenon_outcome outcome;
    if (!x->ended && x->out_size == 0 && is_decided(x)) {
        apr_bucket *bucket;
        drop_eager(x);
        bucket = APR_BRIGADE_FIRST(x->content);
        if (bucket == APR_BRIGADE_SENTINEL(x->content)) {
            *more = 0;
            return TENON_GOING;
        }
        /* What can be read was sent: it is metadata, or a pipe. */
        if (is_settled(x) || AP_BUCKET_IS_ERROR(bucket)) {
            return step_over(x, bucket);
        }
    }
    outcome = pass_flush(x);
    return outcome == TENON_GOING ? tenon_exchange_wait(x) : outcome;
}

/* Sends content and passes on what comes back, until the content is used up and the worker has what
 * it asked for. */
static tenon_outcome converse(tenon_exchange *x)
{
    tenon_outcome outcome = TENON_GOING;
    int more = 1;
    int came = 0;
    x->heard = apr_time_now();
    if (x->ended && !x->answered &&
        apr_time_from_msec(x->answer_limit.ms) > TENON_CHANNEL_FIRST_WAIT) {
        outcome = tenon_exchange_receive(x, 0, &came);
    }
    while (outcome == TENON_GOING && more) {
        outcome = tenon_body_forward(x);
        if (outcome == TENON_GOING) {
            outcome = tenon_exchange_receive(x, MSG_DONTWAIT, &came);
        }
        if (outcome == TENON_GOING) {
            outcome = pass_held(x);
        }
        if (outcome == TENON_GOING && !came) {
            outcome = turn(x, &more);
        }
    }
    return outcome == TENON_GOING ? tenon_response_pass(x, 0) : outcome;
}

/* Passes content on as it is, now and from now on. */
static apr_status_t pass_unfiltered(ap_filter_t *f, apr_bucket_brigade *bb)
{
    tenon_filter *filter = f->ctx;
    filter->over = 1;
    ap_remove_output_filter(f);
    return ap_pass_brigade(f->next, bb);
}

/* Answers with an error in place of the content, of which nothing was passed on. The main request's
 * at once: behind an error bucket httpd forgets err_headers_out, so Retry-After. */
static apr_status_t pass_error(ap_filter_t *f, int status)
{
    request_rec *r = f->r;
    apr_bucket_alloc_t *alloc = f->c->bucket_alloc;
    apr_bucket_brigade *bb;
    r->status_line = NULL;
    apr_table_setn(r->notes, TENON_FAILED_NOTE, "1");
    if (!r->main) {
        ap_die(status, r);
        return AP_FILTER_ERROR;
    }
    bb = apr_brigade_create(r->pool, alloc);
    APR_BRIGADE_INSERT_TAIL(bb, ap_bucket_error_create(status, NULL, r->pool, alloc));
    APR_BRIGADE_INSERT_TAIL(bb, apr_bucket_eos_create(alloc));
    ap_pass_brigade(f->next, bb);
    return AP_FILTER_ERROR;
}

static apr_status_t fail(ap_filter_t *f)
{
    tenon_filter *filter = f->ctx;
    tenon_exchange *x = &filter->x;
    filter->over = 1;
    if (filter->failing) {
        apr_bucket_brigade *rest = x->content;
        return ap_pass_brigade(f->next, rest);
    }
    apr_brigade_cleanup(x->content);
    if (x->passed) {
        tenon_response_truncate(x);
        return AP_FILTER_ERROR;
    }
    return pass_error(f, tenon_filter_failure(f->r, filter));
}

/* A filter that was asked has ended. */
static apr_status_t finish(ap_filter_t *f, tenon_outcome outcome)
{
    tenon_filter *filter = f->ctx;
    tenon_exchange *x = &filter->x;
    if (outcome == TENON_COMPLETE && !x->answered && filter->dropped) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, f->r,
                      "TN0133: " TENON_EXCHANGE_FORMAT
                      "it leaves the body as it is, of which it has taken something: %s",
                      TENON_EXCHANGE_PREFIX(x), tenon_exchange_consequence(x, HTTP_BAD_GATEWAY));
        outcome = tenon_exchange_fail(x, HTTP_BAD_GATEWAY);
    }
    if (outcome == TENON_COMPLETE && !x->answered && filter->answer.code < HTTP_BAD_REQUEST) {
        return pass_unfiltered(f, x->content);
    }
    if (outcome == TENON_FAILED && x->hook->on_error == DECLINED && !x->answered &&
        !filter->dropped && !filter->failing) {
        return pass_unfiltered(f, x->content);
    }
    filter->over = 1;
    if (outcome == TENON_COMPLETE && !x->answered) {
        apr_brigade_cleanup(x->content);
        return pass_error(f, filter->answer.code);
    }
    if (outcome == TENON_FAILED) {
        return fail(f);
    }
    apr_brigade_cleanup(x->content);
    if (outcome == TENON_COMPLETE) {
        return APR_SUCCESS;
    }
    return tenon_filter_abandon(filter);
}

/* Asks the worker. What there is of the content stands in x->content. */
static tenon_outcome begin(ap_filter_t *f, apr_bucket_brigade *bb)
{
    tenon_filter *filter = f->ctx;
    tenon_exchange *x = &filter->x;
    request_rec *r = f->r;
    x->content = apr_brigade_create(r->pool, f->c->bucket_alloc);
    filter->held = apr_brigade_create(r->pool, f->c->bucket_alloc);
    tenon_filter_init(filter, f);
    APR_BRIGADE_CONCAT(x->content, bb);
    /* A client that has sent all and ends its side has gone; one that may still send has not. */
    x->half_closed = ap_request_has_body(r->main ? r->main : r);
    x->status = tenon_request_prepare(x);
    return x->status == OK ? TENON_GOING : TENON_FAILED;
}

static int is_error(apr_bucket_brigade *bb)
{
    return !APR_BRIGADE_EMPTY(bb) && AP_BUCKET_IS_ERROR(APR_BRIGADE_FIRST(bb));
}

apr_status_t tenon_content_filter(ap_filter_t *f, apr_bucket_brigade *bb)
{
    tenon_filter *filter = f->ctx;
    tenon_outcome outcome = TENON_GOING;
    if (APR_BRIGADE_EMPTY(bb)) {
        return APR_SUCCESS;
    }
    if (!filter) {
        filter = f->ctx = tenon_filter_named(f);
    }
    if (!filter) {
        /* Somebody has named it who is no configuration of hooks. */
        ap_remove_output_filter(f);
        return ap_pass_brigade(f->next, bb);
    }
    if (filter->over) {
        apr_brigade_cleanup(bb);
        return APR_SUCCESS;
    }
    if (!filter->x.r) {
        const int applies = is_error(bb) ? 0 : tenon_filter_applies(f->r, filter->hook);
        if (applies == 0 || (applies < 0 && filter->hook->on_error == DECLINED)) {
            return pass_unfiltered(f, bb);
        }
        if (applies < 0) {
            filter->over = 1;
            apr_brigade_cleanup(bb);
            return pass_error(f, tenon_filter_failure(f->r, filter));
        }
        outcome = begin(f, bb);
    } else {
        APR_BRIGADE_CONCAT(filter->x.content, bb);
    }
    if (outcome == TENON_GOING) {
        outcome = tenon_exchange_go_on(&filter->x, converse);
    }
    return outcome == TENON_GOING ? APR_SUCCESS : finish(f, outcome);
}
