/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_request.h>
#include <unixd.h>
#include <apr_strings.h>
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "exchange.h"
#include "log.h"
#include "phases.h"
#include "records.h"
#include "sender.h"

static void keep(request_rec *r, tenon_pool *pool, const tenon_place *place,
                 const tenon_request_head *head)
{
    const tenon_worker none = {-1, 0};
    uint8_t *frame;
    const int size = tenon_request_encode(r, head, 0, &frame);
    if (size < 0) {
        ap_log_rerror(
            APLOG_MARK, APLOG_ERR, 0, r,
            "TN0122: [%s -1 #%s] log_transaction: the request does not fit into a record: "
            "%s (%s)",
            pool->name, tenon_request_of(r)->origin->id, wire_error_meaning(-size),
            wire_error_name(-size));
        return;
    }
    tenon_sender_start();
    if (tenon_spool_append(pool->spool, place && place->stated ? place->worker : none, frame,
                           (size_t)size)) {
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
    const tenon_place *place = tenon_request_place(tenon_request_of(r), hook->pool);
    const tenon_request_head head = {
        .phase = WIRE_PHASE_LOG_TRANSACTION,
        .export = hook->export,
        .flags = WIRE_FLAG_END,
        .entries = tenon_view_of(last_of(r), hook, NULL),
    };
    keep(r, hook->pool, place, &head);
}

void tenon_record_forget(request_rec *r)
{
    const tenon_request *request = tenon_request_known(r);
    const tenon_request_head head = {.phase = WIRE_PHASE_LOG_TRANSACTION, .flags = WIRE_FLAG_END};
    const apr_array_header_t *places = request ? request->origin->places : NULL;
    for (int i = 0; places && i < places->nelts; i++) {
        const tenon_place *place = &APR_ARRAY_IDX(places, i, tenon_place);
        if (place->stated) {
            keep(r, place->pool, place, &head);
        }
    }
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
    /* Behind what makes the runtime directory. */
    ap_hook_post_config(post_config, NULL, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_child_init(tenon_sender_child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
