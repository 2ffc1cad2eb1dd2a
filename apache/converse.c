/* SPDX-License-Identifier: Apache-2.0
 *
 * One attempt: the head goes out, frames come in, body follows as it is asked for, until the
 * exchange ends one way or the other.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_log.h>
#include <apr_portable.h>
#include <errno.h>
#include <poll.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ending.h"
#include "exchange.h"
#include "log.h"
#include "wire/exchange.h"

#define FILTERED_MOST  32768 /* bytes that httpd's input filters may have read ahead */
#define SLICE_LEAST_MS 10    /* how often a stream of HTTP/2 is looked at: often at first, */
#define SLICE_MOST_MS  250   /* more seldom the longer it waits */
#define SLICE_PART     8     /* of the time that it has waited */
#define BODY_SLICE_MS  1000  /* how often mod_reqtimeout gets to look at its clock */
#define TUNNEL_SLICE_MS \
    1000 /* the same for a tunnel where only signals tell of the process's end */

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

/* Until when the exchange may wait for what it waits for now; 0 when for ever. */
static apr_time_t deadline_of(const tenon_exchange *x)
{
    if (!x->channel->greeted) {
        return x->began + apr_time_from_msec(x->queue_limit.ms);
    }
    if (tenon_body_wanted(x) && !x->tunnel) {
        return x->heard + x->r->server->timeout;
    }
    if (x->answered && !x->muted) {
        return 0;
    }
    return (x->limited ? x->began : x->heard) + apr_time_from_msec(x->answer_limit.ms);
}

static tenon_outcome timed_out(tenon_exchange *x)
{
    if (!x->channel->greeted) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                      "TN0003: " TENON_EXCHANGE_FORMAT "waited %d ms for a worker (%s): %s",
                      TENON_EXCHANGE_PREFIX(x), x->queue_limit.ms, x->queue_limit.name,
                      tenon_exchange_consequence(x, HTTP_SERVICE_UNAVAILABLE));
        return tenon_exchange_fail(x, HTTP_SERVICE_UNAVAILABLE);
    }
    tenon_exchange_send_abort(x, WIRE_ERROR_TIMED_OUT);
    if (tenon_body_wanted(x)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, x->r,
                      "TN0013: " TENON_EXCHANGE_FORMAT
                      "the client sent no more of its body in time (Timeout)",
                      TENON_EXCHANGE_PREFIX(x));
        return tenon_exchange_fail(x, HTTP_REQUEST_TIME_OUT);
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                  "TN0004: " TENON_EXCHANGE_FORMAT "no answer within %d ms (%s): %s",
                  TENON_EXCHANGE_PREFIX(x), x->answer_limit.ms, x->answer_limit.name,
                  tenon_exchange_consequence(x, HTTP_GATEWAY_TIME_OUT));
    return tenon_exchange_fail(x, HTTP_GATEWAY_TIME_OUT);
}

/* Sends the head. A channel that does not take it whole is broken: what was sent is judged by the
 * claim. */
static tenon_outcome send_head(tenon_exchange *x)
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
        if (size < 0 && errno == EAGAIN && apr_time_now() >= deadline_of(x)) {
            return timed_out(x);
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

/* Reads from the worker, without waiting or shortly (`flags`), and handles what came. `*came` says
 * whether anything did. */
static tenon_outcome receive(tenon_exchange *x, int flags, int *came)
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
    wire_reader_fill(&x->reader, (size_t)size);
    return read_frames(x);
}

/* The descriptor that tells of the client, or -1 (a stream of HTTP/2 that has no body). */
static int client_descriptor(conn_rec *c)
{
    apr_pollfd_t from = {0};
    apr_os_sock_t fd = -1;
    if (ap_get_pollfd_from_conn(c, &from, NULL) != APR_SUCCESS) {
        return -1;
    }
    if (from.desc_type == APR_POLL_SOCKET) {
        apr_os_sock_get(&fd, from.desc.s);
    } else if (from.desc_type == APR_POLL_FILE) {
        apr_os_file_get(&fd, from.desc.f);
    }
    return fd;
}

/* mod_http2 wakes a stream with bytes in a pipe that a read without waiting does not take out. */
static void drain_wakeups(int fd)
{
    struct pollfd more = {fd, POLLIN, 0};
    char bytes[64];
    while (poll(&more, 1, 0) == 1 && (more.revents & POLLIN) &&
           read(fd, bytes, sizeof(bytes)) == sizeof(bytes)) {
    }
}

/* Whether a client that has ended its side can no longer send all of its body. What is on its way
 * in httpd's filters is at most FILTERED_MOST; over TLS more bytes wait than make up the body. */
static int body_is_cut(const tenon_exchange *x, int fd)
{
    const uint64_t missing = x->body_length - x->body_sent;
    int waiting = 0;
    return x->body_length != WIRE_LENGTH_UNKNOWN && ioctl(fd, FIONREAD, &waiting) == 0 &&
           (uint64_t)waiting + FILTERED_MOST < missing;
}

static tenon_outcome client_went(tenon_exchange *x)
{
    x->r->connection->aborted = 1;
    return TENON_CLIENT_GONE;
}

/* A tunnel would keep a process that is to finish what is open from its end for ever: the worker is
 * asked to end it. */
static void leave_tunnel(tenon_exchange *x)
{
    uint8_t frame[WIRE_FRAME_HEADER_BYTES];
    if (!x->tunnel || x->left || x->out_sent > 0) {
        return;
    }
    wire_close_encode(frame, sizeof(frame));
    wire_exchange_step(&x->channel->state, WIRE_FROM_HOST, WIRE_FRAME_CLOSE, 0, 0);
    x->left =
        send(x->channel->fd, frame, sizeof(frame), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(frame);
}

/* Whether mod_reqtimeout limits the time for the body. It looks at its clock when it is read
 * through, and only then. */
static int is_timed(const request_rec *r)
{
    const ap_filter_t *filter = r->connection->input_filters;
    while (filter && strcasecmp(filter->frec->name, "reqtimeout")) {
        filter = filter->next;
    }
    return filter != NULL;
}

/* mod_http2 wakes nobody when a client resets its stream: it is noticed within an eighth of the
 * time that it was waited, so that a short wait is short and a long one costs nothing. */
static int stream_slice(const tenon_exchange *x)
{
    const apr_time_t slice = apr_time_as_msec(apr_time_now() - x->heard) / SLICE_PART;
    return slice < SLICE_LEAST_MS  ? SLICE_LEAST_MS
           : slice > SLICE_MOST_MS ? SLICE_MOST_MS
                                   : (int)slice;
}

/* How often to look at what makes no event, in ms; -1 when there is nothing of the kind. */
static int slice_of(const tenon_exchange *x)
{
    if (x->r->connection->master) {
        return stream_slice(x);
    }
    if (x->tunnel) {
        return tenon_ending_descriptor() < 0 ? TUNNEL_SLICE_MS : -1;
    }
    return tenon_body_wanted(x) && is_timed(x->r) ? BODY_SLICE_MS : -1;
}

/* How long to wait for an event at most, in ms; -1 for ever. */
static int patience_of(const tenon_exchange *x, apr_time_t deadline)
{
    const int slice = slice_of(x);
    int timeout = -1;
    if (deadline != 0) {
        timeout = (int)(apr_time_as_msec(deadline - apr_time_now()) + 1);
    }
    return slice >= 0 && (timeout < 0 || timeout > slice) ? slice : timeout;
}

/* What came of the client while nothing came of the worker. */
static tenon_outcome judge_client(tenon_exchange *x, const struct pollfd *client)
{
    conn_rec *c = x->r->connection;
    if (c->aborted) {
        return TENON_CLIENT_GONE;
    }
    if (c->master && (client->revents & POLLIN)) {
        drain_wakeups(client->fd);
    }
    if ((client->revents & POLLRDHUP) && !x->body_read && !body_is_cut(x, client->fd)) {
        x->half_closed = 1;
        return TENON_GOING;
    }
    return client->revents & (POLLRDHUP | POLLERR | (c->master ? 0 : POLLHUP)) ? client_went(x)
                                                                               : TENON_GOING;
}

/* Waits until the worker or the client has something, time is over, or this process is to end. */
static tenon_outcome wait_for_any(tenon_exchange *x)
{
    conn_rec *c = x->r->connection;
    const int wanted = tenon_body_wanted(x);
    const apr_time_t deadline = deadline_of(x);
    const tenon_ending ending = tenon_ending_now();
    const int finishes = ending == TENON_FINISHES && x->tunnel && !x->left;
    const int sends = x->out_size > 0 || finishes;
    struct pollfd any[3] = {{x->channel->fd, (short)(sends ? POLLIN | POLLOUT : POLLIN), 0},
                            {client_descriptor(c), (short)(wanted ? POLLIN : 0), 0},
                            {ending == TENON_STAYS ? tenon_ending_descriptor() : -1, POLLIN, 0}};
    int ready;

    if (ending == TENON_STOPS) {
        return client_went(x);
    }
    if (deadline != 0 && deadline <= apr_time_now()) {
        return timed_out(x);
    }
    if (!c->master && !wanted && !x->half_closed && !x->tunnel) {
        any[1].events |= POLLRDHUP;
    }
    ready = poll(any, 3, patience_of(x, deadline));
    if (finishes) {
        leave_tunnel(x);
    }
    return ready <= 0 && !c->aborted ? TENON_GOING : judge_client(x, &any[1]);
}

/* Whether the first read, which may block a little, could outlast the deadline. */
static int is_short_of_time(const tenon_exchange *x)
{
    return x->limited && deadline_of(x) - apr_time_now() < TENON_CHANNEL_FIRST_WAIT;
}

tenon_outcome tenon_exchange_step(tenon_exchange *x)
{
    int came = 0;
    tenon_outcome outcome = tenon_body_send(x);
    if (outcome == TENON_GOING) {
        outcome = receive(x, MSG_DONTWAIT, &came);
    }
    return outcome == TENON_GOING && !came ? wait_for_any(x) : outcome;
}

tenon_outcome tenon_exchange_converse(tenon_exchange *x)
{
    tenon_outcome outcome = send_head(x);
    int came = 0;
    if (outcome == TENON_GOING && !is_short_of_time(x)) {
        outcome = receive(x, 0, &came);
    }
    while (outcome == TENON_GOING) {
        outcome = tenon_body_forward(x);
        if (outcome == TENON_GOING) {
            outcome = receive(x, MSG_DONTWAIT, &came);
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
            outcome = wait_for_any(x);
        }
    }
    return outcome;
}
