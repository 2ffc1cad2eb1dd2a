/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <strings.h>

#include "phases/permit.h"

static int is_one_of(wire_text name, const char *const *others)
{
    for (; *others; others++) {
        if (strlen(*others) == name.length && strncasecmp(name.at, *others, name.length) == 0) {
            return 1;
        }
    }
    return 0;
}

int tenon_permit_is_hop_by_hop(wire_text name)
{
    static const char *const names[] = {"Connection",       "Keep-Alive", "Transfer-Encoding",
                                        "Proxy-Connection", "Upgrade",    NULL};
    return is_one_of(name, names);
}

int tenon_permit_is_framing(wire_text name)
{
    static const char *const names[] = {"Content-Length", "Trailer", "TE", NULL};
    return tenon_permit_is_hop_by_hop(name) || is_one_of(name, names);
}

/* Fields of RECORD. */
typedef struct {
    const char *name;
    int may_unset;
    const char *(*refusal)(wire_phase phase, const char *value); /* NULL: any value will do */
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
        return "which files may be read is decided by now: set it in translate_name, or redirect "
               "to a path";
    }
}

static const char *not_a_status(wire_phase phase, const char *value)
{
    (void)phase;
    return strlen(value) == 3 && *value >= '2' && *value <= '5' && strspn(value, "0123456789") == 3
               ? NULL
               : "it must be 200 to 599";
}

static const char *not_one(wire_phase phase, const char *value)
{
    (void)phase;
    return strcmp(value, "1") ? "it must be 1" : NULL;
}

static const record_row records[] = {
    {"user", 1, NULL},
    {"ap_auth_type", 1, NULL},
    {"uri", 0, not_a_path},
    {"args", 1, NULL},
    {"filename", 0, not_a_filename},
    {"path_info", 1, NULL},
    {"handler", 1, NULL},
    {"content_type", 1, NULL},
    {"redirect", 1, not_a_path},
    {"status", 0, not_a_status},
    {"value", 0, NULL},
    {"state", 0, not_one},
};

static const char *record_refusal(wire_phase phase, const char *name, const char *value)
{
    size_t row = 0;
    while (row < sizeof(records) / sizeof(records[0]) && strcmp(records[row].name, name)) {
        row++;
    }
    if (row == sizeof(records) / sizeof(records[0])) {
        return "there is no such field to be set";
    }
    if (!value) {
        return records[row].may_unset ? NULL : "it cannot be unset";
    }
    if (!wire_value_allowed(value, strlen(value)) && strcmp(name, "value")) {
        return "it holds a line break";
    }
    return records[row].refusal ? records[row].refusal(phase, value) : NULL;
}

static const char *header_refusal(const char *name, const char *value)
{
    const wire_text text = {name, strlen(name)};
    if (!wire_name_allowed(text.at, text.length) ||
        (value && !wire_value_allowed(value, strlen(value)))) {
        return "HTTP does not allow it";
    }
    return tenon_permit_is_framing(text) ? "it is of the connection, or says where a message ends: "
                                           "httpd's business"
                                         : NULL;
}

const char *tenon_permit_refusal(wire_phase phase, uint8_t how, const char *name, const char *value)
{
    switch (WIRE_ENTRY_TABLE(how)) {
    case WIRE_TABLE_HEADERS_IN:
    case WIRE_TABLE_HEADERS_OUT:
    case WIRE_TABLE_ERR_HEADERS_OUT:
        return header_refusal(name, value);
    case WIRE_TABLE_NOTES:
        return *name ? NULL : "it has no name";
    case WIRE_TABLE_ENV:
        return !*name || strchr(name, '=') ? "that is not the name of a variable" : NULL;
    case WIRE_TABLE_RECORD:
        return WIRE_ENTRY_OPERATION(how) == WIRE_OPERATION_ADD ? "a field is set, not added to"
                                                               : record_refusal(phase, name, value);
    default:
        return "a hook cannot change that";
    }
}
