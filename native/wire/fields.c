/* SPDX-License-Identifier: Apache-2.0 */
#include "fields.h"
#include "bytes.h"
#include "header_index.h"

#include <string.h>

#define WIRE_ROW(name, value, meaning) [value] = {meaning, sizeof(meaning) - 1},
static const wire_text header_names[UINT8_MAX + 1] = {WIRE_HEADERS(WIRE_ROW)};
#undef WIRE_ROW

/* RFC 9110, 5.6.2: 1 for each character of a token. */
/* clang-format off */
static const uint8_t token_characters[UINT8_MAX + 1] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1, ['&'] = 1, ['\''] = 1, ['*'] = 1, ['+'] = 1,
    ['-'] = 1, ['.'] = 1, ['^'] = 1, ['_'] = 1, ['`'] = 1, ['|'] = 1, ['~'] = 1,
    ['0'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['A'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
    ['a'] = 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1
};
/* clang-format on */

/* Not 0 when one of the eight bytes is zero. */
static uint64_t zero_byte(uint64_t bytes)
{
    return (bytes - 0x0101010101010101) & ~bytes & 0x8080808080808080;
}

int wire_name_allowed(const char *name, size_t length)
{
    const uint8_t *at = (const uint8_t *)name;
    const uint8_t *end = at + length;

    if (length == 0)
        return 0;
    while (at < end)
        if (!token_characters[*at++])
            return 0;
    return 1;
}

int wire_value_allowed(const char *value, size_t length)
{
    size_t at = 0;

    for (; length - at >= sizeof(uint64_t); at += sizeof(uint64_t)) {
        uint64_t bytes;

        memcpy(&bytes, value + at, sizeof(bytes));
        if ((zero_byte(bytes) | zero_byte(bytes ^ 0x0d0d0d0d0d0d0d0d) |
             zero_byte(bytes ^ 0x0a0a0a0a0a0a0a0a)) != 0)
            return 0;
    }
    for (; at < length; at++)
        if (value[at] == '\r' || value[at] == '\n' || value[at] == '\0')
            return 0;
    return 1;
}

uint8_t wire_header_code(const char *name, size_t length)
{
    uint8_t code;

    if (length < 2)
        return 0;
    code = wire_header_index[wire_header_place((const uint8_t *)name, length)];
    if (header_names[code].length != length || memcmp(header_names[code].at, name, length) != 0)
        return 0;
    return code;
}

const char *wire_header_name(uint8_t code)
{
    return header_names[code].at;
}

/* Makes room for `size` more bytes, or marks the writer as failed and returns NULL. */
static uint8_t *reserve(wire_writer *writer, size_t size)
{
    uint8_t *to = writer->buffer + writer->used;

    if (writer->capacity - writer->used < size) {
        writer->failed = -WIRE_ERROR_NO_SPACE;
        return NULL;
    }
    writer->used += size;
    return to;
}

static void put_value(uint8_t *to, const char *value, size_t length)
{
    wire_put_u32(to, (uint32_t)length);
    if (length > 0)
        memcpy(to + 4, value, length);
}

void wire_write_header(wire_writer *writer, const char *name, size_t name_length, const char *value,
                       size_t value_length)
{
    const uint8_t code = wire_header_code(name, name_length);
    uint8_t *to;

    if (writer->failed != 0)
        return;
    /* First, so that the sums below cannot overflow. */
    if (value_length > WIRE_MAX_MESSAGE_BYTES || name_length > UINT16_MAX) {
        writer->failed = -WIRE_ERROR_NO_SPACE;
        return;
    }
    if ((code == 0 && !wire_name_allowed(name, name_length)) ||
        !wire_value_allowed(value, value_length)) {
        writer->failed = -WIRE_ERROR_BAD_FIELD;
        return;
    }
    if (code != 0) {
        to = reserve(writer, 1 + 4 + value_length);
        if (to == NULL)
            return;
        wire_put_u8(to, code);
        put_value(to + 1, value, value_length);
        return;
    }
    to = reserve(writer, 1 + 2 + name_length + 4 + value_length);
    if (to == NULL)
        return;
    wire_put_u8(to, 0);
    wire_put_u16(to + 1, (uint16_t)name_length);
    memcpy(to + 3, name, name_length);
    put_value(to + 3 + name_length, value, value_length);
}

void wire_write_fact(wire_writer *writer, wire_fact fact, const char *value, size_t value_length)
{
    uint8_t *to;

    if (writer->failed != 0)
        return;
    if (value_length > WIRE_MAX_MESSAGE_BYTES) {
        writer->failed = -WIRE_ERROR_NO_SPACE;
        return;
    }
    if (value_length > 0 && memchr(value, 0, value_length) != NULL) {
        writer->failed = -WIRE_ERROR_BAD_FIELD;
        return;
    }
    to = reserve(writer, 1 + 4 + value_length);
    if (to == NULL)
        return;
    wire_put_u8(to, (uint8_t)fact);
    put_value(to + 1, value, value_length);
}

static size_t left(const wire_cursor *cursor)
{
    return (size_t)(cursor->end - cursor->at);
}

/* Takes `length` bytes of text. */
static int take_text(wire_cursor *cursor, size_t length, wire_text *text)
{
    if (left(cursor) < length)
        return -WIRE_ERROR_BAD_PAYLOAD;
    text->at = (const char *)cursor->at;
    text->length = length;
    cursor->at += length;
    return 0;
}

/* Takes a length of 4 bytes and the text behind it. */
static int take_value(wire_cursor *cursor, wire_text *value)
{
    uint32_t length;

    if (left(cursor) < 4)
        return -WIRE_ERROR_BAD_PAYLOAD;
    length = wire_get_u32(cursor->at);
    cursor->at += 4;
    return take_text(cursor, length, value);
}

/* Takes a length of 2 bytes and the name behind it. */
static int take_name(wire_cursor *cursor, wire_text *name)
{
    uint16_t length;

    if (left(cursor) < 2)
        return -WIRE_ERROR_BAD_PAYLOAD;
    length = wire_get_u16(cursor->at);
    cursor->at += 2;
    return take_text(cursor, length, name);
}

int wire_read_header(wire_cursor *cursor, wire_text *name, wire_text *value)
{
    uint8_t code;
    int failed;

    if (left(cursor) < 1)
        return -WIRE_ERROR_BAD_PAYLOAD;
    code = *cursor->at++;
    if (code == 0) {
        failed = take_name(cursor, name);
        if (failed != 0)
            return failed;
        if (!wire_name_allowed(name->at, name->length))
            return -WIRE_ERROR_BAD_FIELD;
    } else {
        *name = header_names[code];
        if (name->at == NULL)
            return -WIRE_ERROR_BAD_FIELD;
    }
    failed = take_value(cursor, value);
    if (failed != 0)
        return failed;
    return wire_value_allowed(value->at, value->length) ? 0 : -WIRE_ERROR_BAD_FIELD;
}

int wire_read_fact(wire_cursor *cursor, uint8_t *fact, wire_text *value)
{
    int failed;

    if (left(cursor) < 1)
        return -WIRE_ERROR_BAD_PAYLOAD;
    *fact = *cursor->at++;
    failed = take_value(cursor, value);
    if (failed != 0)
        return failed;
    if (*fact == 0 || (value->length > 0 && memchr(value->at, 0, value->length) != NULL))
        return -WIRE_ERROR_BAD_FIELD;
    return 0;
}

static int has_nul(wire_text text)
{
    return text.length > 0 && memchr(text.at, 0, text.length) != NULL;
}

static int entry_known(uint8_t how)
{
    const int operation = WIRE_ENTRY_OPERATION(how);

    return operation <= WIRE_OPERATION_UNSET && WIRE_ENTRY_TABLE(how) >= WIRE_TABLE_HEADERS_IN &&
           WIRE_ENTRY_TABLE(how) <= WIRE_TABLE_VARIABLES;
}

void wire_write_entry(wire_writer *writer, const wire_entry *entry)
{
    const int unsets = WIRE_ENTRY_OPERATION(entry->how) == WIRE_OPERATION_UNSET;
    uint8_t *to;

    if (writer->failed != 0)
        return;
    if (entry->name.length > UINT16_MAX || entry->value.length > WIRE_MAX_MESSAGE_BYTES) {
        writer->failed = -WIRE_ERROR_NO_SPACE;
        return;
    }
    if (!entry_known(entry->how) || has_nul(entry->name) || has_nul(entry->value)) {
        writer->failed = -WIRE_ERROR_BAD_FIELD;
        return;
    }
    to = reserve(writer, 1 + 2 + entry->name.length + (unsets ? 0 : 4 + entry->value.length));
    if (to == NULL)
        return;
    wire_put_u8(to, entry->how);
    wire_put_u16(to + 1, (uint16_t)entry->name.length);
    if (entry->name.length > 0)
        memcpy(to + 3, entry->name.at, entry->name.length);
    if (!unsets)
        put_value(to + 3 + entry->name.length, entry->value.at, entry->value.length);
}

int wire_read_entry(wire_cursor *cursor, wire_entry *entry)
{
    int failed;

    if (left(cursor) < 1)
        return -WIRE_ERROR_BAD_PAYLOAD;
    entry->how = *cursor->at++;
    entry->value.at = NULL;
    entry->value.length = 0;
    failed = take_name(cursor, &entry->name);
    if (failed == 0 && WIRE_ENTRY_OPERATION(entry->how) != WIRE_OPERATION_UNSET)
        failed = take_value(cursor, &entry->value);
    if (failed != 0)
        return failed;
    return entry_known(entry->how) && !has_nul(entry->name) && !has_nul(entry->value)
               ? 0
               : -WIRE_ERROR_BAD_FIELD;
}

void wire_write_short_text(wire_writer *writer, const char *text, size_t length)
{
    const wire_text whole = {text, length};
    uint8_t *to;

    if (writer->failed != 0)
        return;
    if (length > UINT16_MAX || has_nul(whole)) {
        writer->failed = length > UINT16_MAX ? -WIRE_ERROR_NO_SPACE : -WIRE_ERROR_BAD_FIELD;
        return;
    }
    to = reserve(writer, 2 + length);
    if (to == NULL)
        return;
    wire_put_u16(to, (uint16_t)length);
    if (length > 0)
        memcpy(to + 2, text, length);
}

int wire_read_short_text(wire_cursor *cursor, wire_text *text)
{
    const int failed = take_name(cursor, text);

    if (failed != 0)
        return failed;
    return has_nul(*text) ? -WIRE_ERROR_BAD_FIELD : 0;
}

const char *wire_table_name(int table)
{
#define WIRE_ROW(name, value, meaning) \
    case value:                        \
        return #name;
    switch (table) {
        WIRE_TABLES(WIRE_ROW)
    default:
        return "unknown";
    }
#undef WIRE_ROW
}
