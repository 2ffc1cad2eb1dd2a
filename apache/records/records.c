/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <unixd.h>
#include <apr_strings.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exchange/exchange.h"
#include "log.h"
#include "phases/phases.h"
#include "records/records.h"
#include "records/sender.h"

#define FORGET_BYTES 512

/* Puts a record for a worker, or what became of it as a wire error negated, where the sender finds
 * it. */
static void keep(request_rec *r, tenon_pool *pool, tenon_worker worker, const uint8_t *frame,
                 int size, int lasting)
{
    const tenon_request *request = tenon_request_of(r);
    const int may_wait = pool->log_overflow == TENON_LOG_WAIT;
    tenon_hold hold = {0};
    int wake;
    if (size < 0) {
        ap_log_rerror(
            APLOG_MARK, APLOG_ERR, 0, r,
            "TN0122: [%s -1 #%s] log_transaction: the request does not fit into a record: "
            "%s (%s)",
            pool->name, request->origin->id, wire_error_meaning(-size), wire_error_name(-size));
        return;
    }
    tenon_sender_start();
    wake = tenon_spool_append(pool->spool, worker, frame, (size_t)size, lasting,
                              may_wait ? TENON_SPOOL_TELLS : TENON_SPOOL_DROPS);
    if (wake < 0) {
        /* A thread that waits for the pool is one that the pool holds. */
        const int held =
            tenon_threads_take(&request->origin->holds, &hold, pool, r->connection->master != NULL);
        wake = tenon_spool_append(pool->spool, worker, frame, (size_t)size, lasting,
                                  held ? TENON_SPOOL_WAITS : TENON_SPOOL_DROPS);
        tenon_threads_give(&request->origin->holds, &hold);
    }
    if (wake) {
        tenon_sender_wake();
    }
}

/* What the client asked for is told by the first of a chain of internal redirects, what it got by
 * the last, as mod_log_config does. */
static request_rec *last_of(request_rec *r)
{
    while (r->next) {
        r = r->next;
    }
    return r;
}

void tenon_record_add(request_rec *r, const tenon_hook *hook)
{
    request_rec *last = last_of(r);
    const tenon_place *place = tenon_request_place(tenon_request_of(r), hook->pool);
    const tenon_worker any = {-1, 0};
    const tenon_request_head head = {
        .phase = WIRE_PHASE_LOG_TRANSACTION,
        .export = hook->export,
        .flags = WIRE_FLAG_END,
        .entries = tenon_view_of(last, hook, NULL),
    };
    char *user = r->user;
    char *type = r->ap_auth_type;
    uint8_t *frame = NULL;
    int size;
    r->user = last->user;
    r->ap_auth_type = last->ap_auth_type;
    size = tenon_request_encode(r, &head, 0, &frame);
    r->user = user;
    r->ap_auth_type = type;
    keep(r, hook->pool, place && place->stated ? place->worker : any, frame, size, 1);
}

/* Has the workers that hold state of a request let go of it, behind its records. */
static int forget_state(request_rec *r)
{
    const tenon_request *request = tenon_request_known(r);
    const apr_array_header_t *places = request ? request->origin->places : NULL;
    for (int i = 0; places && i < places->nelts; i++) {
        const tenon_place *place = &APR_ARRAY_IDX(places, i, tenon_place);
        const char *id = request->origin->id;
        uint8_t frame[FORGET_BYTES];
        wire_writer writer = {.buffer = frame, .capacity = sizeof(frame)};
        if (!place->stated) {
            continue;
        }
        wire_request_begin(&writer, WIRE_PHASE_LOG_TRANSACTION, 0, 0);
        wire_write_fact(&writer, WIRE_FACT_REQUEST_ID, id, strlen(id));
        /* What a child that ends cannot tell any more, the worker drops by its age. */
        keep(r, place->pool, place->worker, frame,
             wire_request_finish(&writer, WIRE_FLAG_END, 1, 0), 0);
    }
    return OK;
}

/* Makes the directory of all spools for httpd's children, or sees that it is one. 0, or -1 with
 * errno. */
static int make_root(const char *path)
{
    const uid_t user = geteuid() == 0 ? ap_unixd_config.user_id : geteuid();
    const gid_t group = geteuid() == 0 ? ap_unixd_config.group_id : getegid();
    struct stat info;
    if (mkdir(path, 0700) == 0) {
        return user == geteuid() ? 0 : lchown(path, user, group);
    }
    if (errno != EEXIST || lstat(path, &info) != 0) {
        return -1;
    }
    if (!S_ISDIR(info.st_mode) || info.st_uid != user) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

static int post_config(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp, server_rec *s)
{
    (void)p;
    (void)log_pool;
    if (tenon_configuration->pools->nelts == 0 ||
        ap_state_query(AP_SQ_MAIN_STATE) == AP_SQ_MS_CREATE_PRE_CONFIG ||
        ap_state_query(AP_SQ_RUN_MODE) == AP_SQ_RM_CONFIG_TEST) {
        return OK;
    }
    if (make_root(tenon_spool_root(temp)) != 0) {
        ap_log_error(
            APLOG_MARK, APLOG_CRIT, errno, s,
            "TN0123: cannot make the directory %s for log records, or it is not the User's "
            "of httpd: remove it",
            tenon_spool_root(temp));
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    return OK;
}

void tenon_records_register(void)
{
    /* Behind what makes the runtime directory, and the channels. */
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_log_transaction(forget_state, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_child_init(tenon_sender_child_init, NULL, NULL, APR_HOOK_LAST);
}
