/* SPDX-License-Identifier: Apache-2.0
 *
 * The handler phase: gets a channel, has the exchange run on it, and decides what becomes of one
 * that breaks (P2, P3).
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <apr_atomic.h>
#include <apr_strings.h>
#include <unistd.h>

#include "ending.h"
#include "exchange.h"
#include "fallback.h"
#include "log.h"
#include "wire/exchange.h"

#define RETRY_PAUSE   apr_time_from_msec(20)
#define MOST_ATTEMPTS 64
#define RETRY_AFTER_S "1"

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
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                  "TN0009: " TENON_EXCHANGE_FORMAT "the worker ended %s: %s",
                  TENON_EXCHANGE_PREFIX(x),
                  x->answered ? "in the middle of its answer" : "while it worked on this request",
                  x->passed                 ? "the connection is aborted"
                  : x->deaths > 1           ? "502 (it had ended another worker before)"
                  : x->body_sent > x->eager ? "502 (its body cannot be sent again)"
                                            : "502 (not safe to run again)");
    return tenon_exchange_fail(x, HTTP_BAD_GATEWAY);
}

static tenon_outcome unavailable(tenon_exchange *x, tenon_acquired why)
{
    request_rec *r = x->r;
    if (why == TENON_QUEUE_FULL) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "TN0002: " TENON_EXCHANGE_FORMAT
                      "all workers are busy and the queue is full (TenonQueueLength %d): 503",
                      TENON_EXCHANGE_PREFIX(x), x->pool->queue_length);
    } else if (why == TENON_REFUSED) {
        ap_log_rerror(APLOG_MARK, APLOG_CRIT, 0, r,
                      "TN0016: " TENON_EXCHANGE_FORMAT
                      "a socket in %s is not owned by the user that httpd was started as: 503",
                      TENON_EXCHANGE_PREFIX(x), x->pool->path);
    } else {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "TN0017: " TENON_EXCHANGE_FORMAT
                      "no worker and no queue socket in %s for %d ms (TenonQueueTimeout): is the "
                      "supervisor running? 503",
                      TENON_EXCHANGE_PREFIX(x), x->pool->path, x->pool->queue_timeout);
    }
    return tenon_exchange_fail(x, HTTP_SERVICE_UNAVAILABLE);
}

/* Gets a channel. The supervisor may be on its way up: its sockets are waited for as for a worker.
 */
static tenon_outcome acquire(tenon_exchange *x)
{
    const apr_time_t deadline = x->began + apr_time_from_msec(x->pool->queue_timeout);
    for (;;) {
        const tenon_acquired got = tenon_channel_acquire(x->pool, x->avoid, &x->channel);
        if (got == TENON_ACQUIRED) {
            return TENON_GOING;
        }
        if (got != TENON_UNAVAILABLE || apr_time_now() >= deadline) {
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
    if (outcome == TENON_COMPLETE && x->descriptor < 0 && !x->tunnel && x->out_sent == 0 &&
        wire_reader_empty(&x->reader) && wire_exchange_idle(channel->state)) {
        tenon_channel_keep(x->pool, channel);
    } else {
        tenon_channel_close(channel);
    }
    tenon_file_drop(x);
}

/* Makes the exchange as new for another worker. */
static void begin_again(tenon_exchange *x, uint8_t *buffer)
{
    wire_reader_init(&x->reader, buffer, TENON_READ_BYTES);
    x->refused = 0;
    x->surplus = 0;
    x->asked = x->eager;
    x->out_size = x->out_sent = 0;
    x->heard = apr_time_now();
}

static tenon_outcome run(tenon_exchange *x)
{
    uint8_t buffer[TENON_READ_BYTES];
    tenon_outcome outcome = TENON_GOING;
    for (int attempt = 0; outcome == TENON_GOING; attempt++) {
        if (attempt == MOST_ATTEMPTS) {
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                          "TN0018: " TENON_EXCHANGE_FORMAT "%d workers did not begin this: 503",
                          TENON_EXCHANGE_PREFIX(x), attempt);
            return tenon_exchange_fail(x, HTTP_SERVICE_UNAVAILABLE);
        }
        begin_again(x, buffer);
        outcome = acquire(x);
        if (outcome != TENON_GOING) {
            break;
        }
        outcome = tenon_exchange_converse(x);
        if (outcome == TENON_BROKEN) {
            outcome = judge(x);
            release(x, TENON_BROKEN);
            continue;
        }
        if (outcome == TENON_CLIENT_GONE) {
            tenon_exchange_send_abort(x, WIRE_ERROR_CLIENT_GONE);
        }
        release(x, outcome);
        if (outcome == TENON_COMPLETE) {
            outcome = tenon_response_finish(x);
        }
    }
    return outcome;
}

/* The id of a request in logs and in the application: mod_unique_id's, httpd's own, or one of ours.
 */
static const char *id_of(request_rec *r)
{
    static apr_uint32_t count;
    const char *id = apr_table_get(r->subprocess_env, "UNIQUE_ID");
    if (!id) {
        id = r->log_id;
    }
    return id ? id
              : apr_psprintf(r->pool, "%lx%05lx%06x",
                             (unsigned long)(r->request_time / APR_USEC_PER_SEC),
                             (unsigned long)getpid(), apr_atomic_inc32(&count) & 0xffffff);
}

static int finish(tenon_exchange *x, tenon_outcome outcome)
{
    request_rec *r = x->r;
    if (outcome == TENON_FAILED && x->passed) {
        tenon_response_truncate(x);
        return OK;
    }
    if (outcome == TENON_FAILED && x->destroyed) {
        tenon_response_drop(x);
        return OK;
    }
    if (outcome == TENON_FAILED) {
        apr_table_clear(r->headers_out);
        r->status = HTTP_OK;
        r->status_line = NULL;
        if (x->status == HTTP_SERVICE_UNAVAILABLE) {
            apr_table_setn(r->err_headers_out, "Retry-After", RETRY_AFTER_S);
        }
        return x->status;
    }
    if (outcome == TENON_CLIENT_GONE) {
        ap_log_rerror(APLOG_MARK, APLOG_DEBUG, 0, r,
                      "TN0019: " TENON_EXCHANGE_FORMAT "the client has gone away",
                      TENON_EXCHANGE_PREFIX(x));
    }
    return OK;
}

/* What httpd guessed from the name in the target says nothing of an application's answer: /a.tar.gz
 * would be declared gzipped. */
static void forget_file(request_rec *r)
{
    r->content_type = NULL;
    r->content_encoding = NULL;
    r->content_languages = NULL;
}

static int handle(request_rec *r)
{
    tenon_exchange x = {.r = r, .descriptor = -1};
    int status;
    if (!tenon_config_is_handler(r->handler)) {
        return DECLINED;
    }
    x.pool = tenon_config_pool(r->handler + sizeof(TENON_HANDLER_PREFIX) - 1, r->pool);
    if (!x.pool) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "TN0001: there is no pool for the handler '%s': add a section <TenonPool %s>",
                      r->handler, r->handler + sizeof(TENON_HANDLER_PREFIX) - 1);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    forget_file(r);
    x.id = id_of(r);
    x.began = apr_time_now();
    x.output = apr_brigade_create(r->pool, r->connection->bucket_alloc);
    status = tenon_request_prepare(&x);
    return status != OK ? status : finish(&x, run(&x));
}

static int handle_path(request_rec *r)
{
    return tenon_fallback_takes_path(r) ? handle(r) : DECLINED;
}

void tenon_handler_register(void)
{
    tenon_file_register();
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handle_path, NULL, NULL, APR_HOOK_LAST);
    ap_hook_child_init(tenon_channel_child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
