/* SPDX-License-Identifier: Apache-2.0
 *
 * A subrequest that a worker asks for: httpd runs its phases, and a filter sends the response to
 * the worker, as fast as that takes it.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>

#include "phases/asked.h"
#include "exchange/exchange.h"
#include "log.h"
#include "phases/permit.h"
#include "wire/exchange.h"

#define PIECE_BYTES 65536
#define OUTPUT_NAME "TENON_REPLY"
#define INPUT_NAME  "TENON_NO_BODY"

/* Behind all that changes the content, before all that is of the connection. */
#define OUTPUT_TYPE ((ap_filter_type)(AP_FTYPE_PROTOCOL - 1))

/* A subrequest whose response goes to the worker. */
typedef struct {
    tenon_exchange *x;
    tenon_outcome outcome; /* of the exchange */
    int replied;           /* the head is sent */
    int cut;               /* the response broke off */
    uint64_t sent;         /* bytes of the body */
    uint8_t *piece;        /* a DATA frame */
} reply;

static ap_filter_rec_t *output_record;
static ap_filter_rec_t *input_record;

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
        to->outcome = tenon_asked_send(to->x, to->piece, WIRE_FRAME_HEADER_BYTES + most);
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
    to->outcome = tenon_asked_reply(to->x, status, "", headers_of(sub), flags);
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
    while (filter && (filter->frec != output_record || !filter->ctx)) {
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
    return tenon_asked_send(to->x, frame, WIRE_FRAME_HEADER_BYTES);
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

tenon_outcome tenon_asked_subrequest(tenon_exchange *x, const tenon_asked *asked)
{
    const char *uri = strchr(asked->text, ' ');
    reply to = {.x = x, .outcome = TENON_GOING};
    request_rec *sub;
    int status;
    if (x->channel->state != WIRE_EXCHANGE_BEGUN) {
        return tenon_asked_decline(x,
                                   "read the body of the request to its end before a subrequest");
    }
    if (!uri || uri == asked->text || uri[1] != '/') {
        return tenon_asked_decline(x,
                                   "a subrequest is a method and a path that begins with a slash");
    }
    sub = look_up(x->r, apr_pstrmemdup(x->r->pool, asked->text, uri - asked->text), uri + 1,
                  request_headers(x->r, asked->headers));
    status = sub->status;
    if (status == HTTP_OK) {
        sub->header_only = !strcmp(sub->method, "HEAD");
        ap_add_output_filter_handle(output_record, &to, sub, sub->connection);
        ap_add_input_filter_handle(input_record, &to, sub, sub->connection);
        status = ap_run_sub_req(sub);
        status = status == OK ? sub->status : status;
    }
    to.outcome = finish(&to, sub, status);
    x->replying = 0;
    ap_destroy_sub_req(sub);
    return to.outcome;
}

void tenon_asked_register(void)
{
    input_record = ap_register_input_filter(INPUT_NAME, give_nothing, NULL, AP_FTYPE_RESOURCE);
    output_record = ap_register_output_filter(OUTPUT_NAME, pass_to_worker, NULL, OUTPUT_TYPE);
}
