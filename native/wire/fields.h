/* SPDX-License-Identifier: Apache-2.0
 *
 * Fields: headers, trailers and facts inside a payload.
 *
 *   header   code (1 byte, wire_header or 0); if 0: name length (2 bytes), name;
 *            value length (4 bytes), value
 *   fact     code (1 byte, wire_fact), value length (4 bytes), value
 *
 * Names and values are bytes (latin-1 to an application). A header's name must be a token (RFC
 * 9110, 5.6.2), its value must hold no CR, LF or NUL; decoding refuses others with BAD_FIELD. Fact
 * values hold no NUL. A fact with a code that is not known is passed over by who reads it.
 */
#ifndef WIRE_FIELDS_H
#define WIRE_FIELDS_H

#include "frame.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const char *at; /* not NUL-terminated */
    size_t length;
} wire_text;

/* 1 when HTTP allows the name (a token) or the value (no CR, LF, NUL), else 0. */
int wire_name_allowed(const char *name, size_t length);
int wire_value_allowed(const char *value, size_t length);

/* Where fields are encoded to. Zero `failed` before the first use; it stays set once something did
 * not fit. */
typedef struct {
    uint8_t *buffer;
    size_t capacity;
    size_t used;
    int failed; /* 0, or -WIRE_ERROR_NO_SPACE / -WIRE_ERROR_BAD_FIELD */
} wire_writer;

/* The code of a header spelled exactly so, or 0. */
uint8_t wire_header_code(const char *name, size_t length);
/* The name of a code, or NULL. */
const char *wire_header_name(uint8_t code);

void wire_write_header(wire_writer *writer, const char *name, size_t name_length, const char *value,
                       size_t value_length);
void wire_write_fact(wire_writer *writer, wire_fact fact, const char *value, size_t value_length);

/* Where fields are decoded from. */
typedef struct {
    const uint8_t *at;
    const uint8_t *end;
} wire_cursor;

/* Each decodes one field and moves the cursor: 0, or -WIRE_ERROR_BAD_PAYLOAD /
 * -WIRE_ERROR_BAD_FIELD. A header with a code gets its name from the table. */
int wire_read_header(wire_cursor *cursor, wire_text *name, wire_text *value);
int wire_read_fact(wire_cursor *cursor, uint8_t *fact, wire_text *value);

/*
 * An entry: what it does and to which table (1 byte), name length (2 bytes), name; value length (4
 * bytes) and value unless it unsets. Neither holds a NUL; what a table allows beside that is for
 * who applies it.
 */
#define WIRE_ENTRY_TABLE(how)     ((how)&0x3f)
#define WIRE_ENTRY_OPERATION(how) ((how)&0xc0)

typedef struct {
    uint8_t how; /* wire_operation and wire_table */
    wire_text name;
    wire_text value; /* `at` is NULL when it unsets */
} wire_entry;

void wire_write_entry(wire_writer *writer, const wire_entry *entry);
int wire_read_entry(wire_cursor *cursor, wire_entry *entry);

/* A text of at most 65535 bytes without NUL, behind its length (2 bytes). */
void wire_write_short_text(wire_writer *writer, const char *text, size_t length);
int wire_read_short_text(wire_cursor *cursor, wire_text *text);

/* "HEADERS_IN", or "unknown". */
const char *wire_table_name(int table);

#ifdef __cplusplus
}
#endif
#endif
