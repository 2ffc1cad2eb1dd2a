/* SPDX-License-Identifier: Apache-2.0
 *
 * What an exchange waits for: the worker, the client, the end of its time or of this process.
 */
#include <httpd.h>
#include <http_connection.h>
#include <http_core.h>
#include <http_log.h>
#include <apr_portable.h>
#include <poll.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config/location.h"
#include "counts.h"
#include "exchange/ending.h"
#include "exchange/exchange.h"
#include "filters/filter.h"
#include "log.h"
#include "wire/exchange.h"

#define BODY_LIMIT       "TenonBodyTimeout"
#define EVENT_STREAM     "text/event-stream"
#define FILTERED_MOST    32768 /* bytes that httpd's input filters may have read ahead */
#define SLICE_LEAST_MS   10    /* how often a stream of HTTP/2 is looked at: often at first, */
#define SLICE_MOST_MS    250   /* more seldom the longer it waits */
#define SLICE_PART       8     /* of the time that it has waited */
#define BODY_SLICE_MS    1000  /* how often mod_reqtimeout gets to look at its clock */
#define FIXED_EVENTS     3     /* worker, client, end of this process */
#define MOST_EVENTS      8     /* these, and input filters before this exchange */
#define UNBEGUN_SLICE_MS 500   /* how often to look whether a worker turns that has not begun */
#define TUNNEL_SLICE_MS \
    1000 /* the same for a tunnel where only signals tell of the process's end */

/* Whether the client has to send body that the worker has asked for. */
static int wants_client(const tenon_exchange *x)
{
    return !x->content && tenon_body_wanted(x);
}

/* Longest wait for more of a body, ms. */
static int body_limit(const tenon_exchange *x)
{
    const int here = tenon_location_of(x->r)->body_timeout;
    return here ? here : x->pool->body_timeout;
}

/* For more of the client's body httpd has a limit too: whichever ends first. */
static tenon_limit client_limit(const tenon_exchange *x)
{
    const apr_int64_t timeout = apr_time_as_msec(x->r->server->timeout);
    const int limit = body_limit(x);
    return timeout < limit ? (tenon_limit){(int)timeout, "Timeout"}
                           : (tenon_limit){limit, BODY_LIMIT};
}

/* Whether an answer may pause for as long as it likes: events come when they happen, and in a
 * tunnel another protocol has the say. */
static int may_pause(const tenon_exchange *x)
{
    const char *type = x->r->content_type;
    return x->tunnel || (type && !strncasecmp(type, EVENT_STREAM, sizeof(EVENT_STREAM) - 1));
}

/* Once an answer has begun what counts is whether more of its body comes. While it was passed on to
 * a slow client the worker was not waited for. */
static void note_progress(tenon_exchange *x)
{
    if (x->answered && !x->filter && x->received != x->noted) {
        x->noted = x->received;
        x->heard = apr_time_now();
    }
}

apr_time_t tenon_exchange_deadline(const tenon_exchange *x)
{
    if (!x->channel->greeted) {
        return x->began + apr_time_from_msec(x->queue_limit.ms);
    }
    if (wants_client(x) && !x->tunnel) {
        return x->heard + apr_time_from_msec(client_limit(x).ms);
    }
    if (x->answered && !x->muted && !x->filter) {
        return may_pause(x) ? 0 : x->heard + apr_time_from_msec(body_limit(x));
    }
    return (x->limited ? x->began : x->heard) + apr_time_from_msec(x->answer_limit.ms);
}

tenon_outcome tenon_exchange_timed_out(tenon_exchange *x)
{
    if (!x->channel->greeted) {
        tenon_count_pool(x->pool, TENON_COUNT_QUEUE_TIMEOUT);
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                      "TN0003: " TENON_EXCHANGE_FORMAT "waited %d ms for a worker (%s): %s",
                      TENON_EXCHANGE_PREFIX(x), x->queue_limit.ms, x->queue_limit.name,
                      tenon_exchange_consequence(x, HTTP_SERVICE_UNAVAILABLE));
        return tenon_exchange_fail(x, HTTP_SERVICE_UNAVAILABLE);
    }
    tenon_exchange_send_abort(x, WIRE_ERROR_TIMED_OUT);
    if (wants_client(x)) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, x->r,
                      "TN0013: " TENON_EXCHANGE_FORMAT
                      "the client sent no more of its body within %d ms (%s)",
                      TENON_EXCHANGE_PREFIX(x), client_limit(x).ms, client_limit(x).name);
        return tenon_exchange_fail(x, HTTP_REQUEST_TIME_OUT);
    }
    tenon_count_pool(x->pool, TENON_COUNT_TIMEOUT);
    if (x->answered && !x->muted && !x->filter) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                      "TN0061: " TENON_EXCHANGE_FORMAT
                      "no more of the answer came within %d ms (" BODY_LIMIT "): %s",
                      TENON_EXCHANGE_PREFIX(x), body_limit(x),
                      tenon_exchange_consequence(x, HTTP_GATEWAY_TIME_OUT));
        return tenon_exchange_fail(x, HTTP_GATEWAY_TIME_OUT);
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                  "TN0004: " TENON_EXCHANGE_FORMAT "no answer within %d ms (%s): %s",
                  TENON_EXCHANGE_PREFIX(x), x->answer_limit.ms, x->answer_limit.name,
                  tenon_exchange_consequence(x, HTTP_GATEWAY_TIME_OUT));
    return tenon_exchange_fail(x, HTTP_GATEWAY_TIME_OUT);
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
    return wants_client(x) && is_timed(x->r) ? BODY_SLICE_MS : -1;
}

/* Whether the worker that is to begin this has not. */
static int is_unbegun(const tenon_exchange *x)
{
    return x->channel->slot >= 0 && tenon_channel_claimed(x->channel) == WIRE_CLAIM_NOT_BEGUN;
}

/* How long to wait for an event at most, in ms; -1 for ever. */
static int patience_of(const tenon_exchange *x, apr_time_t deadline)
{
    const int slice = slice_of(x);
    int timeout = -1;
    if (deadline != 0) {
        const apr_time_t left = deadline - apr_time_now();
        timeout = left > 0 ? (int)apr_time_as_msec(left) + 1 : 0;
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
    if ((client->revents & POLLRDHUP) && !x->content && !x->body_read &&
        !body_is_cut(x, client->fd)) {
        x->half_closed = 1;
        return TENON_GOING;
    }
    return client->revents & (POLLRDHUP | POLLERR | (c->master ? 0 : POLLHUP)) ? client_went(x)
                                                                               : TENON_GOING;
}

/* Adds what the exchanges of input filters wait for, through which this one reads its body: the one
 * that reads from the client itself. Each looks at its own deadline when it is read through. */
static const tenon_exchange *add_uploads(const tenon_exchange *x, struct pollfd *any, int *count,
                                         apr_time_t *deadline)
{
    const tenon_exchange *before;
    while (*count < MOST_EVENTS && wants_client(x) && (before = tenon_upload_before(x)) != NULL) {
        const apr_time_t limit = tenon_exchange_deadline(before);
        any[(*count)++] = (struct pollfd){
            before->channel->fd, (short)(before->out_size > 0 ? POLLIN | POLLOUT : POLLIN), 0};
        if (limit != 0 && (*deadline == 0 || limit < *deadline)) {
            *deadline = limit;
        }
        x = before;
    }
    return x;
}

tenon_outcome tenon_exchange_wait(tenon_exchange *x)
{
    conn_rec *c = x->r->connection;
    apr_time_t deadline;
    const tenon_ending ending = tenon_ending_now();
    const int finishes = ending == TENON_FINISHES && x->tunnel && !x->left;
    const int sends = x->out_size > 0 || finishes;
    struct pollfd any[MOST_EVENTS] = {
        {x->channel->fd, (short)(sends ? POLLIN | POLLOUT : POLLIN), 0},
        {client_descriptor(c), 0, 0},
        {ending == TENON_STAYS ? tenon_ending_descriptor() : -1, POLLIN, 0}};
    int count = FIXED_EVENTS;
    int patience;
    int ready;

    if (ending == TENON_STOPS) {
        return client_went(x);
    }
    note_progress(x);
    deadline = tenon_exchange_deadline(x);
    if (deadline != 0 && deadline <= apr_time_now()) {
        return tenon_exchange_timed_out(x);
    }
    patience = patience_of(x, deadline);
    if (is_unbegun(x)) {
        if (tenon_channel_stalls(x->pool, x->channel)) {
            /* It goes to another worker. A worker that turns again looks at the socket behind its
             * claim, and we at the claim behind this: one of us sees the other. */
            shutdown(x->channel->fd, SHUT_RDWR);
            return TENON_BROKEN;
        }
        if (patience < 0 || patience > UNBEGUN_SLICE_MS) {
            patience = UNBEGUN_SLICE_MS;
        }
    }
    if (wants_client(add_uploads(x, any, &count, &deadline))) {
        any[1].events = POLLIN;
    } else if (!c->master && !x->half_closed && !x->tunnel) {
        any[1].events = POLLRDHUP;
    }
    ready = poll(any, (nfds_t)count, patience);
    if (finishes) {
        leave_tunnel(x);
    }
    return ready <= 0 && !c->aborted ? TENON_GOING : judge_client(x, &any[1]);
}
