/* SPDX-License-Identifier: Apache-2.0
 *
 * libFuzzer: a phase, then an entry of any bytes as a worker may send it. What is permitted must be
 * safe to apply.
 */
#include "phases/permit.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A copy of its exact size, so that a byte read beyond its end is seen. */
static char *text_of(wire_text text)
{
    char *copy = malloc(text.length + 1);
    if (!copy)
        abort();
    memcpy(copy, text.at, text.length);
    copy[text.length] = '\0';
    return copy;
}

static int breaks_line(const char *text)
{
    return strpbrk(text, "\r\n") != NULL;
}

static void check_permitted(uint8_t how, const char *name, const char *value)
{
    switch (WIRE_ENTRY_TABLE(how)) {
    case WIRE_TABLE_HEADERS_IN:
    case WIRE_TABLE_HEADERS_OUT:
    case WIRE_TABLE_ERR_HEADERS_OUT:
        if (!*name || breaks_line(name) || strchr(name, ':') || (value && breaks_line(value)) ||
            tenon_permit_is_framing((wire_text){name, strlen(name)}))
            abort();
        break;
    case WIRE_TABLE_NOTES:
    case WIRE_TABLE_ENV:
        if (!*name)
            abort();
        break;
    case WIRE_TABLE_RECORD:
        if (value && strcmp(name, "value") && breaks_line(value))
            abort();
        if (value && (!strcmp(name, "uri") || !strcmp(name, "redirect")) && *value != '/')
            abort();
        break;
    default:
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    wire_cursor cursor = {bytes + 1, bytes + size};
    wire_entry entry;
    if (size == 0)
        return 0;
    while (cursor.at < cursor.end && wire_read_entry(&cursor, &entry) >= 0) {
        char *name = text_of(entry.name);
        char *value = entry.value.at ? text_of(entry.value) : NULL;
        if (!tenon_permit_refusal((wire_phase)bytes[0], entry.how, name, value))
            check_permitted(entry.how, name, value);
        free(name);
        free(value);
    }
    return 0;
}
