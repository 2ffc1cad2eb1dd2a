/* SPDX-License-Identifier: Apache-2.0
 *
 * What a hook changes of a request: entries of the worker, permitted ones, -> request_rec.
 */
#include <httpd.h>
#include <http_core.h>
#include <http_protocol.h>
#include <stdlib.h>
#include <string.h>

#include "config/override.h"
#include "phases/phases.h"

/* RECORD's fields that are texts of request_rec. */
static const struct {
    const char *name;
    size_t offset;
} texts[] = {
    {"user", offsetof(request_rec, user)},
    {"ap_auth_type", offsetof(request_rec, ap_auth_type)},
    {"uri", offsetof(request_rec, uri)},
    {"args", offsetof(request_rec, args)},
    {"filename", offsetof(request_rec, filename)},
    {"path_info", offsetof(request_rec, path_info)},
    {"handler", offsetof(request_rec, handler)},
};

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
    switch (WIRE_ENTRY_OPERATION(change->how)) {
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
    /* httpd's modules expect a text there. */
    const char *none = strcmp(change->name, "path_info") ? NULL : "";
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (!strcmp(texts[i].name, change->name)) {
            *(const char **)((char *)r + texts[i].offset) = change->value ? change->value : none;
            if (change->value && texts[i].offset == offsetof(request_rec, handler)) {
                tenon_override_vouch(r, change->value);
            }
            return;
        }
    }
    if (!strcmp(change->name, "content_type")) {
        ap_set_content_type(r, change->value);
    } else if (!strcmp(change->name, "redirect")) {
        apply_to_table(r->notes, &(tenon_entry){change->how, TENON_REDIRECT_NOTE, change->value});
    } else if (answer && !strcmp(change->name, "status")) {
        answer->status = atoi(change->value);
    } else if (answer && !strcmp(change->name, "value")) {
        answer->value = change->value;
    } else if (answer && !strcmp(change->name, "state")) {
        answer->stated = 1;
    }
}

void tenon_changes_apply(request_rec *r, const apr_array_header_t *changes, tenon_answer *answer)
{
    for (int i = 0; changes && i < changes->nelts; i++) {
        const tenon_entry *change = &APR_ARRAY_IDX(changes, i, tenon_entry);
        const uint8_t table = WIRE_ENTRY_TABLE(change->how);
        if (table == WIRE_TABLE_RECORD) {
            apply_record(r, change, answer);
        } else {
            apply_to_table(table_of(r, table), change);
        }
    }
}
