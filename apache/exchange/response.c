/* SPDX-License-Identifier: Apache-2.0
 *
 * RESPONSE, DATA, END -> headers_out and a brigade.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <util_filter.h>
#include <apr_portable.h>
#include <apr_strings.h>
#include <strings.h>
#include <sys/socket.h>

#include "exchange/exchange.h"
#include "filters/filter.h"
#include "log.h"
#include "phases/permit.h"
#include "wire/exchange.h"

#define MOST_LOG_LINES 40

static const char *copy(const tenon_exchange *x, wire_text text)
{
    return apr_pstrmemdup(x->r->pool, text.at, text.length);
}

static int is(wire_text name, const char *other)
{
    return strlen(other) == name.length && strncasecmp(name.at, other, name.length) == 0;
}

/* Adds one header to the answer: 0, or -WIRE_ERROR_BAD_LENGTH. */
static int add_header(tenon_exchange *x, wire_text name, wire_text value)
{
    request_rec *r = x->r;
    if (tenon_permit_is_hop_by_hop(name) && !x->tunnel) {
        return 0;
    }
    if (is(name, "Content-Type")) {
        ap_set_content_type(r, copy(x, value));
        return 0;
    }
    if (is(name, "Content-Length")) {
        apr_off_t length;
        if (!ap_parse_strict_length(&length, copy(x, value))) {
            return -WIRE_ERROR_BAD_LENGTH;
        }
        ap_set_content_length(r, length);
        x->declared = (uint64_t)length;
        return 0;
    }
    apr_table_addn(r->headers_out, copy(x, name), copy(x, value));
    return 0;
}

void tenon_response_leave_ranges(request_rec *r)
{
    ap_filter_t *filter;
    for (filter = r->output_filters; filter; filter = filter->next) {
        if (!strcasecmp(filter->frec->name, "BYTERANGE")) {
            ap_remove_output_filter(filter);
            return;
        }
    }
}

static int read_headers(tenon_exchange *x, wire_response *response)
{
    wire_text name;
    wire_text value;
    for (unsigned i = 0; i < response->headers; i++) {
        int error = wire_read_header(&response->fields, &name, &value);
        if (error == 0) {
            error = add_header(x, name, value);
        }
        if (error < 0) {
            return error;
        }
    }
    return wire_message_end(&response->fields);
}

/* The client gets the 101, and from now on httpd's filters for HTTP are out of the way on both
 * sides. */
static tenon_outcome open_tunnel(tenon_exchange *x, wire_response *response)
{
    request_rec *r = x->r;
    conn_rec *c = r->connection;
    int error = 0;
    if (!(x->flags & WIRE_FLAG_UPGRADE)) {
        return tenon_exchange_violation(x, -WIRE_ERROR_OUT_OF_ORDER, "RESPONSE");
    }
    x->tunnel = 1;
    error = read_headers(x, response);
    if (error < 0) {
        return tenon_exchange_violation(x, error, "RESPONSE");
    }
    r->status = HTTP_SWITCHING_PROTOCOLS;
    r->status_line = ap_get_status_line(r->status);
    ap_send_interim_response(r, 1);
    ap_remove_input_filter_byhandle(c->input_filters, "reqtimeout");
    r->input_filters = r->proto_input_filters = c->input_filters;
    r->output_filters = r->proto_output_filters = c->output_filters;
    c->keepalive = AP_CONN_CLOSE;
    x->answered = 1;
    x->passed = 1;
    x->body_read = 0;
    return TENON_GOING;
}

/* What httpd guessed from the name in the target says nothing of this answer: /a.tar.gz would be
 * declared gzipped. */
static void forget_file(request_rec *r)
{
    r->content_type = NULL;
    r->content_encoding = NULL;
    r->content_languages = NULL;
}

/* Of what an input filter answers, only the length of the body counts. */
static tenon_outcome answer_upload(tenon_exchange *x, wire_response *response)
{
    wire_text name;
    wire_text value;
    int error = response->status < 200 ? -WIRE_ERROR_OUT_OF_ORDER : 0;
    for (unsigned i = 0; error >= 0 && i < response->headers; i++) {
        error = wire_read_header(&response->fields, &name, &value);
        if (error >= 0 && is(name, "Content-Length")) {
            apr_off_t length;
            error = ap_parse_strict_length(&length, copy(x, value)) ? 0 : -WIRE_ERROR_BAD_LENGTH;
            x->declared = (uint64_t)length;
        }
    }
    x->answered = error >= 0;
    return error < 0 ? tenon_exchange_violation(x, error, "RESPONSE") : TENON_GOING;
}

static void set_status(request_rec *r, int status, const char *reason)
{
    if (*reason) {
        r->status_line = apr_psprintf(r->pool, "%d %s", status, reason);
    } else if (status != r->status || !r->status_line) {
        /* Left to itself httpd calls a status that it does not know an error of its own. */
        r->status_line = status != HTTP_OK ? ap_get_status_line_ex(r->pool, status) : NULL;
    }
    r->status = status;
}

static tenon_outcome answer(tenon_exchange *x, wire_response *response)
{
    request_rec *r = x->r;
    int error;
    x->declared = WIRE_LENGTH_UNKNOWN;
    if (tenon_exchange_uploads(x)) {
        return answer_upload(x, response);
    }
    if (response->status == HTTP_SWITCHING_PROTOCOLS) {
        return open_tunnel(x, response);
    }
    if (response->status < 200) {
        return tenon_interim_answer(x, response);
    }
    if (x->muted) {
        return tenon_result_mute(x, response);
    }
    tenon_result_open_answer(x);
    forget_file(r);
    if (x->content) {
        /* A filter answers with all headers, also with those that it leaves as they are. */
        apr_table_clear(r->headers_out);
        apr_table_clear(r->err_headers_out);
    }
    error = read_headers(x, response);
    if (error < 0) {
        apr_table_clear(r->headers_out);
        return tenon_exchange_violation(x, error, "RESPONSE");
    }
    if (x->content) {
        tenon_result_apply_headers(x);
    }
    x->answered = 1;
    set_status(r, response->status, copy(x, response->reason));
    x->bodiless = r->header_only || AP_STATUS_IS_HEADER_ONLY(r->status);
    tenon_amend_head(x);
    return TENON_GOING;
}

/* Takes a piece of the body. It stays in the reader's buffer until it is passed down. */
static tenon_outcome take_data(tenon_exchange *x, const wire_frame *frame)
{
    x->received += frame->length;
    if (!x->bodiless && x->received > x->declared) {
        return tenon_exchange_violation(x, -WIRE_ERROR_BAD_LENGTH, "DATA");
    }
    if (frame->length > 0 && !x->bodiless) {
        APR_BRIGADE_INSERT_TAIL(
            x->output, apr_bucket_transient_create((const char *)frame->payload, frame->length,
                                                   x->r->connection->bucket_alloc));
    }
    return TENON_GOING;
}

/* Whether the body has the length that its head declared; logs when not. */
static int is_short(tenon_exchange *x)
{
    if (x->bodiless || x->declared == WIRE_LENGTH_UNKNOWN || x->received == x->declared) {
        return 0;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                  "TN0005: " TENON_EXCHANGE_FORMAT
                  "the application declared a Content-Length of %" APR_UINT64_T_FMT
                  " and sent %" APR_UINT64_T_FMT " bytes: %s",
                  TENON_EXCHANGE_PREFIX(x), (apr_uint64_t)x->declared, (apr_uint64_t)x->received,
                  tenon_exchange_consequence(x, HTTP_BAD_GATEWAY));
    return 1;
}

/* The last frame has come. What is left to pass down goes when the channel was given back: a slow
 * client holds none. */
static tenon_outcome complete(tenon_exchange *x)
{
    if (x->descriptor >= 0) {
        return tenon_exchange_violation(x, -WIRE_ERROR_BAD_FILE, "END");
    }
    if (is_short(x)) {
        x->status = HTTP_BAD_GATEWAY;
        return TENON_FAILED;
    }
    if (!x->tunnel && !x->muted) {
        APR_BRIGADE_INSERT_TAIL(x->output, apr_bucket_eos_create(x->r->connection->bucket_alloc));
    }
    return TENON_COMPLETE;
}

static int read_trailers(tenon_exchange *x, wire_end *end)
{
    apr_table_t *to = tenon_exchange_uploads(x) ? x->r->trailers_in : x->r->trailers_out;
    wire_text name;
    wire_text value;
    for (unsigned i = 0; i < end->trailers; i++) {
        const int error = wire_read_header(&end->fields, &name, &value);
        if (error < 0) {
            return error;
        }
        if (!tenon_permit_is_framing(name)) {
            apr_table_addn(to, copy(x, name), copy(x, value));
        }
    }
    return wire_message_end(&end->fields);
}

static tenon_outcome take_end(tenon_exchange *x, const wire_frame *frame)
{
    wire_end end;
    /* Those of the answer that is filtered are on their way already. */
    const int sent = x->filter && !apr_is_empty_table(x->r->trailers_out);
    int error = wire_end_decode(frame->payload, frame->length, &end);
    if (error == 0 && end.body_length != x->received) {
        error = -WIRE_ERROR_BAD_LENGTH;
    }
    if (error >= 0) {
        error = read_trailers(x, &end);
    }
    if (error < 0) {
        return tenon_exchange_violation(x, error, "END");
    }
    if (!x->bodiless && !sent && !apr_is_empty_table(x->r->trailers_out)) {
        /* A body that comes whole would get a length in place of chunks. */
        const tenon_outcome outcome = x->passed ? TENON_GOING : tenon_response_pass(x, 1);
        if (outcome != TENON_GOING) {
            return outcome;
        }
        tenon_amend_trailers(x);
    }
    return complete(x);
}

static tenon_outcome take_abort(tenon_exchange *x, const wire_frame *frame)
{
    wire_abort why;
    const int error = wire_abort_decode(frame->payload, frame->length, &why);
    if (error < 0) {
        return tenon_exchange_violation(x, error, "ABORT");
    }
    if (why.error == WIRE_ERROR_BUSY || why.error == WIRE_ERROR_DRAINING) {
        x->refused = 1;
        return TENON_BROKEN;
    }
    x->status = why.error == WIRE_ERROR_STALLED ? HTTP_GATEWAY_TIME_OUT : HTTP_BAD_GATEWAY;
    x->destroyed = why.error == WIRE_ERROR_DESTROYED;
    /* To cut a tunnel is an application's good right; to cut an answer is a failure. */
    ap_log_rerror(APLOG_MARK, x->tunnel ? APLOG_DEBUG : APLOG_ERR, 0, x->r,
                  "TN0006: " TENON_EXCHANGE_FORMAT "the worker broke off: %s%s%.*s (%s)",
                  TENON_EXCHANGE_PREFIX(x), wire_error_meaning(why.error),
                  why.text.length ? ": " : "", (int)why.text.length, why.text.at,
                  wire_error_name(why.error));
    /* Its client sees what came before, as under node:http. */
    if (x->destroyed && x->answered && !x->passed &&
        tenon_response_pass(x, 1) == TENON_CLIENT_GONE) {
        return TENON_CLIENT_GONE;
    }
    return TENON_FAILED;
}

static tenon_outcome take_close(tenon_exchange *x, const wire_frame *frame)
{
    const int error = wire_close_decode(frame->length);
    if (error < 0) {
        return tenon_exchange_violation(x, error, "CLOSE");
    }
    x->refused = 1;
    return TENON_BROKEN;
}

static tenon_outcome take_log(tenon_exchange *x, const wire_frame *frame)
{
    wire_log line;
    const char *at;
    const char *end;
    int lines = 0;
    const int error = wire_log_decode(frame->payload, frame->length, &line);
    if (error < 0) {
        return tenon_exchange_violation(x, error, "LOG");
    }
    at = line.text.at;
    end = at + line.text.length;
    while (at < end && lines++ < MOST_LOG_LINES) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        const int size = (int)((stop ? stop : end) - at);
        ap_log_rerror(APLOG_MARK, line.level, 0, x->r, "TN0007: " TENON_EXCHANGE_FORMAT "%.*s",
                      TENON_EXCHANGE_PREFIX(x), size, at);
        at = stop ? stop + 1 : end;
    }
    return TENON_GOING;
}

static tenon_outcome take_hello(tenon_exchange *x, const wire_frame *frame)
{
    wire_hello hello;
    int error = wire_hello_decode(frame->payload, frame->length, &hello);
    if (error >= 0) {
        error = tenon_channel_greet(x->pool, x->channel, &hello);
    }
    x->heard = apr_time_now();
    return error < 0 ? tenon_exchange_violation(x, error, "HELLO") : TENON_GOING;
}

static tenon_outcome take_pull(tenon_exchange *x, const wire_frame *frame)
{
    const int wanted = tenon_body_wanted(x);
    uint64_t bytes;
    const int error = wire_pull_decode(frame->payload, frame->length, &bytes);
    if (error < 0) {
        return tenon_exchange_violation(x, error, "PULL");
    }
    if (x->replying) {
        x->reply_asked = bytes > UINT64_MAX - x->reply_asked ? UINT64_MAX : x->reply_asked + bytes;
        return TENON_GOING;
    }
    if (x->flags & WIRE_FLAG_END) {
        return TENON_GOING;
    }
    x->asked = bytes > UINT64_MAX - x->asked ? UINT64_MAX : x->asked + bytes;
    if (!wanted && tenon_body_wanted(x)) {
        /* The client's time begins now. */
        x->heard = apr_time_now();
    }
    return TENON_GOING;
}

static tenon_outcome dispatch(tenon_exchange *x, const wire_frame *frame)
{
    switch ((wire_frame_type)frame->type) {
    case WIRE_FRAME_HELLO:
        return take_hello(x, frame);
    case WIRE_FRAME_DATA:
        return take_data(x, frame);
    case WIRE_FRAME_FILE:
        return tenon_file_frame(x, frame);
    case WIRE_FRAME_END:
        return take_end(x, frame);
    case WIRE_FRAME_PULL:
        return take_pull(x, frame);
    case WIRE_FRAME_ABORT:
        return take_abort(x, frame);
    case WIRE_FRAME_LOG:
        return take_log(x, frame);
    case WIRE_FRAME_CLOSE:
        return take_close(x, frame);
    case WIRE_FRAME_RESULT:
    case WIRE_FRAME_FIELDS:
        return tenon_result_frame(x, frame);
    case WIRE_FRAME_ASK:
        return tenon_asked_frame(x, frame);
    case WIRE_FRAME_REQUEST:
    case WIRE_FRAME_RESPONSE: /* handled before */
    case WIRE_FRAME_REPLY:
        break;
    }
    return tenon_exchange_violation(x, -WIRE_ERROR_OUT_OF_ORDER, wire_frame_type_name(frame->type));
}

tenon_outcome tenon_response_frame(tenon_exchange *x, const wire_frame *frame)
{
    const int is_response = frame->type == WIRE_FRAME_RESPONSE;
    wire_response response = {.status = 0};
    tenon_outcome outcome;
    int error = 0;
    if (is_response) {
        error = wire_response_decode(frame->payload, frame->length, &response);
    }
    if (error >= 0) {
        error = wire_exchange_step(&x->channel->state, WIRE_FROM_WORKER, frame->type, frame->flags,
                                   response.status);
    }
    if (error < 0) {
        return tenon_exchange_violation(x, error, wire_frame_type_name(frame->type));
    }
    if (is_response) {
        tenon_threads_answered(x->pool);
    }
    outcome = is_response ? answer(x, &response) : dispatch(x, frame);
    return outcome == TENON_GOING && (frame->flags & WIRE_FLAG_END) ? complete(x) : outcome;
}

/* Where an answer goes. */
static ap_filter_t *next_of(const tenon_exchange *x)
{
    return x->filter ? x->filter->next : x->r->output_filters;
}

tenon_outcome tenon_response_pass(tenon_exchange *x, int flush)
{
    apr_status_t status;
    if (tenon_exchange_uploads(x)) {
        return tenon_upload_collect(x);
    }
    if (x->muted) {
        apr_brigade_cleanup(x->output);
        return TENON_GOING;
    }
    if (flush) {
        APR_BRIGADE_INSERT_TAIL(x->output, apr_bucket_flush_create(x->r->connection->bucket_alloc));
    }
    if (APR_BRIGADE_EMPTY(x->output)) {
        return TENON_GOING;
    }
    if (!x->passed && !tenon_file_is_body(x)) {
        /* The body of an application's answer is the application's business. */
        tenon_response_leave_ranges(x->r);
    }
    x->passed = 1;
    x->unflushed = !flush;
    status = ap_pass_brigade(next_of(x), x->output);
    apr_brigade_cleanup(x->output);
    if (x->filter) {
        x->downstream = status;
        x->heard = apr_time_now();
    }
    /* AP_FILTER_ERROR: httpd has answered by itself, as the byte-range filter does with 416. */
    if (x->r->connection->aborted || status == AP_FILTER_ERROR ||
        APR_STATUS_IS_ECONNABORTED(status) || APR_STATUS_IS_ECONNRESET(status) ||
        APR_STATUS_IS_EPIPE(status)) {
        return TENON_CLIENT_GONE;
    }
    /* With a client that is still there a filter failed, such as one that reads a file. */
    return status == APR_SUCCESS ? TENON_GOING : tenon_exchange_fail(x, HTTP_BAD_GATEWAY);
}

tenon_outcome tenon_response_finish(tenon_exchange *x)
{
    request_rec *r = x->r;
    tenon_outcome outcome;
    const int status = tenon_file_is_body(x) ? tenon_file_conditions(r) : OK;
    if (status == HTTP_NOT_MODIFIED) {
        r->status = status;
        r->status_line = NULL;
        apr_brigade_cleanup(x->output);
        APR_BRIGADE_INSERT_TAIL(x->output, apr_bucket_eos_create(r->connection->bucket_alloc));
    } else if (status != OK) {
        return tenon_exchange_fail(x, status);
    }
    /* httpd reads the rest of an unread body next: the client may wait for the answer before it
     * sends that. */
    outcome = tenon_response_pass(x, x->tunnel || !x->body_read);
    return outcome == TENON_GOING ? TENON_COMPLETE : outcome;
}

void tenon_response_reset(conn_rec *c)
{
    const struct linger at_once = {.l_onoff = 1, .l_linger = 0};
    apr_socket_t *socket = c->master ? NULL : ap_get_conn_socket(c);
    apr_os_sock_t fd;
    if (socket && apr_os_sock_get(&fd, socket) == APR_SUCCESS) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    }
}

/* Has the output filters know that the answer broke off. */
static void pass_error(tenon_exchange *x)
{
    apr_bucket_alloc_t *alloc = x->r->connection->bucket_alloc;
    apr_brigade_cleanup(x->output);
    APR_BRIGADE_INSERT_TAIL(x->output,
                            ap_bucket_error_create(HTTP_BAD_GATEWAY, NULL, x->r->pool, alloc));
    APR_BRIGADE_INSERT_TAIL(x->output, apr_bucket_eos_create(alloc));
    ap_pass_brigade(next_of(x), x->output);
    apr_brigade_cleanup(x->output);
}

void tenon_response_drop(tenon_exchange *x)
{
    conn_rec *c = x->r->connection;
    x->r->status = x->status; /* for the log */
    if (tenon_asked_for(x->r)) {
        pass_error(x);
        return;
    }
    c->keepalive = AP_CONN_CLOSE;
    tenon_response_reset(c);
    c->aborted = 1;
}

void tenon_response_truncate(tenon_exchange *x)
{
    conn_rec *c = x->r->connection;
    if (tenon_asked_for(x->r)) {
        pass_error(x);
        return;
    }
    c->keepalive = AP_CONN_CLOSE;
    pass_error(x);
    tenon_response_reset(c);
    c->aborted = 1;
}
