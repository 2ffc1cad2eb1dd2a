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

#include "exchange.h"
#include "log.h"

#define BUFFER_BYTES 65536
#define OUT_BYTES    (WIRE_FRAME_HEADER_BYTES + BUFFER_BYTES + 64)

/* The worker reads the body now: the client that asked for leave gets it. */
static void send_continue(request_rec *r)
{
    const int status = r->status;
    const char *line = r->status_line;
    r->status = HTTP_CONTINUE;
    r->status_line = NULL;
    ap_send_interim_response(r, 0);
    r->status = status;
    r->status_line = line;
    r->expecting_100 = 0;
}

static apr_ssize_t read_failed(tenon_exchange *x, apr_status_t status)
{
    x->status = ap_map_http_request_error(status, HTTP_BAD_REQUEST);
    ap_log_rerror(APLOG_MARK, APLOG_INFO, status, x->r,
                  "TN0012: " TENON_EXCHANGE_FORMAT "cannot read the request's body",
                  TENON_EXCHANGE_PREFIX(x));
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

apr_ssize_t tenon_body_read(tenon_exchange *x, uint8_t *to, size_t most)
{
    size_t taken = 0;
    if (!x->input) {
        x->input = apr_brigade_create(x->r->pool, x->r->connection->bucket_alloc);
    }
    while (taken < most && !x->body_read) {
        apr_ssize_t got;
        const apr_status_t status = ap_get_brigade(x->r->input_filters, x->input, AP_MODE_READBYTES,
                                                   APR_NONBLOCK_READ, (apr_off_t)(most - taken));
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

/* Sends what waits in `out`: GOING also when the worker's socket is full. */
static tenon_outcome send_out(tenon_exchange *x)
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
    wire_frame_encode(x->out, WIRE_FRAME_DATA, x->body_read ? WIRE_FLAG_END : 0, (uint32_t)got);
    x->out_size = WIRE_FRAME_HEADER_BYTES + (size_t)got;
    x->ended = x->body_read;
    return 1;
}

tenon_outcome tenon_body_forward(tenon_exchange *x)
{
    if (x->out_size > 0) {
        return send_out(x);
    }
    while (tenon_body_wanted(x)) {
        int filled;
        tenon_outcome outcome;
        if (x->r->expecting_100 && !x->passed) {
            send_continue(x->r);
        }
        filled = fill_out(x);
        if (filled < 0) {
            return x->r->connection->aborted ? TENON_CLIENT_GONE : TENON_FAILED;
        }
        if (filled == 0) {
            break;
        }
        x->heard = apr_time_now();
        outcome = send_out(x);
        if (outcome != TENON_GOING || x->out_size > 0) {
            return outcome;
        }
    }
    return TENON_GOING;
}
