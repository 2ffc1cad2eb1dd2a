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

#include "exchange/exchange.h"
#include "log.h"
#include "phases/permit.h"
#include "phases/phases.h"

static const char *copy(const tenon_exchange *x, wire_text text)
{
    return apr_pstrmemdup(x->r->pool, text.at, text.length);
}

/* Logs a change that is not allowed, and fails. */
static tenon_outcome refuse(tenon_exchange *x, const tenon_entry *change, const char *why)
{
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, x->r,
                  "TN0072: " TENON_EXCHANGE_FORMAT "%s '%s' cannot be changed so: %s: %s",
                  TENON_EXCHANGE_PREFIX(x), wire_table_name(WIRE_ENTRY_TABLE(change->how)),
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
        why = tenon_permit_refusal(x->hook ? x->hook->phase : WIRE_PHASE_HANDLER, change.how,
                                   change.name, change.value);
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
    wire_cursor fields = wire_fields_decode(frame->payload, frame->length);
    return take_entries(x, &fields, "FIELDS");
}

void tenon_result_apply(tenon_exchange *x)
{
    apr_array_header_t waiting;
    if (!x->changes) {
        return;
    }
    waiting = *x->changes;
    waiting.elts += (apr_size_t)x->applied * sizeof(tenon_entry);
    waiting.nelts -= x->applied;
    tenon_changes_apply(x->r, &waiting, x->answer);
    x->applied = x->changes->nelts;
}

/* Whether a change is of the headers of the answer. */
static int is_of_headers(const tenon_entry *change)
{
    const uint8_t table = WIRE_ENTRY_TABLE(change->how);
    return table == WIRE_TABLE_HEADERS_OUT || table == WIRE_TABLE_ERR_HEADERS_OUT ||
           (table == WIRE_TABLE_RECORD && !strcmp(change->name, "content_type"));
}

void tenon_result_apply_headers(tenon_exchange *x)
{
    apr_array_header_t *headers = apr_array_make(x->r->pool, 2, sizeof(tenon_entry));
    for (int i = 0; x->changes && i < x->changes->nelts; i++) {
        const tenon_entry *change = &APR_ARRAY_IDX(x->changes, i, tenon_entry);
        if (is_of_headers(change)) {
            APR_ARRAY_PUSH(headers, tenon_entry) = *change;
        }
    }
    tenon_changes_apply(x->r, headers, x->answer);
}

/* Whether a phase has such a result: authn_status and authz_status are 0 to 4. */
static int is_code(wire_phase phase, int code)
{
    if (tenon_hook_is_provider(phase)) {
        return code >= 0 && code <= 4;
    }
    return code == OK || code == DECLINED || code == DONE ||
           (code >= HTTP_OK && ap_is_HTTP_VALID_RESPONSE(code));
}

static int read_vary(tenon_exchange *x, wire_result *result)
{
    wire_text name;
    int error = 0;
    for (unsigned i = 0; i < result->varies && error >= 0; i++) {
        error = wire_read_short_text(&result->fields, &name);
        if (error >= 0 && !x->answer->vary) {
            x->answer->vary = apr_array_make(x->r->pool, result->varies, sizeof(const char *));
        }
        if (error >= 0) {
            APR_ARRAY_PUSH(x->answer->vary, const char *) = copy(x, name);
        }
    }
    return error;
}

/* What a handler has read of the body is lost for the next one. */
static tenon_outcome declined_too_late(tenon_exchange *x)
{
    ap_log_rerror(
        APLOG_MARK, APLOG_ERR, 0, x->r,
        "TN0073: " TENON_EXCHANGE_FORMAT "it declined when it had read the request's body: %s",
        TENON_EXCHANGE_PREFIX(x), tenon_exchange_consequence(x, HTTP_INTERNAL_SERVER_ERROR));
    return tenon_exchange_fail(x, HTTP_INTERNAL_SERVER_ERROR);
}

static tenon_outcome take_result(tenon_exchange *x, const wire_frame *frame)
{
    wire_result result;
    tenon_outcome outcome;
    int error = x->hook ? wire_result_decode(frame->payload, frame->length, &result)
                        : -WIRE_ERROR_OUT_OF_ORDER;
    if (error >= 0 && !is_code(x->hook->phase, result.code)) {
        error = -WIRE_ERROR_BAD_PAYLOAD;
    }
    if (error >= 0) {
        error = read_vary(x, &result);
    }
    if (error < 0) {
        return tenon_exchange_violation(x, error, "RESULT");
    }
    outcome = take_entries(x, &result.fields, "RESULT");
    if (outcome != TENON_GOING) {
        return outcome;
    }
    if (result.code == DECLINED && x->body_sent > 0 && !x->filter) {
        return declined_too_late(x);
    }
    x->answer->code = result.code;
    x->answer->ttl = result.ttl;
    x->answer->changes = x->changes;
    x->answer->stated = (result.flags & WIRE_RESULT_FLAG_STATE) != 0;
    tenon_result_apply(x);
    return TENON_COMPLETE;
}

tenon_outcome tenon_result_frame(tenon_exchange *x, const wire_frame *frame)
{
    return frame->type == WIRE_FRAME_RESULT ? take_result(x, frame) : take_fields(x, frame);
}

void tenon_phase_close(request_rec *r)
{
    /* httpd reads no other request behind one that it did not take. */
    if (!r->prev && !r->main && !r->connection->master) {
        r->connection->keepalive = AP_CONN_CLOSE;
    }
}

void tenon_result_open_answer(tenon_exchange *x)
{
    request_rec *r = x->r;
    tenon_result_apply(x);
    if (!x->hook || x->hook->phase == WIRE_PHASE_HANDLER || x->filter) {
        return;
    }
    x->request->ended = 1;
    if (x->hook->phase == WIRE_PHASE_POST_READ_REQUEST) {
        tenon_phase_close(r);
    }
    /* As httpd does before the handler, and mod_cache where it answers. */
    ap_run_insert_filter(r);
}

tenon_outcome tenon_result_mute(tenon_exchange *x, wire_response *response)
{
    wire_text name;
    wire_text value;
    for (unsigned i = 0; i < response->headers; i++) {
        const int error = wire_read_header(&response->fields, &name, &value);
        if (error < 0) {
            return tenon_exchange_violation(x, error, "RESPONSE");
        }
        if (x->r->main && name.length == 8 && !strncasecmp(name.at, "Location", 8)) {
            apr_table_setn(x->r->headers_out, "Location", copy(x, value));
        }
    }
    tenon_result_apply(x);
    x->muted_status = response->status;
    x->answered = x->bodiless = 1;
    return TENON_GOING;
}
