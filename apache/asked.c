/* SPDX-License-Identifier: Apache-2.0
 *
 * What a worker asks in the middle of an exchange: the value of an expression, or a subrequest. One
 * question is answered after the other, by the thread of the exchange. While an answer waits for
 * the worker to take it, frames of the worker are handled as ever.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <ap_expr.h>
#include <apr_strings.h>
#include <poll.h>

#include "exchange.h"
#include "expression.h"
#include "learned.h"
#include "log.h"
#include "permit.h"
#include "wire/exchange.h"

#define PIECE_BYTES       65536
#define REPLY_FIXED_BYTES 8 /* of REPLY, before text and headers */
#define FILTER_NAME       "TENON_REPLY"
#define INPUT_NAME        "TENON_NO_BODY"
#define FINISH_MS         1000 /* for the rest of a frame that a worker drops */

/* Behind all that changes the content, before all that is of the connection. */
#define FILTER_TYPE ((ap_filter_type)(AP_FTYPE_PROTOCOL - 1))

typedef struct {
    uint8_t kind;
    const char *text;
    apr_table_t *headers;
} question;

/* A subrequest whose response goes to the worker. */
typedef struct {
    tenon_exchange *x;
    tenon_outcome outcome; /* of the exchange */
    int replied;           /* the head is sent */
    int cut;               /* the response broke off */
    uint64_t sent;         /* bytes of the body */
    uint8_t *piece;        /* a DATA frame */
} reply;

static ap_filter_rec_t *filter_record;
static ap_filter_rec_t *input_record;

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

/* Sends bytes of the exchange's pool whole, behind what is on its way. A piece that is not taken
 * stays where release() finds it and closes the channel. */
static tenon_outcome send_all(tenon_exchange *x, uint8_t *bytes, size_t size)
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

static tenon_outcome send_reply(tenon_exchange *x, int status, const char *text,
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
    return error < 0 ? tenon_exchange_violation(x, error, "ASK") : send_all(x, frame, (size_t)size);
}

/* There is no answer, and why. */
static tenon_outcome decline(tenon_exchange *x, const char *why)
{
    return send_reply(x, 0, why, NULL, WIRE_FLAG_END);
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

static tenon_outcome answer_variable(tenon_exchange *x, const question *asked)
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
    return error ? decline(x, error)
                 : send_reply(x, HTTP_OK, value ? value : "", NULL, WIRE_FLAG_END);
}

/* Headers of a subrequest's response as the worker gets them. */
static apr_table_t *headers_of(const request_rec *sub)
{
    apr_table_t *headers = apr_table_make(sub->pool, 16);
    const apr_table_t *const sources[] = {sub->headers_out, sub->err_headers_out};
    for (size_t s = 0; s < 2; s++) {
        const apr_array_header_t *all = apr_table_elts(sources[s]);
        for (int i = 0; i < all->nelts; i++) {
            const apr_table_entry_t *header = &APR_ARRAY_IDX(all, i, apr_table_entry_t);
            const wire_text name = {header->key, strlen(header->key)};
            if (!tenon_permit_is_hop_by_hop(name)) {
                apr_table_addn(headers, header->key, header->val);
            }
        }
    }
    if (sub->content_type) {
        apr_table_setn(headers, "Content-Type",
                       ap_make_content_type((request_rec *)sub, sub->content_type));
    }
    return headers;
}

/* Bytes of a body that the worker takes now; waits for them: 0 when the exchange is over. */
static uint64_t wait_for_credit(reply *to)
{
    tenon_exchange *x = to->x;
    while (to->outcome == TENON_GOING && x->reply_asked <= to->sent) {
        to->outcome = tenon_exchange_step(x);
    }
    return to->outcome == TENON_GOING ? x->reply_asked - to->sent : 0;
}

static void send_data(reply *to, const char *data, size_t size)
{
    while (size > 0 && to->outcome == TENON_GOING) {
        const uint64_t credit = wait_for_credit(to);
        size_t most = size < PIECE_BYTES ? size : PIECE_BYTES;
        if (credit == 0) {
            return;
        }
        most = credit < most ? (size_t)credit : most;
        if (!to->piece) {
            to->piece = apr_palloc(to->x->r->pool, WIRE_FRAME_HEADER_BYTES + PIECE_BYTES);
        }
        wire_frame_encode(to->piece, WIRE_FRAME_DATA, 0, (uint32_t)most);
        memcpy(to->piece + WIRE_FRAME_HEADER_BYTES, data, most);
        wire_exchange_step(&to->x->channel->state, WIRE_FROM_HOST, WIRE_FRAME_DATA, 0, 0);
        to->outcome = send_all(to->x, to->piece, WIRE_FRAME_HEADER_BYTES + most);
        to->sent += most;
        data += most;
        size -= most;
    }
}

static void send_head(reply *to, const request_rec *sub, int status, uint8_t flags)
{
    to->replied = 1;
    to->x->replying = 1;
    to->x->reply_asked = WIRE_EAGER_BODY_BYTES;
    to->outcome = send_reply(to->x, status, "", headers_of(sub), flags);
}

/* Output filter of the subrequest: nothing goes any further. */
static apr_status_t pass_to_worker(ap_filter_t *filter, apr_bucket_brigade *brigade)
{
    reply *to = filter->ctx;
    apr_bucket *bucket;
    if (!to) {
        /* SetOutputFilter, or an .htaccess, has named it. */
        ap_remove_output_filter(filter);
        return ap_pass_brigade(filter->next, brigade);
    }
    while (to->outcome == TENON_GOING &&
           (bucket = APR_BRIGADE_FIRST(brigade)) != APR_BRIGADE_SENTINEL(brigade)) {
        const char *data;
        apr_size_t size = 0;
        to->cut |= AP_BUCKET_IS_ERROR(bucket);
        if (!APR_BUCKET_IS_METADATA(bucket)) {
            to->cut |= apr_bucket_read(bucket, &data, &size, APR_BLOCK_READ) != APR_SUCCESS;
        }
        if (!to->cut && !to->replied) {
            send_head(to, filter->r, filter->r->status, 0);
        }
        if (!to->cut && size > 0 && !filter->r->header_only) {
            send_data(to, data, size);
        }
        apr_bucket_delete(bucket);
    }
    apr_brigade_cleanup(brigade);
    return to->outcome == TENON_GOING ? APR_SUCCESS : APR_ECONNABORTED;
}

/* Input filter of the subrequest: the client's body is none of its. */
static apr_status_t give_nothing(ap_filter_t *filter, apr_bucket_brigade *brigade,
                                 ap_input_mode_t mode, apr_read_type_e block, apr_off_t most)
{
    if (!filter->ctx) {
        ap_remove_input_filter(filter);
        return ap_get_brigade(filter->next, brigade, mode, block, most);
    }
    APR_BRIGADE_INSERT_TAIL(brigade, apr_bucket_eos_create(filter->c->bucket_alloc));
    return APR_SUCCESS;
}

int tenon_asked_for(const request_rec *r)
{
    const ap_filter_t *filter = r->output_filters;
    while (filter && (filter->frec != filter_record || !filter->ctx)) {
        filter = filter->next;
    }
    return filter != NULL;
}

/* The end of a subrequest's response: of its body, or of one that had none. */
static tenon_outcome finish(reply *to, const request_rec *sub, int status)
{
    uint8_t *frame;
    if (to->outcome != TENON_GOING) {
        return to->outcome;
    }
    if (to->cut) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, to->x->r,
                      "TN0053: " TENON_EXCHANGE_FORMAT
                      "the response of the subrequest %s broke off",
                      TENON_EXCHANGE_PREFIX(to->x), sub->unparsed_uri);
        tenon_exchange_send_abort(to->x, WIRE_ERROR_TRUNCATED);
        return tenon_exchange_fail(to->x, HTTP_BAD_GATEWAY);
    }
    if (!to->replied) {
        send_head(to, sub, status, WIRE_FLAG_END);
        return to->outcome;
    }
    frame = apr_palloc(to->x->r->pool, WIRE_FRAME_HEADER_BYTES);
    wire_frame_encode(frame, WIRE_FRAME_DATA, WIRE_FLAG_END, 0);
    wire_exchange_step(&to->x->channel->state, WIRE_FROM_HOST, WIRE_FRAME_DATA, WIRE_FLAG_END, 0);
    return send_all(to->x, frame, WIRE_FRAME_HEADER_BYTES);
}

/* What the client said of its own request is none of the subrequest's. */
static apr_table_t *request_headers(request_rec *r, const apr_table_t *given)
{
    static const char *const own[] = {"Content-Length",
                                      "Transfer-Encoding",
                                      "Content-Type",
                                      "Expect",
                                      "Upgrade",
                                      "Range",
                                      "If-Range",
                                      "If-Match",
                                      "If-None-Match",
                                      "If-Modified-Since",
                                      "If-Unmodified-Since"};
    apr_table_t *headers = apr_table_copy(r->pool, r->headers_in);
    for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
        apr_table_unset(headers, own[i]);
    }
    apr_table_overlap(headers, given, APR_OVERLAP_TABLES_SET);
    return headers;
}

/* httpd gives a subrequest its parent's headers and looks it up at once. */
static request_rec *look_up(request_rec *r, const char *method, const char *uri,
                            apr_table_t *headers)
{
    apr_table_t *own = r->headers_in;
    request_rec *sub;
    r->headers_in = headers;
    sub = ap_sub_req_method_uri(method, uri, r, r->proto_output_filters);
    r->headers_in = own;
    return sub;
}

static tenon_outcome answer_subrequest(tenon_exchange *x, const question *asked)
{
    const char *uri = strchr(asked->text, ' ');
    reply to = {.x = x, .outcome = TENON_GOING};
    request_rec *sub;
    int status;
    if (x->channel->state != WIRE_EXCHANGE_BEGUN) {
        return decline(x, "read the body of the request to its end before a subrequest");
    }
    if (!uri || uri == asked->text || uri[1] != '/') {
        return decline(x, "a subrequest is a method and a path that begins with a slash");
    }
    sub = look_up(x->r, apr_pstrmemdup(x->r->pool, asked->text, uri - asked->text), uri + 1,
                  request_headers(x->r, asked->headers));
    status = sub->status;
    if (status == HTTP_OK) {
        sub->header_only = !strcmp(sub->method, "HEAD");
        ap_add_output_filter_handle(filter_record, &to, sub, sub->connection);
        ap_add_input_filter_handle(input_record, &to, sub, sub->connection);
        status = ap_run_sub_req(sub);
        status = status == OK ? sub->status : status;
    }
    to.outcome = finish(&to, sub, status);
    x->replying = 0;
    ap_destroy_sub_req(sub);
    return to.outcome;
}

/* Takes a question out of its frame, whose bytes the next read overwrites. */
static int read_question(tenon_exchange *x, const wire_frame *frame, question *asked)
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
    question *asked;
    int error;
    if (!x->questions) {
        x->questions = apr_array_make(x->r->pool, 2, sizeof(question));
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
        const question next = APR_ARRAY_IDX(x->questions, i, question);
        outcome = next.kind == WIRE_ASK_VARIABLE ? answer_variable(x, &next)
                                                 : answer_subrequest(x, &next);
    }
    apr_array_clear(x->questions);
    return outcome;
}

void tenon_asked_register(void)
{
    input_record = ap_register_input_filter(INPUT_NAME, give_nothing, NULL, AP_FTYPE_RESOURCE);
    filter_record = ap_register_output_filter(FILTER_NAME, pass_to_worker, NULL, FILTER_TYPE);
}
