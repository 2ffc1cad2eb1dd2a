/* SPDX-License-Identifier: Apache-2.0
 *
 * The request body: pulled by the worker's credit, never held but for one buffer.
 */
#include <httpd.h>
#include <http_log.h>
#include <http_protocol.h>
#include <apr_strings.h>
#include <errno.h>
#include <sys/socket.h>

#include "exchange/exchange.h"
#include "filters/filter.h"
#include "log.h"

#define BUFFER_BYTES    65536
#define END_FIXED_BYTES 10 /* of END, before trailers */
#define OUT_BYTES       (WIRE_FRAME_HEADER_BYTES + BUFFER_BYTES)

static apr_ssize_t read_failed(tenon_exchange *x, apr_status_t status)
{
    x->status = ap_map_http_request_error(status, HTTP_BAD_REQUEST);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, status, x->r,
                  "TN0012: " TENON_EXCHANGE_FORMAT "cannot read %s", TENON_EXCHANGE_PREFIX(x),
                  x->content ? "the content that is to be filtered" : "the request's body");
    return -1;
}

/* Copies the brigade's data: bytes. Takes note of the end. */
static apr_ssize_t take(tenon_exchange *x, uint8_t *to)
{
    size_t taken = 0;
    apr_bucket *bucket;
    while ((bucket = APR_BRIGADE_FIRST(x->input)) != APR_BRIGADE_SENTINEL(x->input)) {
        const char *data;
        apr_size_t size;
        apr_status_t status;
        if (APR_BUCKET_IS_EOS(bucket)) {
            x->body_read = 1;
            break;
        }
        if (APR_BUCKET_IS_METADATA(bucket)) {
            apr_bucket_delete(bucket);
            continue;
        }
        status = apr_bucket_read(bucket, &data, &size, APR_BLOCK_READ);
        if (status != APR_SUCCESS) {
            return read_failed(x, status);
        }
        memcpy(to + taken, data, size);
        taken += size;
        apr_bucket_delete(bucket);
    }
    apr_brigade_cleanup(x->input);
    return (apr_ssize_t)taken;
}

/* Puts what is there without waiting, at most `most` bytes, into `input`. */
static apr_status_t fetch(tenon_exchange *x, apr_off_t most)
{
    if (x->filter) {
        return x->content ? tenon_content_fetch(x, most) : tenon_upload_fetch(x, most);
    }
    return ap_get_brigade(x->r->input_filters, x->input, AP_MODE_READBYTES, APR_NONBLOCK_READ,
                          most);
}

apr_ssize_t tenon_body_read(tenon_exchange *x, uint8_t *to, size_t most)
{
    size_t taken = 0;
    if (!x->input) {
        x->input = apr_brigade_create(x->r->pool, x->r->connection->bucket_alloc);
    }
    while (taken < most && !x->body_read) {
        apr_ssize_t got;
        const apr_status_t status = fetch(x, (apr_off_t)(most - taken));
        if (APR_STATUS_IS_EAGAIN(status) ||
            (status == APR_SUCCESS && APR_BRIGADE_EMPTY(x->input))) {
            break;
        }
        if (x->tunnel && APR_STATUS_IS_EOF(status)) {
            x->body_read = 1;
            break;
        }
        if (status != APR_SUCCESS) {
            return read_failed(x, status);
        }
        got = take(x, to + taken);
        if (got < 0) {
            return -1;
        }
        taken += (size_t)got;
    }
    x->body_sent += taken;
    return (apr_ssize_t)taken;
}

/* Bytes of END with the request's trailers, or 0 when there are none. */
static size_t size_of_trailers(const tenon_exchange *x)
{
    const apr_array_header_t *trailers = apr_table_elts(x->r->trailers_in);
    size_t size = WIRE_FRAME_HEADER_BYTES + END_FIXED_BYTES;
    for (int i = 0; i < trailers->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(trailers, i, apr_table_entry_t);
        size += TENON_FIELD_BYTES + strlen(field->key) + strlen(field->val);
    }
    return x->body_read && !x->tunnel && !x->content && trailers->nelts > 0 ? size : 0;
}

static int encode_trailers(const tenon_exchange *x, wire_writer *writer)
{
    const apr_array_header_t *trailers = apr_table_elts(x->r->trailers_in);
    wire_end_begin(writer, x->body_sent);
    for (int i = 0; i < trailers->nelts; i++) {
        const apr_table_entry_t *field = &APR_ARRAY_IDX(trailers, i, apr_table_entry_t);
        wire_write_header(writer, field->key, strlen(field->key), field->val, strlen(field->val));
    }
    return wire_end_finish(writer, (unsigned)trailers->nelts);
}

size_t tenon_body_frame(const tenon_exchange *x, uint8_t **frames, size_t used, size_t data)
{
    const size_t trailers = size_of_trailers(x);
    const size_t size = used + WIRE_FRAME_HEADER_BYTES + data;
    wire_writer writer = {.capacity = trailers};
    int end = 0;
    if (trailers > 0) {
        writer.buffer = (uint8_t *)apr_palloc(x->r->pool, size + trailers) + size;
        end = encode_trailers(x, &writer);
        memcpy(writer.buffer - size, *frames, size);
        *frames = writer.buffer - size;
        if (end < 0) {
            ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, x->r,
                          "TN0025: " TENON_EXCHANGE_FORMAT
                          "the trailers of the request are left out: %s (%s)",
                          TENON_EXCHANGE_PREFIX(x), wire_error_meaning(-end),
                          wire_error_name(-end));
        }
    }
    wire_frame_encode(*frames + used, WIRE_FRAME_DATA, x->body_read && end <= 0 ? WIRE_FLAG_END : 0,
                      (uint32_t)data);
    return size + (end > 0 ? (size_t)end : 0);
}

tenon_outcome tenon_body_send(tenon_exchange *x)
{
    while (x->out_sent < x->out_size) {
        const ssize_t sent = send(x->channel->fd, x->out + x->out_sent, x->out_size - x->out_sent,
                                  MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            /* A broken channel is seen, and judged, when it is read. */
            return errno == EAGAIN || errno == EINTR || errno == EPIPE || errno == ECONNRESET
                       ? TENON_GOING
                       : TENON_BROKEN;
        }
        x->out_sent += (size_t)sent;
    }
    x->out_size = x->out_sent = 0;
    return TENON_GOING;
}

int tenon_body_wanted(const tenon_exchange *x)
{
    return !x->body_read && x->out_size == 0 && x->asked > x->body_sent;
}

/* Fills `out` with a DATA frame of what the client has sent, and END behind the last: 1 when there
 * is something. */
static int fill_out(tenon_exchange *x)
{
    const uint64_t allowed = x->asked - x->body_sent;
    const size_t most = allowed < BUFFER_BYTES ? (size_t)allowed : BUFFER_BYTES;
    apr_ssize_t got;
    if (!x->out) {
        x->out = apr_palloc(x->r->pool, OUT_BYTES);
    }
    got = tenon_body_read(x, x->out + WIRE_FRAME_HEADER_BYTES, most);
    if (got < 0) {
        return -1;
    }
    if (got == 0 && !x->body_read) {
        return 0;
    }
    x->out_size = tenon_body_frame(x, &x->out, 0, (size_t)got);
    x->ended = x->body_read;
    return 1;
}

tenon_outcome tenon_body_forward(tenon_exchange *x)
{
    tenon_outcome outcome = tenon_body_send(x);
    /* On to the next piece also behind one that went in two parts: it may be in httpd's filters
     * already, where no event tells of it. */
    while (outcome == TENON_GOING && x->out_size == 0 && tenon_body_wanted(x)) {
        int filled;
        tenon_interim_continue(x);
        filled = fill_out(x);
        if (filled < 0) {
            return x->r->connection->aborted ? TENON_CLIENT_GONE : TENON_FAILED;
        }
        if (filled == 0) {
            break;
        }
        x->heard = apr_time_now();
        outcome = tenon_body_send(x);
    }
    return outcome;
}
