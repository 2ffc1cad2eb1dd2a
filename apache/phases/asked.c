/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker asks in the middle of an exchange: the value of an expression, or a subrequest
 * (subrequest.c). One question is answered after the other, by the thread of the exchange. While an
 * answer waits for the worker to take it, frames of the worker are handled as ever.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <ap_expr.h>
#include <apr_strings.h>
#include <poll.h>

#include "phases/asked.h"
#include "exchange/exchange.h"
#include "config/expression.h"
#include "phases/learned.h"
#include "log.h"
#include "phases/permit.h"
#include "wire/exchange.h"

#define REPLY_FIXED_BYTES 8    /* of REPLY, before text and headers */
#define FINISH_MS         1000 /* for the rest of a frame that a worker drops */

/* A hook may return before it has the whole body of a subrequest: the worker drops what comes then,
 * and the channel can be used again once it has the frame whole. */
static void finish_frame(tenon_exchange *x)
{
    const apr_time_t deadline = apr_time_now() + apr_time_from_msec(FINISH_MS);
    struct pollfd writable = {x->channel->fd, POLLOUT, 0};
    while (x->out_size > 0 && apr_time_now() < deadline && poll(&writable, 1, FINISH_MS) > 0 &&
           !(writable.revents & (POLLERR | POLLHUP)) && tenon_body_send(x) == TENON_GOING) {
    }
}

tenon_outcome tenon_asked_send(tenon_exchange *x, uint8_t *bytes, size_t size)
{
    tenon_outcome outcome = TENON_GOING;
    uint8_t *own;
    while (outcome == TENON_GOING && x->out_size > 0) {
        outcome = tenon_exchange_step(x);
    }
    if (outcome != TENON_GOING) {
        return outcome;
    }
    own = x->out;
    x->out = bytes;
    x->out_size = size;
    outcome = tenon_body_send(x);
    while (outcome == TENON_GOING && x->out_size > 0) {
        outcome = tenon_exchange_step(x);
    }
    if (outcome == TENON_COMPLETE && x->out_sent > 0) {
        finish_frame(x);
    }
    if (outcome == TENON_GOING) {
        x->out = own;
        x->heard = apr_time_now();
    }
    return outcome;
}

static size_t size_of_headers(const apr_table_t *headers)
{
    const apr_array_header_t *all = apr_table_elts(headers);
    size_t size = 0;
    for (int i = 0; i < all->nelts; i++) {
        const apr_table_entry_t *header = &APR_ARRAY_IDX(all, i, apr_table_entry_t);
        size += TENON_FIELD_BYTES + strlen(header->key) + strlen(header->val);
    }
    return size;
}

/* Makes REPLY: its size, or a wire error negated. */
static int encode_reply(tenon_exchange *x, int status, const char *text, const apr_table_t *headers,
                        uint8_t flags, uint8_t **frame)
{
    const apr_array_header_t *all = apr_table_elts(headers);
    wire_writer writer = {.failed = 0};
    writer.capacity =
        WIRE_FRAME_HEADER_BYTES + REPLY_FIXED_BYTES + strlen(text) + size_of_headers(headers);
    *frame = writer.buffer = apr_palloc(x->r->pool, writer.capacity);
    wire_reply_begin(&writer, (uint16_t)status, text, strlen(text));
    for (int i = 0; i < all->nelts; i++) {
        const apr_table_entry_t *header = &APR_ARRAY_IDX(all, i, apr_table_entry_t);
        wire_write_header(&writer, header->key, strlen(header->key), header->val,
                          strlen(header->val));
    }
    return wire_reply_finish(&writer, flags, (unsigned)all->nelts);
}

tenon_outcome tenon_asked_reply(tenon_exchange *x, int status, const char *text,
                                const apr_table_t *headers, uint8_t flags)
{
    const apr_table_t *none = apr_table_make(x->r->pool, 1);
    uint8_t *frame;
    int error;
    int size = encode_reply(x, status, text, headers ? headers : none, flags, &frame);
    if (size < 0) {
        text = apr_psprintf(x->r->pool, "what httpd would reply does not fit: %s",
                            wire_error_meaning(-size));
        flags = WIRE_FLAG_END;
        size = encode_reply(x, 0, text, none, flags, &frame);
    }
    error = wire_exchange_step(&x->channel->state, WIRE_FROM_HOST, WIRE_FRAME_REPLY, flags, 0);
    return error < 0 ? tenon_exchange_violation(x, error, "ASK")
                     : tenon_asked_send(x, frame, (size_t)size);
}

tenon_outcome tenon_asked_decline(tenon_exchange *x, const char *why)
{
    return tenon_asked_reply(x, 0, why, NULL, WIRE_FLAG_END);
}

const char *tenon_expression_parse(apr_pool_t *p, const char *text, ap_expr_info_t *expression)
{
    memset(expression, 0, sizeof(*expression));
    expression->flags =
        AP_EXPR_FLAG_STRING_RESULT | AP_EXPR_FLAG_DONT_VARY | AP_EXPR_FLAG_RESTRICTED;
    expression->module_index = APLOG_MODULE_INDEX;
    /* Of one pool, as in an .htaccess: it does not count as the configuration's. */
    return ap_expr_parse(p, p, expression, text, NULL);
}

static tenon_outcome answer_variable(tenon_exchange *x, const tenon_asked *asked)
{
    request_rec *r = x->r;
    ap_expr_info_t expression;
    const char *error = tenon_expression_parse(r->pool, asked->text, &expression);
    const char *value = NULL;
    if (!error) {
        value = ap_expr_str_exec(r, &expression, &error);
    }
    if (!error && x->hook) {
        tenon_learned_note(x->hook, asked->text);
    }
    return error ? tenon_asked_decline(x, error)
                 : tenon_asked_reply(x, HTTP_OK, value ? value : "", NULL, WIRE_FLAG_END);
}

/* Takes a question out of its frame, whose bytes the next read overwrites. */
static int read_question(tenon_exchange *x, const wire_frame *frame, tenon_asked *asked)
{
    wire_ask ask;
    int error = wire_ask_decode(frame->payload, frame->length, &ask);
    if (error < 0) {
        return error;
    }
    asked->kind = ask.kind;
    asked->text = apr_pstrmemdup(x->r->pool, ask.text.at, ask.text.length);
    asked->headers = apr_table_make(x->r->pool, ask.headers);
    for (unsigned i = 0; i < ask.headers; i++) {
        wire_text name;
        wire_text value;
        error = wire_read_header(&ask.fields, &name, &value);
        if (error < 0) {
            return error;
        }
        if (!tenon_permit_is_framing(name)) {
            apr_table_addn(asked->headers, apr_pstrmemdup(x->r->pool, name.at, name.length),
                           apr_pstrmemdup(x->r->pool, value.at, value.length));
        }
    }
    return wire_message_end(&ask.fields);
}

tenon_outcome tenon_asked_frame(tenon_exchange *x, const wire_frame *frame)
{
    tenon_outcome outcome = TENON_GOING;
    tenon_asked *asked;
    int error;
    if (!x->questions) {
        x->questions = apr_array_make(x->r->pool, 2, sizeof(tenon_asked));
    }
    asked = apr_array_push(x->questions);
    error = read_question(x, frame, asked);
    if (error < 0) {
        return tenon_exchange_violation(x, error, "ASK");
    }
    /* One that comes while another is answered waits for its turn. */
    if (x->questions->nelts > 1) {
        return TENON_GOING;
    }
    tenon_result_apply(x);
    for (int i = 0; outcome == TENON_GOING && i < x->questions->nelts; i++) {
        const tenon_asked next = APR_ARRAY_IDX(x->questions, i, tenon_asked);
        outcome = next.kind == WIRE_ASK_VARIABLE ? answer_variable(x, &next)
                                                 : tenon_asked_subrequest(x, &next);
    }
    apr_array_clear(x->questions);
    return outcome;
}
