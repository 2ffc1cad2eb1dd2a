/* SPDX-License-Identifier: Apache-2.0
 *
 * Asks one hook: its exchange, and what counts when that fails.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <apr_strings.h>

#include "decisions/decisions.h"
#include "counts.h"
#include "exchange/exchange.h"
#include "log.h"
#include "maintenance.h"
#include "phases/phases.h"

#define HOOK_LIMIT "timeout of the hook"

/* Whether a Response may be the client's answer. What a subrequest is looked up for is decided by
 * its status alone; it runs in two phases only. */
int tenon_phase_may_answer(const request_rec *r, wire_phase phase)
{
    switch (phase) {
    case WIRE_PHASE_HANDLER:
    case WIRE_PHASE_QUICK_HANDLER:
        return 1;
    case WIRE_PHASE_INSERT_FILTER:
    case WIRE_PHASE_INSERT_ERROR_FILTER:
    case WIRE_PHASE_NOTE_AUTH_FAILURE:
    case WIRE_PHASE_CHECK_PASSWORD:
    case WIRE_PHASE_GET_REALM_HASH:
    case WIRE_PHASE_CHECK_AUTHORIZATION:
    case WIRE_PHASE_MAP:
        return 0;
    default:
        return r->main == NULL;
    }
}

static void set_limits(tenon_exchange *x)
{
    const tenon_hook *hook = x->hook;
    if (hook->phase == WIRE_PHASE_HANDLER) {
        tenon_exchange_use_pool_limits(x);
        return;
    }
    x->queue_limit = x->answer_limit = (tenon_limit){hook->timeout, HOOK_LIMIT};
    x->limited = 1;
}

/* What a phase returns for a Response that it cannot send: a refusal, unless it says more. */
static int code_of_muted(const tenon_exchange *x)
{
    const int status = x->muted_status;
    ap_log_rerror(APLOG_MARK, APLOG_INFO, 0, x->r,
                  "TN0070: " TENON_EXCHANGE_FORMAT
                  "a Response cannot be sent from %s; only its status %d counts",
                  TENON_EXCHANGE_PREFIX(x), x->r->main ? "a subrequest" : "this phase", status);
    return status < HTTP_MULTIPLE_CHOICES ? HTTP_FORBIDDEN : status;
}

/* What the exchange came to, when it did not fail. */
static int code_of(tenon_exchange *x, tenon_outcome outcome)
{
    if (outcome == TENON_COMPLETE && !x->answered) {
        return x->answer->code;
    }
    if (outcome == TENON_COMPLETE && x->muted) {
        return code_of_muted(x);
    }
    x->request->ended = 1;
    return DONE;
}

static void ask_worker(request_rec *r, const tenon_hook *hook, const apr_array_header_t *extra,
                       tenon_answer *answer)
{
    tenon_exchange x = {.r = r, .hook = hook, .pool = hook->pool, .answer = answer};
    tenon_outcome outcome = TENON_FAILED;
    int failure;
    tenon_exchange_init(&x);
    x.role =
        apr_pstrcat(r->pool, tenon_hook_phase_name(hook->phase), " ", hook->export, ": ", NULL);
    x.muted = !tenon_phase_may_answer(r, hook->phase);
    x.entries = tenon_view_of(r, hook, extra);
    set_limits(&x);
    x.status =
        tenon_maintenance_is_on(r, x.pool) ? HTTP_SERVICE_UNAVAILABLE : tenon_request_prepare(&x);
    if (x.status == OK) {
        outcome = tenon_exchange_run(&x);
    }
    failure = tenon_exchange_finish(&x, outcome);
    tenon_count(hook, TENON_COUNT_ASKED);
    if (failure != OK) {
        tenon_count(hook, TENON_COUNT_FAILED);
    }
    answer->failed = failure != OK || outcome == TENON_CLIENT_GONE;
    answer->code = failure != OK ? failure : code_of(&x, outcome);
}

void tenon_phase_ask(request_rec *r, const tenon_hook *hook, const apr_array_header_t *extra,
                     tenon_answer *answer)
{
    tenon_question question;
    memset(answer, 0, sizeof(*answer));
    if (tenon_decision_find(r, hook, extra, answer, &question)) {
        tenon_changes_apply(r, answer->changes, answer);
        return;
    }
    memset(answer, 0, sizeof(*answer));
    ask_worker(r, hook, extra, answer);
    tenon_decision_keep(r, hook, answer, &question);
}
