/* SPDX-License-Identifier: Apache-2.0
 *
 * What a hook may change of a request: entries of the worker -> request_rec. All of it is checked
 * before anything is applied.
 */
#include <httpd.h>
#include <http_core.h>
#include <http_log.h>
#include <http_protocol.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <string.h>

#include "exchange.h"
#include "phases.h"

/* Fields of RECORD. `offset` is that of a text in request_rec, or NOT_A_TEXT: apply_record knows. */
#define NOT_A_TEXT 0

typedef struct {
    const char *name;
    size_t offset;
    int may_unset;
    const char *(*refused)(wire_phase phase, const char *value); /* NULL: any value */
} record_row;

static const char *not_a_path(wire_phase phase, const char *value)
{
    (void)phase;
    return *value == '/' ? NULL : "it must begin with a slash";
}

/* Behind map_to_storage nobody looks once more at what the configuration says of a file. */
static const char *not_a_filename(wire_phase phase, const char *value)
{
    switch (phase) {
    case WIRE_PHASE_QUICK_HANDLER:
    case WIRE_PHASE_POST_READ_REQUEST:
    case WIRE_PHASE_PRE_TRANSLATE_NAME:
    case WIRE_PHASE_TRANSLATE_NAME:
    case WIRE_PHASE_MAP_TO_STORAGE:
        return *value ? NULL : "it is empty";
    default:
        return "what may be read was decided in map_to_storage: set it in translate_name, or "
               "redirect to a path";
    }
}

static const char *not_a_status(wire_phase phase, const char *value)
{
    (void)phase;
    return strlen(value) == 3 && *value >= '2' && *value <= '5' && apr_isdigit(value[1]) &&
                   apr_isdigit(value[2])
               ? NULL
               : "it must be 200 to 599";
}

static const record_row rows[] = {
    {"user", offsetof(request_rec, user), 1, NULL},
    {"ap_auth_type", offsetof(request_rec, ap_auth_type), 1, NULL},
    {"uri", offsetof(request_rec, uri), 0, not_a_path},
    {"args", offsetof(request_rec, args), 1, NULL},
    {"filename", offsetof(request_rec, filename), 0, not_a_filename},
    {"path_info", offsetof(request_rec, path_info), 0, NULL},
    {"handler", offsetof(request_rec, handler), 1, NULL},
    {"content_type", NOT_A_TEXT, 1, NULL},
    {"redirect", NOT_A_TEXT, 1, not_a_path},
    {"status", NOT_A_TEXT, 0, not_a_status},
    {"value", NOT_A_TEXT, 0, NULL},
};

static const record_row *row_of(const char *name)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!strcmp(rows[i].name, name)) {
            return &rows[i];
        }
    }
    return NULL;
}

static const char *record_refused(wire_phase phase, const tenon_entry *change)
{
    const record_row *row = row_of(change->name);
    if (!row) {
        return "there is no such field to be set";
    }
    if (!change->value) {
        return row->may_unset ? NULL : "it cannot be unset";
    }
    if (!wire_value_allowed(change->value, strlen(change->value))) {
        return "it holds a line break";
    }
    return row->refused ? row->refused(phase, change->value) : NULL;
}

/* httpd reads the request's body, and frames its answer, by these. */
static const char *header_refused(const tenon_entry *change)
{
    const size_t length = strlen(change->name);
    if (!wire_name_allowed(change->name, length) ||
        (change->value && !wire_value_allowed(change->value, strlen(change->value)))) {
        return "HTTP does not allow it";
    }
    return tenon_response_frames_message((wire_text){change->name, length})
               ? "it says where a message ends, which is httpd's business"
               : NULL;
}

const char *tenon_change_refused(wire_phase phase, const tenon_entry *change)
{
    switch (TENON_ENTRY_TABLE(change)) {
    case WIRE_TABLE_HEADERS_IN:
    case WIRE_TABLE_HEADERS_OUT:
    case WIRE_TABLE_ERR_HEADERS_OUT:
        return header_refused(change);
    case WIRE_TABLE_NOTES:
        return NULL;
    case WIRE_TABLE_ENV:
        return !*change->name || strchr(change->name, '=') ? "that is no name of a variable" : NULL;
    case WIRE_TABLE_RECORD:
        return TENON_ENTRY_OPERATION(change) == WIRE_OPERATION_ADD
                   ? "a field can be set, not added to"
                   : record_refused(phase, change);
    default:
        return "this cannot be changed";
    }
}

static apr_table_t *table_of(request_rec *r, uint8_t table)
{
    switch (table) {
    case WIRE_TABLE_HEADERS_IN:
        return r->headers_in;
    case WIRE_TABLE_HEADERS_OUT:
        return r->headers_out;
    case WIRE_TABLE_ERR_HEADERS_OUT:
        return r->err_headers_out;
    case WIRE_TABLE_NOTES:
        return r->notes;
    default:
        return r->subprocess_env;
    }
}

static void apply_to_table(apr_table_t *table, const tenon_entry *change)
{
    switch (TENON_ENTRY_OPERATION(change)) {
    case WIRE_OPERATION_ADD:
        apr_table_addn(table, change->name, change->value);
        break;
    case WIRE_OPERATION_SET:
        apr_table_setn(table, change->name, change->value);
        break;
    default:
        apr_table_unset(table, change->name);
    }
}

static void apply_record(request_rec *r, const tenon_entry *change, tenon_answer *answer)
{
    const record_row *row = row_of(change->name);
    if (row->offset != NOT_A_TEXT) {
        *(const char **)((char *)r + row->offset) = change->value;
    } else if (!strcmp(row->name, "content_type")) {
        ap_set_content_type(r, change->value);
    } else if (!strcmp(row->name, "redirect")) {
        apply_to_table(r->notes, &(tenon_entry){change->how, TENON_REDIRECT_NOTE, change->value});
    } else if (answer && !strcmp(row->name, "status")) {
        answer->status = atoi(change->value);
    } else if (answer) {
        answer->value = change->value;
    }
}

void tenon_changes_apply(request_rec *r, const apr_array_header_t *changes, tenon_answer *answer)
{
    for (int i = 0; changes && i < changes->nelts; i++) {
        const tenon_entry *change = &APR_ARRAY_IDX(changes, i, tenon_entry);
        const uint8_t table = TENON_ENTRY_TABLE(change);
        if (table == WIRE_TABLE_RECORD) {
            apply_record(r, change, answer);
        } else {
            apply_to_table(table_of(r, table), change);
        }
    }
}
