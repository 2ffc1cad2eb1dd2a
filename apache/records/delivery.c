/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_log.h>
#include <http_main.h>
#include <apr_strings.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "records/delivery.h"
#include "log.h"
#include "wire/bytes.h"
#include "wire/exchange.h"
#include "wire/reader.h"

#define READ_BYTES      8192
#define FRONT_BYTES     128   /* REQUEST, or the header of a DATA frame */
#define PIECE_BYTES     65536 /* in one DATA frame */
#define EXCHANGE_OFFSET (WIRE_FRAME_HEADER_BYTES + 4)
#define REQUEST_ID      "records"

struct tenon_delivery {
    apr_pool_t *p;
    tenon_pool *pool;
    tenon_channel *channel;
    wire_reader reader;
    uint8_t front[FRONT_BYTES]; /* goes before the next piece of the body */
    size_t front_size;
    size_t front_sent;
    uint8_t *body;
    size_t size;
    size_t sent;
    size_t framed;       /* up to here there is a DATA frame */
    uint64_t allowed;    /* bytes of body that the worker takes */
    apr_time_t heard;    /* last sign of life */
    const char *refusal; /* what the worker said */
};

/* The frames of all records, one behind the other. */
static void gather(tenon_delivery *delivery, const spool_record *const *records, int count)
{
    uint8_t *at;
    for (int i = 0; i < count; i++) {
        delivery->size += records[i]->frame_size;
    }
    at = delivery->body = apr_palloc(delivery->p, delivery->size);
    for (int i = 0; i < count; i++) {
        memcpy(at, records[i]->frame, records[i]->frame_size);
        at += records[i]->frame_size;
    }
}

/* Frames the next piece of the body that the worker takes. */
static void frame_piece(tenon_delivery *delivery)
{
    const size_t left = delivery->size - delivery->framed;
    const uint64_t credit = delivery->allowed - delivery->framed;
    size_t piece = left < PIECE_BYTES ? left : PIECE_BYTES;
    uint8_t flags;
    piece = piece < credit ? piece : (size_t)credit;
    if (piece == 0) {
        return;
    }
    flags = piece == left ? WIRE_FLAG_END : 0;
    wire_frame_encode(delivery->front + delivery->front_size, WIRE_FRAME_DATA, flags,
                      (uint32_t)piece);
    wire_exchange_step(&delivery->channel->state, WIRE_FROM_HOST, WIRE_FRAME_DATA, flags, 0);
    delivery->front_size += WIRE_FRAME_HEADER_BYTES;
    delivery->framed += piece;
}

static void frame_request(tenon_delivery *delivery)
{
    tenon_channel *channel = delivery->channel;
    wire_writer writer = {.buffer = delivery->front, .capacity = FRONT_BYTES};
    channel->exchanges++;
    wire_request_begin(&writer, WIRE_PHASE_LOG_TRANSACTION, channel->exchanges, delivery->size);
    wire_write_fact(&writer, WIRE_FACT_REQUEST_ID, REQUEST_ID, sizeof(REQUEST_ID) - 1);
    delivery->front_size = (size_t)wire_request_finish(&writer, 0, 1, 0);
    wire_exchange_step(&channel->state, WIRE_FROM_HOST, WIRE_FRAME_REQUEST, 0, 0);
    frame_piece(delivery);
}

tenon_delivery *tenon_delivery_begin(apr_pool_t *p, tenon_pool *pool, tenon_worker preferred,
                                     uint64_t avoid, const spool_record *const *records, int count)
{
    tenon_delivery *delivery;
    tenon_channel *channel;
    if (tenon_channel_acquire(pool, preferred, avoid, &channel) != TENON_ACQUIRED) {
        return NULL;
    }
    delivery = apr_pcalloc(p, sizeof(*delivery));
    delivery->p = p;
    delivery->pool = pool;
    delivery->channel = channel;
    delivery->allowed = WIRE_EAGER_BODY_BYTES;
    delivery->heard = apr_time_now();
    wire_reader_init(&delivery->reader, apr_palloc(p, READ_BYTES), READ_BYTES);
    gather(delivery, records, count);
    frame_request(delivery);
    return delivery;
}

/* Sends what is framed, and frames more: 0, or -1 when the channel has broken. */
static int send_body(tenon_delivery *delivery)
{
    for (;;) {
        struct iovec parts[2] = {
            {delivery->front + delivery->front_sent, delivery->front_size - delivery->front_sent},
            {delivery->body + delivery->sent, delivery->framed - delivery->sent}};
        const struct msghdr message = {.msg_iov = parts, .msg_iovlen = 2};
        ssize_t size;
        if (parts[0].iov_len + parts[1].iov_len == 0) {
            delivery->front_size = delivery->front_sent = 0;
            frame_piece(delivery);
            if (delivery->front_size == 0) {
                return 0;
            }
            continue;
        }
        size = sendmsg(delivery->channel->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size < 0) {
            /* What the worker said before it closed is still to be read. */
            return errno == EAGAIN || errno == EPIPE || errno == ECONNRESET ? 0 : -1;
        }
        if ((size_t)size > parts[0].iov_len) {
            delivery->sent += (size_t)size - parts[0].iov_len;
            size = (ssize_t)parts[0].iov_len;
        }
        delivery->front_sent += (size_t)size;
    }
}

static tenon_delivered violation(const tenon_delivery *delivery, int error, const char *frame)
{
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                 "TN0118: [%s %d] log_transaction: the worker broke the protocol with a frame %s: "
                 "%s (%s); the channel is closed",
                 delivery->pool->name, delivery->channel->slot, frame, wire_error_meaning(-error),
                 wire_error_name(-error));
    return TENON_NOT_DELIVERED;
}

static tenon_delivered take_hello(tenon_delivery *delivery, const wire_frame *frame)
{
    wire_hello hello;
    int error = wire_hello_decode(frame->payload, frame->length, &hello);
    if (error >= 0) {
        error = tenon_channel_greet(delivery->pool, delivery->channel, &hello);
    }
    return error < 0 ? violation(delivery, error, "HELLO") : TENON_DELIVERING;
}

static tenon_delivered take_pull(tenon_delivery *delivery, const wire_frame *frame)
{
    uint64_t bytes;
    const int error = wire_pull_decode(frame->payload, frame->length, &bytes);
    if (error < 0) {
        return violation(delivery, error, "PULL");
    }
    delivery->allowed =
        bytes > UINT64_MAX - delivery->allowed ? UINT64_MAX : delivery->allowed + bytes;
    return TENON_DELIVERING;
}

static tenon_delivered take_log(const tenon_delivery *delivery, const wire_frame *frame)
{
    wire_log line;
    const int error = wire_log_decode(frame->payload, frame->length, &line);
    const char *at = line.text.at;
    const char *end;
    if (error < 0) {
        return violation(delivery, error, "LOG");
    }
    end = at + line.text.length;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        ap_log_error(APLOG_MARK, line.level, 0, ap_server_conf, "TN0114: [%s %d] %.*s",
                     delivery->pool->name, delivery->channel->slot, (int)((stop ? stop : end) - at),
                     at);
        at = stop ? stop + 1 : end;
    }
    return TENON_DELIVERING;
}

static tenon_delivered take_abort(tenon_delivery *delivery, const wire_frame *frame)
{
    wire_abort said;
    const int error = wire_abort_decode(frame->payload, frame->length, &said);
    if (error < 0) {
        return violation(delivery, error, "ABORT");
    }
    if (said.error == WIRE_ERROR_BUSY || said.error == WIRE_ERROR_DRAINING ||
        said.error == WIRE_ERROR_STOPPING) {
        return TENON_NOT_BEGUN;
    }
    if (said.error == WIRE_ERROR_APPLICATION) {
        delivery->refusal = apr_pstrmemdup(delivery->p, said.text.at, said.text.length);
        return TENON_NOT_BEGUN;
    }
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                 "TN0124: [%s %d] log_transaction: the worker could not read records: %.*s (%s)",
                 delivery->pool->name, delivery->channel->slot, (int)said.text.length, said.text.at,
                 wire_error_name(said.error));
    return TENON_NOT_DELIVERED;
}

static tenon_delivered take_result(const tenon_delivery *delivery, const wire_frame *frame)
{
    wire_result result;
    const int error = wire_result_decode(frame->payload, frame->length, &result);
    return error < 0 ? violation(delivery, error, "RESULT") : TENON_DELIVERED;
}

static tenon_delivered take_frame(tenon_delivery *delivery, const wire_frame *frame)
{
    const int error = wire_exchange_step(&delivery->channel->state, WIRE_FROM_WORKER, frame->type,
                                         frame->flags, 0);
    if (error < 0) {
        return violation(delivery, error, wire_frame_type_name(frame->type));
    }
    switch (frame->type) {
    case WIRE_FRAME_HELLO:
        return take_hello(delivery, frame);
    case WIRE_FRAME_PULL:
        return take_pull(delivery, frame);
    case WIRE_FRAME_LOG:
        return take_log(delivery, frame);
    case WIRE_FRAME_ABORT:
        return take_abort(delivery, frame);
    case WIRE_FRAME_CLOSE:
        return TENON_NOT_BEGUN;
    case WIRE_FRAME_RESULT:
        return take_result(delivery, frame);
    default:
        return violation(delivery, -WIRE_ERROR_OUT_OF_ORDER, wire_frame_type_name(frame->type));
    }
}

static tenon_delivered read_frames(tenon_delivery *delivery)
{
    tenon_delivered outcome = TENON_DELIVERING;
    while (outcome == TENON_DELIVERING) {
        wire_frame frame;
        const int got = wire_reader_next(&delivery->reader, &frame);
        if (got == WIRE_PARTIAL) {
            break;
        }
        outcome = got < 0 ? violation(delivery, got, "header") : take_frame(delivery, &frame);
    }
    return outcome;
}

/* The channel has broken: what a worker has not begun is not its fault. */
static tenon_delivered broken(const tenon_delivery *delivery)
{
    return tenon_channel_claimed(delivery->channel) == WIRE_CLAIM_BEGUN ? TENON_NOT_DELIVERED
                                                                        : TENON_NOT_BEGUN;
}

static tenon_delivered receive(tenon_delivery *delivery, int *came)
{
    const size_t needs = wire_reader_needs(&delivery->reader);
    size_t room;
    uint8_t *to;
    ssize_t size;
    if (needs > delivery->reader.capacity) {
        wire_reader_grow(&delivery->reader, apr_palloc(delivery->p, needs), needs);
    }
    to = wire_reader_space(&delivery->reader, &room);
    do {
        size = recv(delivery->channel->fd, to, room, MSG_DONTWAIT);
    } while (size < 0 && errno == EINTR);
    *came = size > 0;
    if (size < 0 && errno == EAGAIN) {
        return TENON_DELIVERING;
    }
    if (size <= 0) {
        return broken(delivery);
    }
    delivery->heard = apr_time_now();
    wire_reader_fill(&delivery->reader, (size_t)size);
    return read_frames(delivery);
}

/* Tells the worker that nobody waits for it any more. */
static tenon_delivered time_out(const tenon_delivery *delivery)
{
    uint8_t frame[32];
    const int size = wire_abort_encode(frame, sizeof(frame), WIRE_ERROR_TIMED_OUT, "", 0);
    if (size > 0 && delivery->front_sent == delivery->front_size &&
        delivery->sent == delivery->framed) {
        (void)!send(delivery->channel->fd, frame, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                 "TN0120: [%s %d] log_transaction: no answer within %d ms (TenonRequestTimeout)",
                 delivery->pool->name, delivery->channel->slot, delivery->pool->request_timeout);
    return TENON_NOT_DELIVERED;
}

tenon_delivered tenon_delivery_step(tenon_delivery *delivery)
{
    tenon_delivered outcome = TENON_DELIVERING;
    int came = 1;
    while (outcome == TENON_DELIVERING && came) {
        if (send_body(delivery) != 0) {
            return broken(delivery);
        }
        outcome = receive(delivery, &came);
    }
    if (outcome == TENON_DELIVERING && apr_time_now() >= tenon_delivery_deadline(delivery)) {
        outcome = time_out(delivery);
    }
    return outcome;
}

int tenon_delivery_descriptor(const tenon_delivery *delivery)
{
    return delivery->channel->fd;
}

short tenon_delivery_events(const tenon_delivery *delivery)
{
    const int unsent =
        delivery->front_sent < delivery->front_size || delivery->sent < delivery->framed;
    return unsent ? POLLIN | POLLOUT : POLLIN;
}

apr_time_t tenon_delivery_deadline(const tenon_delivery *delivery)
{
    /* In the queue of a pool whose workers are busy nothing is lost by waiting. */
    return delivery->channel->greeted
               ? delivery->heard + apr_time_from_msec(delivery->pool->request_timeout)
               : APR_INT64_MAX;
}

int tenon_delivery_slot(const tenon_delivery *delivery)
{
    return delivery->channel->slot;
}

const char *tenon_delivery_refusal(const tenon_delivery *delivery)
{
    return delivery->refusal;
}

void tenon_delivery_end(tenon_delivery *delivery, tenon_delivered outcome)
{
    if (outcome == TENON_DELIVERED && wire_reader_empty(&delivery->reader) &&
        delivery->sent == delivery->size && wire_exchange_idle(delivery->channel->state)) {
        tenon_channel_keep(delivery->pool, delivery->channel);
    } else {
        tenon_channel_close(delivery->channel);
    }
}
