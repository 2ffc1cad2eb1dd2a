/* SPDX-License-Identifier: Apache-2.0
 *
 * One attempt: the head goes out, frames come in, body follows as it is asked for, until the
 * exchange ends one way or the other. What it waits for meanwhile: wait.c.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "exchange/exchange.h"
#include "log.h"
#include "wire/exchange.h"

tenon_outcome tenon_exchange_fail(tenon_exchange *x, int status)
{
    x->status = status;
    return TENON_FAILED;
}

void tenon_exchange_send_abort(const tenon_exchange *x, wire_error error)
{
    uint8_t frame[64];
    const int size = wire_abort_encode(frame, sizeof(frame), error, "", 0);
    if (size > 0 && x->out_sent == 0) {
        (void)!send(x->channel->fd, frame, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
}

tenon_outcome tenon_exchange_violation(tenon_exchange *x, int error, const char *frame)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                  "TN0008: " TENON_EXCHANGE_FORMAT
                  "the worker broke the protocol with a frame %s: %s (%s); the channel is closed",
                  TENON_EXCHANGE_PREFIX(x), frame, wire_error_meaning(-error),
                  wire_error_name(-error));
    tenon_exchange_send_abort(x, (wire_error)-error);
    return tenon_exchange_fail(x, HTTP_BAD_GATEWAY);
}

tenon_outcome tenon_exchange_send_head(tenon_exchange *x)
{
    tenon_channel *channel = x->channel;
    size_t sent = 0;
    channel->exchanges++;
    tenon_request_number(x, channel->exchanges);
    wire_exchange_step(&channel->state, WIRE_FROM_HOST, WIRE_FRAME_REQUEST, x->flags, 0);
    if (!x->flags && x->ended) {
        wire_exchange_step(&channel->state, WIRE_FROM_HOST, WIRE_FRAME_DATA, WIRE_FLAG_END, 0);
    }
    while (sent < x->head_size) {
        const ssize_t size = send(channel->fd, x->head + sent, x->head_size - sent, MSG_NOSIGNAL);
        if (size < 0 && errno == EAGAIN && apr_time_now() >= tenon_exchange_deadline(x)) {
            return tenon_exchange_timed_out(x);
        }
        if (size < 0 && (errno == EINTR || errno == EAGAIN)) {
            continue;
        }
        if (size < 0) {
            return errno == EPIPE || errno == ECONNRESET ? TENON_GOING : TENON_BROKEN;
        }
        sent += (size_t)size;
    }
    return TENON_GOING;
}

/* Handles all frames that have come. */
static tenon_outcome read_frames(tenon_exchange *x)
{
    tenon_outcome outcome = TENON_GOING;
    while (outcome == TENON_GOING) {
        wire_frame frame;
        const int got = wire_reader_next(&x->reader, &frame);
        if (got == WIRE_PARTIAL) {
            break;
        }
        outcome =
            got < 0 ? tenon_exchange_violation(x, got, "header") : tenon_response_frame(x, &frame);
    }
    return outcome;
}

/* Makes room for the next read; what is in the output brigade points into the buffer and goes
 * first. */
static tenon_outcome make_room(tenon_exchange *x, uint8_t **to, size_t *room)
{
    const size_t needs = wire_reader_needs(&x->reader);
    const tenon_outcome outcome = tenon_response_pass(x, 0);
    if (outcome != TENON_GOING) {
        return outcome;
    }
    if (needs > x->reader.capacity) {
        wire_reader_grow(&x->reader, apr_palloc(x->r->pool, needs), needs);
    }
    *to = wire_reader_space(&x->reader, room);
    return TENON_GOING;
}

tenon_outcome tenon_exchange_receive(tenon_exchange *x, int flags, int *came)
{
    uint8_t *to;
    size_t room;
    ssize_t size;
    const tenon_outcome outcome = make_room(x, &to, &room);
    *came = 0;
    if (outcome != TENON_GOING) {
        return outcome;
    }
    do {
        size = tenon_file_receive(x, to, room, flags);
    } while (size < 0 && errno == EINTR);
    if (size < 0 && errno == EAGAIN) {
        return TENON_GOING;
    }
    if (size <= 0) {
        return TENON_BROKEN;
    }
    if (x->surplus) {
        return x->descriptor < 0 ? tenon_file_out_of_descriptors(x)
                                 : tenon_exchange_violation(x, -WIRE_ERROR_BAD_FILE, "FILE");
    }
    *came = 1;
    if (x->filter) {
        x->heard = apr_time_now();
    }
    wire_reader_fill(&x->reader, (size_t)size);
    return read_frames(x);
}

/* Whether the first read, which may block a little, could outlast the deadline. */
static int is_short_of_time(const tenon_exchange *x)
{
    return x->limited && tenon_exchange_deadline(x) - apr_time_now() < TENON_CHANNEL_FIRST_WAIT;
}

tenon_outcome tenon_exchange_step(tenon_exchange *x)
{
    const int sends = x->out_size > 0;
    int came = 0;
    tenon_outcome outcome = tenon_body_send(x);
    /* Who has sent all of it may have more to send: the worker, which waits for that, would make no
     * event. */
    if (outcome != TENON_GOING || (sends && x->out_size == 0)) {
        return outcome;
    }
    outcome = tenon_exchange_receive(x, MSG_DONTWAIT, &came);
    return outcome == TENON_GOING && !came ? tenon_exchange_wait(x) : outcome;
}

tenon_outcome tenon_exchange_converse(tenon_exchange *x)
{
    tenon_outcome outcome = TENON_GOING;
    int came = 0;
    if (!is_short_of_time(x)) {
        outcome = tenon_exchange_receive(x, 0, &came);
    }
    while (outcome == TENON_GOING) {
        outcome = tenon_body_forward(x);
        if (outcome == TENON_GOING) {
            outcome = tenon_exchange_receive(x, MSG_DONTWAIT, &came);
        }
        if (outcome != TENON_GOING || came) {
            continue;
        }
        /* A descriptor that came with the head: its FILE follows and decides how the head is passed
         * on. */
        if (x->answered && x->descriptor < 0 && (!x->passed || x->unflushed)) {
            outcome = tenon_response_pass(x, 1);
        }
        if (outcome == TENON_GOING) {
            outcome = tenon_exchange_wait(x);
        }
    }
    return outcome;
}
