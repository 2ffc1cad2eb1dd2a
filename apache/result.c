/* SPDX-License-Identifier: Apache-2.0
 *
 * What a hook returns: RESULT, FIELDS, or a RESPONSE in a phase before the handler.
 */
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <http_request.h>
#include <apr_strings.h>
#include <strings.h>

#include "exchange.h"
#include "log.h"
#include "phases.h"

static const char *copy(const tenon_exchange *x, wire_text text)
{
    return apr_pstrmemdup(x->r->pool, text.at, text.length);
}

/* Logs a change that is not allowed, and fails. */
static tenon_outcome refuse(tenon_exchange *x, const tenon_entry *change, const char *why)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                  "TN0072: " TENON_EXCHANGE_FORMAT "%s '%s' cannot be changed so: %s: %s",
                  TENON_EXCHANGE_PREFIX(x), wire_table_name(TENON_ENTRY_TABLE(change)),
                  change->name, why, tenon_exchange_consequence(x, HTTP_BAD_GATEWAY));
    tenon_exchange_send_abort(x, WIRE_ERROR_BAD_FIELD);
    return tenon_exchange_fail(x, HTTP_BAD_GATEWAY);
}

/* Reads entries up to the end of a payload; they wait in x->changes. */
static tenon_outcome take_entries(tenon_exchange *x, wire_cursor *fields, const char *frame)
{
    while (fields->at < fields->end) {
        wire_entry entry;
        tenon_entry change;
        const char *why;
        const int error = wire_read_entry(fields, &entry);
        if (error < 0) {
            return tenon_exchange_violation(x, error, frame);
        }
        change.how = entry.how;
        change.name = copy(x, entry.name);
        change.value = entry.value.at ? copy(x, entry.value) : NULL;
        why = tenon_change_refused(x->hook ? x->hook->phase : WIRE_PHASE_HANDLER, &change);
        if (why) {
            return refuse(x, &change, why);
        }
        if (!x->changes) {
            x->changes = apr_array_make(x->r->pool, 8, sizeof(tenon_entry));
        }
        APR_ARRAY_PUSH(x->changes, tenon_entry) = change;
    }
    return TENON_GOING;
}

static tenon_outcome take_fields(tenon_exchange *x, const wire_frame *frame)
{
    wire_cursor fields = {frame->payload, frame->payload + frame->length};
    return take_entries(x, &fields, "FIELDS");
}

void tenon_result_apply(tenon_exchange *x)
{
    if (x->changes) {
        tenon_changes_apply(x->r, x->changes, x->answer);
        x->changes = NULL;
    }
}
