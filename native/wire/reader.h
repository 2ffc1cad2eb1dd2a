/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader: bytes in any pieces become frames. It owns no memory and does no I/O.
 *
 *   for (;;) {
 *       int got = wire_reader_next(&reader, &frame);
 *       if (got == WIRE_PARTIAL) {
 *           to = wire_reader_space(&reader, &room);    room 0: wire_reader_grow first
 *           n = read(fd, to, room);
 *           wire_reader_fill(&reader, n);
 *       }
 *   }
 *
 * DATA comes in pieces as it arrives: its payload is what is there, and WIRE_FLAG_END is only set
 * on the last piece of a DATA frame that has it. Every other frame comes whole. A payload is valid
 * until the next call of wire_reader_space or wire_reader_grow.
 */
#ifndef WIRE_READER_H
#define WIRE_READER_H

#include "frame.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint8_t *buffer;
    size_t capacity;
    size_t start;       /* first byte not yet handed out */
    size_t end;         /* behind the last byte read */
    uint32_t data_left; /* bytes of the present DATA frame not yet handed out */
    uint8_t data_flags; /* flags of the present DATA frame */
} wire_reader;

typedef struct {
    uint8_t type;
    uint8_t flags;
    const uint8_t *payload;
    size_t length;
} wire_frame;

void wire_reader_init(wire_reader *reader, uint8_t *buffer, size_t capacity);

/* Where to put the next bytes, and how many fit. Moves what is left to the front when that makes
 * room. `*room` is 0 only when the frame at hand is longer than the buffer. */
uint8_t *wire_reader_space(wire_reader *reader, size_t *room);

/* Takes note of `size` bytes put where wire_reader_space said. */
void wire_reader_fill(wire_reader *reader, size_t size);

/* Moves to a larger buffer (the caller frees the old one). */
void wire_reader_grow(wire_reader *reader, uint8_t *buffer, size_t capacity);

/* 1 and a frame, WIRE_PARTIAL, or an error negated (the reader is then of no more use). */
int wire_reader_next(wire_reader *reader, wire_frame *frame);

/* 1 when no byte of a frame waits (a channel may be kept), else 0. */
int wire_reader_empty(const wire_reader *reader);

/* The size that the buffer must have for the frame at hand, or 0 when it is not known yet. */
size_t wire_reader_needs(const wire_reader *reader);

#ifdef __cplusplus
}
#endif
#endif
