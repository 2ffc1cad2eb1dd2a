/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs an exchange: gets a channel, has the exchange run on it, and decides what becomes of one
 * that breaks (P2, P3).
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <apr_strings.h>

#include "config/location.h"
#include "counts.h"
#include "exchange/ending.h"
#include "exchange/exchange.h"
#include "log.h"
#include "wire/exchange.h"

#define RETRY_PAUSE   apr_time_from_msec(20)
#define MOST_ATTEMPTS 64
#define RETRY_AFTER_S "1"

void tenon_exchange_init(tenon_exchange *x)
{
    request_rec *r = x->r;
    x->request = tenon_request_of(r);
    x->began = apr_time_now();
    x->output = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    x->descriptor = -1;
    x->noted = WIRE_LENGTH_UNKNOWN;
}

void tenon_exchange_use_pool_limits(tenon_exchange *x)
{
    const int here = tenon_location_of(x->r)->request_timeout;
    x->queue_limit = (tenon_limit){x->pool->queue_timeout, "TenonQueueTimeout"};
    x->answer_limit = (tenon_limit){here ? here : x->pool->request_timeout, "TenonRequestTimeout"};
}

const char *tenon_exchange_consequence(const tenon_exchange *x, int status)
{
    if (x->passed) {
        return "the connection is aborted";
    }
    if (x->hook && x->hook->on_error == OK && tenon_hook_is_provider(x->hook->phase)) {
        return "denied";
    }
    if (!x->hook || x->hook->on_error == OK) {
        return apr_itoa(x->r->pool, status);
    }
    if (x->hook->on_error == DECLINED && x->filter && (x->answered || x->body_sent > x->eager)) {
        return apr_itoa(x->r->pool, status);
    }
    return x->hook->on_error == DECLINED
               ? "passed over (on-error)"
               : apr_psprintf(x->r->pool, "%d (on-error)", x->hook->on_error);
}

static int is_idempotent(const request_rec *r)
{
    switch (r->method_number) {
    case M_GET: /* and HEAD */
    case M_PUT:
    case M_DELETE:
    case M_OPTIONS:
    case M_TRACE:
        return 1;
    default:
        return 0;
    }
}

/* What becomes of an exchange whose channel broke: GOING to try again, else its end. */
static tenon_outcome judge(tenon_exchange *x)
{
    const tenon_channel *channel = x->channel;
    const int begun = !x->refused && tenon_channel_claimed(channel) == WIRE_CLAIM_BEGUN;
    if (channel->slot >= 0 && channel->slot < 64) {
        x->avoid |= (uint64_t)1 << channel->slot;
    }
    /* What was sent beyond the eager part is not kept: a worker that asked for it has begun,
     * whatever it says. */
    if (!begun && !x->answered && x->body_sent == x->eager) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, x->r,
                      "TN0014: " TENON_EXCHANGE_FORMAT "not begun there: goes to another worker",
                      TENON_EXCHANGE_PREFIX(x));
        return TENON_GOING;
    }
    x->deaths++;
    if (!x->answered && x->deaths == 1 && is_idempotent(x->r) && x->body_sent == x->eager) {
        ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, x->r,
                      "TN0015: " TENON_EXCHANGE_FORMAT
                      "the worker ended while it worked on this: run again on another worker",
                      TENON_EXCHANGE_PREFIX(x));
        return TENON_GOING;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r, "TN0009: " TENON_EXCHANGE_FORMAT "%s %s (%s): %s",
                  TENON_EXCHANGE_PREFIX(x), tenon_exchange_ended(x),
                  x->answered ? "in the middle of its answer" : "while it worked on this request",
                  x->deaths > 1             ? "another had ended before"
                  : x->body_sent > x->eager ? "the body cannot be sent again"
                  : x->answered             ? "an answer cannot be begun again"
                                            : "not safe to run again",
                  tenon_exchange_consequence(x, HTTP_BAD_GATEWAY));
    return tenon_exchange_fail(x, HTTP_BAD_GATEWAY);
}

static tenon_outcome unavailable(tenon_exchange *x, tenon_acquired why)
{
    request_rec *r = x->r;
    const char *consequence = tenon_exchange_consequence(x, HTTP_SERVICE_UNAVAILABLE);
    if (why == TENON_SHUT) {
        return tenon_breaker_refuse(x);
    }
    if (why == TENON_QUEUE_FULL) {
        tenon_count_pool(x->pool, TENON_COUNT_QUEUE_FULL);
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "TN0002: " TENON_EXCHANGE_FORMAT
                      "all workers are busy and the queue is full (TenonQueueLength %d): %s",
                      TENON_EXCHANGE_PREFIX(x), x->pool->queue_length, consequence);
    } else if (why == TENON_REFUSED) {
        ap_log_rerror(APLOG_MARK, APLOG_CRIT, 0, r,
                      "TN0016: " TENON_EXCHANGE_FORMAT
                      "a socket in %s is not owned by the user that httpd was started as: %s",
                      TENON_EXCHANGE_PREFIX(x), x->pool->path, consequence);
    } else if (why == TENON_EXHAUSTED) {
        ap_log_rerror(APLOG_MARK, APLOG_CRIT, 0, r,
                      "TN0064: " TENON_EXCHANGE_FORMAT
                      "this process of httpd had no descriptor for a channel for %d ms (%s): raise "
                      "its limit of open files (ulimit -n, LimitNOFILE): %s",
                      TENON_EXCHANGE_PREFIX(x), x->queue_limit.ms, x->queue_limit.name,
                      consequence);
    } else {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "TN0017: " TENON_EXCHANGE_FORMAT
                      "no worker and no queue socket in %s for %d ms (%s): is the supervisor "
                      "running? %s",
                      TENON_EXCHANGE_PREFIX(x), x->pool->path, x->queue_limit.ms,
                      x->queue_limit.name, consequence);
    }
    return tenon_exchange_fail(x, HTTP_SERVICE_UNAVAILABLE);
}

/* Gets a channel. The supervisor may be on its way up: its sockets are waited for as for a worker.
 */
static tenon_outcome acquire(tenon_exchange *x)
{
    const tenon_place *place = tenon_request_place(x->request, x->pool);
    const tenon_worker preferred = place ? place->worker : (tenon_worker){-1, 0};
    const apr_time_t deadline = x->began + apr_time_from_msec(x->queue_limit.ms);
    for (;;) {
        const tenon_acquired got = tenon_channel_acquire(x->pool, preferred, x->avoid, &x->channel);
        if (got == TENON_ACQUIRED) {
            return TENON_GOING;
        }
        const int may_come = got == TENON_UNAVAILABLE || got == TENON_EXHAUSTED;
        if (!may_come || apr_time_now() >= deadline) {
            return unavailable(x, got);
        }
        if (x->r->connection->aborted || tenon_ending_now() == TENON_STOPS) {
            return TENON_CLIENT_GONE;
        }
        apr_sleep(RETRY_PAUSE);
    }
}

/* Gives the channel back when the exchange ended well, else closes it. */
static void release(tenon_exchange *x, tenon_outcome outcome)
{
    tenon_channel *channel = x->channel;
    x->channel = NULL;
    if (outcome == TENON_COMPLETE) {
        tenon_threads_answered(x->pool);
    }
    if (x->hook && outcome == TENON_COMPLETE) {
        tenon_request_ran(x->r, x->pool, channel, x->answer && x->answer->stated);
    } else if (!x->hook) {
        x->request->served =
            (tenon_place){x->pool, {.slot = channel->slot, .incarnation = channel->incarnation}, 0};
    }
    if (outcome == TENON_COMPLETE && x->descriptor < 0 && !x->tunnel && x->out_sent == 0 &&
        wire_reader_empty(&x->reader) && wire_exchange_idle(channel->state)) {
        tenon_channel_keep(x->pool, channel);
    } else {
        tenon_channel_close(channel);
    }
    tenon_file_drop(x);
}

/* Makes the exchange as new for another worker. */
static void begin_again(tenon_exchange *x)
{
    wire_reader_init(&x->reader, x->buffer, x->buffer_size);
    x->changes = NULL;
    x->applied = 0;
    x->refused = 0;
    x->surplus = 0;
    x->asked = x->eager;
    x->out_size = x->out_sent = 0;
    x->heard = apr_time_now();
}

/* The pool has its share of httpd's threads. */
static tenon_outcome no_thread(tenon_exchange *x)
{
    tenon_count_pool(x->pool, TENON_COUNT_NO_THREAD);
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                  "TN0060: " TENON_EXCHANGE_FORMAT
                  "the pool holds %d threads of httpd, its share now (TenonThreads): %s",
                  TENON_EXCHANGE_PREFIX(x), x->hold.most,
                  tenon_exchange_consequence(x, HTTP_SERVICE_UNAVAILABLE));
    return tenon_exchange_fail(x, HTTP_SERVICE_UNAVAILABLE);
}

/* Gets a worker and sends it the head. */
static tenon_outcome begin(tenon_exchange *x)
{
    tenon_outcome outcome;
    if (x->attempts == 0 && !tenon_threads_take(&x->request->origin->holds, &x->hold, x->pool,
                                                x->r->connection->master != NULL)) {
        return no_thread(x);
    }
    if (x->attempts++ == MOST_ATTEMPTS) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                      "TN0018: " TENON_EXCHANGE_FORMAT "%d workers did not begin this: %s",
                      TENON_EXCHANGE_PREFIX(x), MOST_ATTEMPTS,
                      tenon_exchange_consequence(x, HTTP_SERVICE_UNAVAILABLE));
        return tenon_exchange_fail(x, HTTP_SERVICE_UNAVAILABLE);
    }
    begin_again(x);
    outcome = acquire(x);
    return outcome == TENON_GOING ? tenon_exchange_send_head(x) : outcome;
}

/* Ends an attempt whose channel did not break. */
static tenon_outcome end(tenon_exchange *x, tenon_outcome outcome)
{
    if (!x->channel) {
        return outcome;
    }
    if (outcome == TENON_CLIENT_GONE) {
        tenon_exchange_send_abort(x, WIRE_ERROR_CLIENT_GONE);
    }
    release(x, outcome);
    return outcome == TENON_COMPLETE && x->answered && !tenon_exchange_uploads(x)
               ? tenon_response_finish(x)
               : outcome;
}

int tenon_exchange_uploads(const tenon_exchange *x)
{
    return x->filter && !x->content;
}

static tenon_outcome go_on(tenon_exchange *x, tenon_outcome (*converse)(tenon_exchange *x))
{
    for (;;) {
        tenon_outcome outcome = x->channel ? TENON_GOING : begin(x);
        if (outcome == TENON_GOING) {
            outcome = converse(x);
        }
        if (outcome == TENON_GOING) {
            return outcome;
        }
        if (outcome != TENON_BROKEN) {
            return end(x, outcome);
        }
        outcome = judge(x);
        release(x, TENON_BROKEN);
        if (outcome != TENON_GOING) {
            return outcome;
        }
    }
}

tenon_outcome tenon_exchange_go_on(tenon_exchange *x, tenon_outcome (*converse)(tenon_exchange *x))
{
    const tenon_outcome outcome = go_on(x, converse);
    if (outcome != TENON_GOING) {
        tenon_threads_give(&x->request->origin->holds, &x->hold);
    }
    return outcome;
}

void tenon_exchange_leave(tenon_exchange *x)
{
    if (x->channel) {
        tenon_exchange_send_abort(x, WIRE_ERROR_CLIENT_GONE);
        release(x, TENON_CLIENT_GONE);
    }
    tenon_threads_give(&x->request->origin->holds, &x->hold);
}

/* Apart, so that a hook's stack is as small as its buffer. */
static __attribute__((noinline)) tenon_outcome run_handler(tenon_exchange *x)
{
    uint8_t buffer[TENON_READ_BYTES];
    x->buffer = buffer;
    x->buffer_size = sizeof(buffer);
    return tenon_exchange_go_on(x, tenon_exchange_converse);
}

static __attribute__((noinline)) tenon_outcome run_hook(tenon_exchange *x)
{
    uint8_t buffer[TENON_HOOK_READ_BYTES];
    x->buffer = buffer;
    x->buffer_size = sizeof(buffer);
    return tenon_exchange_go_on(x, tenon_exchange_converse);
}

tenon_outcome tenon_exchange_run(tenon_exchange *x)
{
    return x->hook && x->hook->phase != WIRE_PHASE_HANDLER ? run_hook(x) : run_handler(x);
}

int tenon_exchange_failure(request_rec *r, const tenon_hook *hook, int status)
{
    const int code = hook && hook->on_error != OK ? hook->on_error : status;
    if (code == HTTP_SERVICE_UNAVAILABLE) {
        if (!apr_table_get(r->err_headers_out, "Retry-After")) {
            apr_table_setn(r->err_headers_out, "Retry-After", RETRY_AFTER_S);
        }
    }
    return code;
}

static int fail(tenon_exchange *x)
{
    request_rec *r = x->r;
    if (!x->hook || x->answered) {
        apr_table_clear(r->headers_out);
        r->status = HTTP_OK;
        r->status_line = NULL;
    }
    return tenon_exchange_failure(r, x->hook, x->status);
}

int tenon_exchange_finish(tenon_exchange *x, tenon_outcome outcome)
{
    if (outcome == TENON_FAILED && x->passed) {
        tenon_response_truncate(x);
    } else if (outcome == TENON_FAILED && x->destroyed) {
        tenon_response_drop(x);
    } else if (outcome == TENON_FAILED) {
        return fail(x);
    } else if (outcome == TENON_CLIENT_GONE) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, x->r,
                      "TN0019: " TENON_EXCHANGE_FORMAT "the client has gone away",
                      TENON_EXCHANGE_PREFIX(x));
    }
    return OK;
}
