/* SPDX-License-Identifier: Apache-2.0
 *
 * httpd's hooks -> the hooks of TypeScript that the configuration has for them. WIRE_PHASES is the
 * list: a row's kind says how its hooks are chained, REGISTER_ and its name how httpd has it.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <ap_expr.h>

#include "exchange/exchange.h"
#include "config/location.h"
#include "log.h"
#include "config/override.h"
#include "phases/phases.h"
#include "records/records.h"

static int is_hooked(const request_rec *r, wire_phase phase)
{
    return (int)(tenon_location_of(r)->hooked >> phase & 1);
}

int tenon_phase_applies(request_rec *r, const tenon_hook *hook, tenon_answer *answer)
{
    const char *error = NULL;
    int result;
    if (hook->htaccess && !tenon_override_permits(r, hook->pool_name)) {
        /* Of a request that is refused for it: no phase of the refusal is its either. */
        return 0;
    }
    if (!hook->when) {
        return 1;
    }
    result = ap_expr_exec(r, hook->when, &error);
    if (!error) {
        return result;
    }
    answer->failed = 1;
    answer->code = tenon_exchange_failure(r, hook, HTTP_INTERNAL_SERVER_ERROR);
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  "TN0071: [%s -1 #%s] %s %s: when= of line %d of %s cannot be evaluated: %s",
                  hook->pool_name, tenon_request_of(r)->origin->id,
                  tenon_hook_phase_name(hook->phase), hook->export, hook->line, hook->file, error);
    return 0;
}

/* The internal redirect that a hook has asked for: in place of the handler, or of all that is left
 * when the hook says DONE. */
static int redirect(request_rec *r)
{
    const char *uri = apr_table_get(r->notes, TENON_REDIRECT_NOTE);
    if (!uri) {
        return DECLINED;
    }
    apr_table_unset(r->notes, TENON_REDIRECT_NOTE);
    ap_internal_redirect(uri, r);
    return OK;
}

/* httpd calls any status from a hook an error: one below 300 is an answer without a body. */
static int end_with_status(request_rec *r, wire_phase phase, int status)
{
    if (!tenon_phase_may_answer(r, phase)) {
        return HTTP_FORBIDDEN;
    }
    r->status = status;
    tenon_request_of(r)->ended = 1;
    return DONE;
}

/* Who is refused for want of a user is told how to say who it is, by AuthType, as of httpd's own
 * modules; unless the hook has said it. */
static void note_auth_failure(request_rec *r)
{
    static const char *const headers[] = {"WWW-Authenticate", "Proxy-Authenticate"};
    for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
        if (apr_table_get(r->err_headers_out, headers[i])) {
            return;
        }
    }
    if (ap_auth_type(r)) {
        ap_note_auth_failure(r);
    }
}

/* What a phase returns to httpd for a hook's answer. */
static int conclude(request_rec *r, wire_phase phase, const tenon_answer *answer)
{
    int code = answer->code;
    if (code == DONE && answer->status) {
        code = answer->status < HTTP_MULTIPLE_CHOICES ? end_with_status(r, phase, answer->status)
                                                      : answer->status;
    } else if (code > 0 && code < HTTP_MULTIPLE_CHOICES) {
        code = end_with_status(r, phase, code);
    }
    if (code == HTTP_UNAUTHORIZED && phase != WIRE_PHASE_NOTE_AUTH_FAILURE) {
        note_auth_failure(r);
    }
    if (code == DONE && !tenon_request_of(r)->ended && tenon_phase_may_answer(r, phase)) {
        tenon_request_of(r)->ended = redirect(r) == OK;
    }
    return code;
}

/* Asks the hooks of a phase as httpd calls modules: to the first that does not decline, or (`all`)
 * that neither declines nor agrees. */
static int run_chain(request_rec *r, wire_phase phase, tenon_order order, int all)
{
    const apr_array_header_t *hooks = tenon_location_of(r)->hooks;
    int result = DECLINED;
    for (int i = 0; i < hooks->nelts && (result == DECLINED || (all && result == OK)); i++) {
        const tenon_hook *hook = APR_ARRAY_IDX(hooks, i, const tenon_hook *);
        tenon_answer answer = {.code = DECLINED};
        int code;
        if (hook->phase != phase || hook->order != order) {
            continue;
        }
        if (tenon_phase_applies(r, hook, &answer)) {
            tenon_phase_ask(r, hook, NULL, &answer);
        }
        code = conclude(r, phase, &answer);
        result = code == DECLINED ? result : code;
    }
    return result;
}

/* httpd goes on whatever these phases return: what they say is said by the next one. */
static int leave_verdict(request_rec *r, int code, int otherwise)
{
    if (code == OK || code == DECLINED) {
        return code;
    }
    tenon_request_of(r)->verdict = code;
    return otherwise;
}

static int give_verdict(request_rec *r)
{
    const tenon_request *request = tenon_request_known(r);
    return request && request->verdict ? request->verdict : DECLINED;
}

/* What a phase's chain came to, in the words that httpd understands there. */
static int say(request_rec *r, wire_phase phase, int code)
{
    switch (phase) {
    case WIRE_PHASE_PRE_TRANSLATE_NAME:
        /* DONE is httpd's own word there: the path is decoded. */
        return code == DONE && !tenon_request_of(r)->ended ? code : leave_verdict(r, code, DONE);
    case WIRE_PHASE_FORCE_AUTHN:
        /* Who fails to say whether a user is needed has refused. */
        return leave_verdict(r, code, OK);
    case WIRE_PHASE_QUICK_HANDLER:
        /* For a subrequest httpd knows no other word. */
        return code == DONE ? OK : code;
    case WIRE_PHASE_POST_READ_REQUEST:
        if (code != OK && code != DECLINED) {
            tenon_phase_close(r);
        }
        return code;
    default:
        return code;
    }
}

/* No hook of the log phase is waited for. */
static int run_log(request_rec *r, tenon_order order)
{
    const apr_array_header_t *hooks = tenon_location_of(r)->hooks;
    for (int i = 0; i < hooks->nelts; i++) {
        const tenon_hook *hook = APR_ARRAY_IDX(hooks, i, const tenon_hook *);
        tenon_answer answer;
        if (hook->phase == WIRE_PHASE_LOG_TRANSACTION && hook->order == order &&
            tenon_phase_applies(r, hook, &answer)) {
            tenon_record_add(r, hook);
        }
    }
    return OK;
}

static int run_all(request_rec *r, wire_phase phase, tenon_order order)
{
    if (phase == WIRE_PHASE_LOG_TRANSACTION) {
        return run_log(r, order);
    }
    return say(r, phase, run_chain(r, phase, order, 1));
}

static int run_first(request_rec *r, wire_phase phase, tenon_order order)
{
    return say(r, phase, run_chain(r, phase, order, 0));
}

/* httpd asks these of requests, too, that it could not read, and of answers that a phase has
 * begun: no worker can be waited for while another is listened to. */
static int run_void(request_rec *r, wire_phase phase, tenon_order order)
{
    return r->uri && !tenon_request_of(r)->ended ? run_chain(r, phase, order, 1) : DECLINED;
}

/* clang-format off */

/* The function of a phase that httpd calls, one for each place in the order. */
#define ORDERED(type, give, run, name, order)                                                       \
    static type name##_##order(request_rec *r)                                                      \
    {                                                                                               \
        give(is_hooked(r, WIRE_PHASE_##name) ? run(r, WIRE_PHASE_##name, TENON_##order) : DECLINED); \
    }
#define EACH_ORDER(type, give, run, name)                                                           \
    ORDERED(type, give, run, name, EARLY)                                                           \
    ORDERED(type, give, run, name, MIDDLE)                                                          \
    ORDERED(type, give, run, name, LATE)

/* By the kind of a phase's row. What is no hook of httpd is registered elsewhere. */
#define DEFINE_RUN_ALL(name)   EACH_ORDER(int, return, run_all, name)
#define DEFINE_RUN_FIRST(name) EACH_ORDER(int, return, run_first, name)
#define DEFINE_VOID(name)      EACH_ORDER(void, (void), run_void, name)
#define DEFINE_PROVIDER(name)
#define DEFINE_FILTER(name)
#define DEFINE_MAP(name)

#define WIRE_ROW(name, value, kind, context, on_error, meaning) DEFINE_##kind(name)
WIRE_PHASES(WIRE_ROW)
#undef WIRE_ROW

/* Two that httpd gives something beside the request. What a subrequest will be is not known when it is
 * looked up; the type of an authentication is in the request's configuration. */
#define LOOKED_UP(order)                                                                            \
    static int quick_handler_##order(request_rec *r, int lookup)                                    \
    {                                                                                               \
        return lookup ? DECLINED : QUICK_HANDLER_##order(r);                                        \
    }
#define TYPED(order)                                                                                \
    static int note_auth_failure_##order(request_rec *r, const char *type)                          \
    {                                                                                               \
        (void)type;                                                                                 \
        return NOTE_AUTH_FAILURE_##order(r);                                                        \
    }
LOOKED_UP(EARLY) LOOKED_UP(MIDDLE) LOOKED_UP(LATE)
TYPED(EARLY) TYPED(MIDDLE) TYPED(LATE)

/* How httpd has each phase. */
#define HOOK(name, function, order)     ap_hook_##name(function, NULL, NULL, order)
#define PER_CONF(name, function, order) ap_hook_##name(function, NULL, NULL, order, AP_AUTH_INTERNAL_PER_CONF)

#define REGISTER_HANDLER(at, order)             HOOK(handler, HANDLER_##at, order)
#define REGISTER_QUICK_HANDLER(at, order)       HOOK(quick_handler, quick_handler_##at, order)
#define REGISTER_POST_READ_REQUEST(at, order)   ap_hook_post_read_request(POST_READ_REQUEST_##at, behind_id, NULL, order)
#define REGISTER_PRE_TRANSLATE_NAME(at, order)  HOOK(pre_translate_name, PRE_TRANSLATE_NAME_##at, order)
#define REGISTER_TRANSLATE_NAME(at, order)      HOOK(translate_name, TRANSLATE_NAME_##at, order)
#define REGISTER_MAP_TO_STORAGE(at, order)      HOOK(map_to_storage, MAP_TO_STORAGE_##at, order)
#define REGISTER_POST_PERDIR_CONFIG(at, order)  HOOK(post_perdir_config, POST_PERDIR_CONFIG_##at, order)
#define REGISTER_HEADER_PARSER(at, order)       HOOK(header_parser, HEADER_PARSER_##at, order)
#define REGISTER_ACCESS_CHECKER(at, order)      PER_CONF(check_access, ACCESS_CHECKER_##at, order)
#define REGISTER_ACCESS_CHECKER_EX(at, order)   PER_CONF(check_access_ex, ACCESS_CHECKER_EX_##at, order)
#define REGISTER_FORCE_AUTHN(at, order)         HOOK(force_authn, FORCE_AUTHN_##at, order)
#define REGISTER_CHECK_USER_ID(at, order)       PER_CONF(check_authn, CHECK_USER_ID_##at, order)
#define REGISTER_AUTH_CHECKER(at, order)        PER_CONF(check_authz, AUTH_CHECKER_##at, order)
#define REGISTER_TYPE_CHECKER(at, order)        HOOK(type_checker, TYPE_CHECKER_##at, order)
#define REGISTER_FIXUPS(at, order)              HOOK(fixups, FIXUPS_##at, order)
#define REGISTER_INSERT_FILTER(at, order)       HOOK(insert_filter, INSERT_FILTER_##at, order)
#define REGISTER_INSERT_ERROR_FILTER(at, order) HOOK(insert_error_filter, INSERT_ERROR_FILTER_##at, order)
#define REGISTER_NOTE_AUTH_FAILURE(at, order)   HOOK(note_auth_failure, note_auth_failure_##at, order)
#define REGISTER_LOG_TRANSACTION(at, order)     HOOK(log_transaction, LOG_TRANSACTION_##at, order)

#define IN_EACH_ORDER(name)              \
    REGISTER_##name(EARLY, APR_HOOK_FIRST);   \
    REGISTER_##name(MIDDLE, APR_HOOK_MIDDLE); \
    REGISTER_##name(LATE, APR_HOOK_LAST);
#define ENTER_RUN_ALL(name)   IN_EACH_ORDER(name)
#define ENTER_RUN_FIRST(name) IN_EACH_ORDER(name)
#define ENTER_VOID(name)      IN_EACH_ORDER(name)
#define ENTER_PROVIDER(name)
#define ENTER_FILTER(name)
#define ENTER_MAP(name)

void tenon_phases_register(void)
{
    /* Its id is the request's from the first hook on. */
    static const char *const behind_id[] = {"mod_unique_id.c", NULL};
#define WIRE_ROW(name, value, kind, context, on_error, meaning) ENTER_##kind(name)
    WIRE_PHASES(WIRE_ROW)
#undef WIRE_ROW
    ap_hook_translate_name(give_verdict, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_check_authn(give_verdict, NULL, NULL, APR_HOOK_REALLY_FIRST, AP_AUTH_INTERNAL_PER_CONF);
    ap_hook_handler(redirect, NULL, NULL, APR_HOOK_REALLY_FIRST);
}

/* clang-format on */
