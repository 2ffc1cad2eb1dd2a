/* SPDX-License-Identifier: Apache-2.0 */
#include "reader.h"

#include <string.h>

/* So few left-over bytes are moved to the front at once: cheaper than a short read. */
enum { CHEAP_MOVE_BYTES = 256 };

void wire_reader_init(wire_reader *reader, uint8_t *buffer, size_t capacity)
{
    reader->buffer = buffer;
    reader->capacity = capacity;
    reader->start = 0;
    reader->end = 0;
    reader->data_left = 0;
    reader->data_flags = 0;
}

size_t wire_reader_needs(const wire_reader *reader)
{
    wire_frame_header header;
    const size_t waiting = reader->end - reader->start;

    if (reader->data_left > 0 ||
        wire_frame_decode(reader->buffer + reader->start, waiting, &header) < 0)
        return 0;
    if (header.type == WIRE_FRAME_DATA)
        return WIRE_FRAME_HEADER_BYTES;
    return WIRE_FRAME_HEADER_BYTES + (size_t)header.length;
}

uint8_t *wire_reader_space(wire_reader *reader, size_t *room)
{
    const size_t waiting = reader->end - reader->start;

    if (reader->start > 0 && (waiting <= CHEAP_MOVE_BYTES || reader->end == reader->capacity ||
                              reader->start + wire_reader_needs(reader) > reader->capacity)) {
        memmove(reader->buffer, reader->buffer + reader->start, waiting);
        reader->start = 0;
        reader->end = waiting;
    }
    *room = reader->capacity - reader->end;
    return reader->buffer + reader->end;
}

void wire_reader_fill(wire_reader *reader, size_t size)
{
    reader->end += size;
}

void wire_reader_grow(wire_reader *reader, uint8_t *buffer, size_t capacity)
{
    const size_t waiting = reader->end - reader->start;

    memcpy(buffer, reader->buffer + reader->start, waiting);
    reader->buffer = buffer;
    reader->capacity = capacity;
    reader->start = 0;
    reader->end = waiting;
}

static int next_piece(wire_reader *reader, wire_frame *frame)
{
    const size_t waiting = reader->end - reader->start;
    const size_t size = waiting < reader->data_left ? waiting : reader->data_left;

    if (size == 0)
        return WIRE_PARTIAL;
    frame->type = WIRE_FRAME_DATA;
    frame->payload = reader->buffer + reader->start;
    frame->length = size;
    reader->start += size;
    reader->data_left -= (uint32_t)size;
    frame->flags = reader->data_left == 0 ? reader->data_flags : 0;
    return 1;
}

int wire_reader_next(wire_reader *reader, wire_frame *frame)
{
    wire_frame_header header;
    const uint8_t *at = reader->buffer + reader->start;
    const size_t waiting = reader->end - reader->start;
    int got;

    if (reader->data_left > 0)
        return next_piece(reader, frame);
    got = wire_frame_decode(at, waiting, &header);
    if (got < 0)
        return got;
    if (header.type == WIRE_FRAME_DATA && header.length > 0) {
        reader->start += WIRE_FRAME_HEADER_BYTES;
        reader->data_left = header.length;
        reader->data_flags = header.flags;
        return next_piece(reader, frame);
    }
    if (waiting - WIRE_FRAME_HEADER_BYTES < header.length)
        return WIRE_PARTIAL;
    frame->type = header.type;
    frame->flags = header.flags;
    frame->payload = at + WIRE_FRAME_HEADER_BYTES;
    frame->length = header.length;
    reader->start += WIRE_FRAME_HEADER_BYTES + (size_t)header.length;
    return 1;
}

int wire_reader_empty(const wire_reader *reader)
{
    return reader->start == reader->end && reader->data_left == 0;
}
