/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs the vectors through the codec in C. Reads lines "name TAB encode TAB hex TAB text" (see
 * describe.h) from stdin; `encode` is 1 when the text is also to be encoded to the hex.
 */
#define _GNU_SOURCE
#include "describe.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static description said;

static int take_frames(wire_reader *reader)
{
    for (;;) {
        wire_frame frame;
        const int got = wire_reader_next(reader, &frame);

        if (got == WIRE_PARTIAL)
            return 0;
        if (got < 0)
            said.error = -got;
        else
            describe_frame(&said, &frame);
        if (said.error != 0)
            return -1;
    }
}

/* All bytes at once, ending where memory ends. */
static void decode_whole(const uint8_t *bytes, size_t size)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t length = (size / page + 1) * page;
    uint8_t *memory =
        mmap(NULL, length + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    uint8_t *at = memory + length - size;
    wire_reader reader;

    if (memory == MAP_FAILED || mprotect(memory + length, page, PROT_NONE) != 0)
        abort();
    memcpy(at, bytes, size);
    description_init(&said);
    wire_reader_init(&reader, at, size);
    wire_reader_fill(&reader, size);
    take_frames(&reader);
    describe_end(&said, !wire_reader_empty(&reader));
    munmap(memory, length + page);
}

/* Makes room for the frame at hand in a buffer of exactly its size. */
static void grow(wire_reader *reader)
{
    uint8_t *old = reader->buffer;
    const size_t needs = wire_reader_needs(reader);
    uint8_t *larger = malloc(needs);

    if (needs <= reader->capacity || larger == NULL)
        abort();
    wire_reader_grow(reader, larger, needs);
    free(old);
}

static int feed(wire_reader *reader, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        size_t room;
        uint8_t *to = wire_reader_space(reader, &room);
        const size_t piece = room < size ? room : size;

        if (room == 0) {
            grow(reader);
            continue;
        }
        memcpy(to, bytes, piece);
        wire_reader_fill(reader, piece);
        bytes += piece;
        size -= piece;
        if (take_frames(reader) != 0)
            return -1;
    }
    return 0;
}

/* A first piece of `first` bytes, then pieces of `step` bytes, into a buffer that begins small. */
static void decode_pieces(const uint8_t *bytes, size_t size, size_t first, size_t step)
{
    wire_reader reader;
    size_t at = 0;
    size_t piece = first;

    description_init(&said);
    wire_reader_init(&reader, malloc(WIRE_FRAME_HEADER_BYTES), WIRE_FRAME_HEADER_BYTES);
    while (at < size) {
        if (piece > size - at)
            piece = size - at;
        if (feed(&reader, bytes + at, piece) != 0)
            break;
        at += piece;
        piece = step;
    }
    describe_end(&said, !wire_reader_empty(&reader));
    free(reader.buffer);
}

static size_t from_hex(const char *hex, uint8_t *bytes)
{
    size_t size = 0;

    if (hex[0] == '-')
        return 0;
    for (; hex[0] != '\0'; hex += 2) {
        const char digits[3] = {hex[0], hex[1], '\0'};

        bytes[size++] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

static const char *word(char **rest)
{
    const char *got = strsep(rest, " ");

    return got == NULL ? "" : got;
}

static uint64_t number(char **rest)
{
    return strtoull(word(rest), NULL, 10);
}

static uint8_t scratch[2][WIRE_MAX_MESSAGE_BYTES];

static unsigned write_facts(wire_writer *writer, char **rest, const char **next)
{
    unsigned count = 0;

    for (*next = word(rest); strcmp(*next, "F") == 0; *next = word(rest), count++) {
        const wire_fact fact = (wire_fact)number(rest);
        const size_t length = from_hex(word(rest), scratch[0]);

        wire_write_fact(writer, fact, (const char *)scratch[0], length);
    }
    return count;
}

static unsigned write_headers(wire_writer *writer, char **rest, const char **next)
{
    unsigned count = 0;

    for (; strcmp(*next, "H") == 0; *next = word(rest), count++) {
        const size_t name_length = from_hex(word(rest), scratch[0]);
        const size_t length = from_hex(word(rest), scratch[1]);

        wire_write_header(writer, (const char *)scratch[0], name_length, (const char *)scratch[1],
                          length);
    }
    return count;
}

static void write_entries(wire_writer *writer, char **rest, const char *next)
{
    for (; strcmp(next, "E") == 0; next = word(rest)) {
        const uint8_t how = (uint8_t)number(rest);
        wire_entry entry = {how, {(const char *)scratch[0], 0}, {(const char *)scratch[1], 0}};

        entry.name.length = from_hex(word(rest), scratch[0]);
        if (WIRE_ENTRY_OPERATION(how) != WIRE_OPERATION_UNSET)
            entry.value.length = from_hex(word(rest), scratch[1]);
        wire_write_entry(writer, &entry);
    }
}

static int encode_hello(wire_writer *writer, char **rest)
{
    wire_hello m;

    m.version = (uint16_t)number(rest);
    m.oldest_version = (uint16_t)number(rest);
    m.slot = (uint16_t)number(rest);
    m.claim_index = (uint16_t)number(rest);
    m.pid = (uint32_t)number(rest);
    m.incarnation = (uint32_t)number(rest);
    m.generation = (uint32_t)number(rest);
    m.claim = (uint32_t)number(rest);
    m.phases = number(rest);
    return wire_hello_encode(writer->buffer, writer->capacity, &m);
}

static int encode_request(wire_writer *writer, char **rest)
{
    const uint8_t flags = (uint8_t)number(rest);
    const uint8_t phase = (uint8_t)number(rest);
    const uint32_t exchange = (uint32_t)number(rest);
    const char *next;
    unsigned facts;
    unsigned headers;

    wire_request_begin(writer, phase, exchange, number(rest));
    facts = write_facts(writer, rest, &next);
    headers = write_headers(writer, rest, &next);
    write_entries(writer, rest, next);
    return wire_request_finish(writer, flags, facts, headers);
}

static unsigned write_all_headers(wire_writer *writer, char **rest)
{
    const char *next = word(rest);

    return write_headers(writer, rest, &next);
}

static int encode_fields(wire_writer *writer, char **rest)
{
    wire_fields_begin(writer);
    write_entries(writer, rest, word(rest));
    return wire_fields_finish(writer);
}

static int encode_ask(wire_writer *writer, char **rest)
{
    const wire_ask_kind kind = (wire_ask_kind)number(rest);
    const size_t length = from_hex(word(rest), scratch[0]);

    wire_ask_begin(writer, kind, (const char *)scratch[0], length);
    return wire_ask_finish(writer, write_all_headers(writer, rest));
}

static int encode_reply(wire_writer *writer, char **rest)
{
    const uint8_t flags = (uint8_t)number(rest);
    const uint16_t status = (uint16_t)number(rest);
    const size_t length = from_hex(word(rest), scratch[0]);

    wire_reply_begin(writer, status, (const char *)scratch[0], length);
    return wire_reply_finish(writer, flags, write_all_headers(writer, rest));
}

/* The number of words V ahead. */
static uint16_t count_varies(const char *rest)
{
    uint16_t count = 0;

    for (; rest != NULL && strncmp(rest, "V ", 2) == 0; count++) {
        rest = strchr(rest + 2, ' ');
        if (rest != NULL)
            rest++;
    }
    return count;
}

static int encode_result(wire_writer *writer, char **rest)
{
    const char *next;
    wire_result m;

    m.code = (int16_t)strtol(word(rest), NULL, 10);
    m.flags = (uint8_t)number(rest);
    m.ttl = (uint32_t)number(rest);
    m.varies = count_varies(*rest);
    wire_result_begin(writer, &m);
    for (next = word(rest); strcmp(next, "V") == 0; next = word(rest))
        wire_write_short_text(writer, (const char *)scratch[0], from_hex(word(rest), scratch[0]));
    write_entries(writer, rest, next);
    return wire_result_finish(writer);
}

static int encode_response(wire_writer *writer, char **rest)
{
    const uint8_t flags = (uint8_t)number(rest);
    const uint16_t status = (uint16_t)number(rest);
    const size_t length = from_hex(word(rest), scratch[0]);

    wire_response_begin(writer, status, (const char *)scratch[0], length);
    return wire_response_finish(writer, flags, write_all_headers(writer, rest));
}

static int encode_data(wire_writer *writer, char **rest)
{
    const size_t length = from_hex(word(rest), scratch[0]);
    const uint8_t flags = (uint8_t)number(rest);

    if (writer->capacity < WIRE_FRAME_HEADER_BYTES + length)
        return -WIRE_ERROR_NO_SPACE;
    wire_frame_encode(writer->buffer, WIRE_FRAME_DATA, flags, (uint32_t)length);
    memcpy(writer->buffer + WIRE_FRAME_HEADER_BYTES, scratch[0], length);
    return (int)(WIRE_FRAME_HEADER_BYTES + length);
}

static int encode_file(wire_writer *writer, char **rest)
{
    const uint8_t flags = (uint8_t)number(rest);
    wire_file file;

    file.offset = number(rest);
    file.length = number(rest);
    return wire_file_encode(writer->buffer, writer->capacity, flags, &file);
}

static int encode(wire_writer *writer, char *text)
{
    char *rest = text;
    const char *type = word(&rest);

    if (strcmp(type, "HELLO") == 0)
        return encode_hello(writer, &rest);
    if (strcmp(type, "REQUEST") == 0)
        return encode_request(writer, &rest);
    if (strcmp(type, "RESPONSE") == 0)
        return encode_response(writer, &rest);
    if (strcmp(type, "DATA") == 0)
        return encode_data(writer, &rest);
    if (strcmp(type, "END") == 0) {
        wire_end_begin(writer, number(&rest));
        return wire_end_finish(writer, write_all_headers(writer, &rest));
    }
    if (strcmp(type, "PULL") == 0)
        return wire_pull_encode(writer->buffer, writer->capacity, number(&rest));
    if (strcmp(type, "FILE") == 0)
        return encode_file(writer, &rest);
    if (strcmp(type, "FIELDS") == 0)
        return encode_fields(writer, &rest);
    if (strcmp(type, "ASK") == 0)
        return encode_ask(writer, &rest);
    if (strcmp(type, "REPLY") == 0)
        return encode_reply(writer, &rest);
    if (strcmp(type, "RESULT") == 0)
        return encode_result(writer, &rest);
    if (strcmp(type, "CLOSE") == 0)
        return wire_close_encode(writer->buffer, writer->capacity);
    {
        const unsigned code = (unsigned)number(&rest);
        const size_t length = from_hex(word(&rest), scratch[0]);

        if (strcmp(type, "ABORT") == 0)
            return wire_abort_encode(writer->buffer, writer->capacity, (wire_error)code,
                                     (const char *)scratch[0], length);
        return wire_log_encode(writer->buffer, writer->capacity, (wire_log_level)code,
                               (const char *)scratch[0], length);
    }
}

/* Encodes the frames of a text one after the other into at most `capacity` bytes. */
static int encode_all(const char *text, uint8_t *to, size_t capacity)
{
    char *copy = strdup(text);
    char *rest = copy;
    size_t used = 0;
    int size = 0;

    while (rest != NULL && size >= 0) {
        char *frame = rest;
        wire_writer writer = {to + used, capacity - used, 0, 0};

        rest = strstr(frame, " ; ");
        if (rest != NULL) {
            *rest = '\0';
            rest += 3;
        }
        size = encode(&writer, frame);
        if (size > 0)
            used += (size_t)size;
    }
    free(copy);
    return size < 0 ? size : (int)used;
}

static void check_encoding(const char *name, const uint8_t *bytes, size_t size, const char *text)
{
    uint8_t *to = malloc(size > 0 ? size : 1);
    size_t capacity;
    int got = encode_all(text, to, size);

    tap(got == (int)size && memcmp(to, bytes, size) == 0, name, "encodes to its bytes", text);
    free(to);
    for (capacity = 0, got = -WIRE_ERROR_NO_SPACE; capacity < size && got == -WIRE_ERROR_NO_SPACE;
         capacity++) {
        to = malloc(capacity > 0 ? capacity : 1);
        got = encode_all(text, to, capacity);
        free(to);
    }
    tap(got == -WIRE_ERROR_NO_SPACE, name, "does not encode into less space", text);
}

static void check_decoding(const char *name, const uint8_t *bytes, size_t size, const char *text)
{
    size_t cut;

    decode_whole(bytes, size);
    tap(strcmp(said.text, text) == 0, name, "decodes in one piece", said.text);
    decode_pieces(bytes, size, 1, 1);
    tap(strcmp(said.text, text) == 0, name, "decodes byte by byte", said.text);
    for (cut = 1; cut < size; cut++) {
        decode_pieces(bytes, size, cut, size);
        if (strcmp(said.text, text) != 0)
            break;
    }
    tap(cut >= size, name, "decodes cut at each offset", said.text);
}

int main(void)
{
    char *line = NULL;
    size_t room = 0;

    while (getline(&line, &room, stdin) > 0) {
        char *rest = line;
        const char *name = strsep(&rest, "\t");
        const char *encoded = strsep(&rest, "\t");
        const char *hex = strsep(&rest, "\t");
        const char *text = strsep(&rest, "\n");
        uint8_t *bytes = malloc(strlen(hex) / 2 + 1);
        const size_t size = from_hex(hex, bytes);

        check_decoding(name, bytes, size, text);
        if (encoded[0] == '1')
            check_encoding(name, bytes, size, text);
        free(bytes);
    }
    free(line);
    printf("done\n");
    return 0;
}
