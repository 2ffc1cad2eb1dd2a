/* SPDX-License-Identifier: Apache-2.0
 *
 * The frame header: 8 bytes before every payload.
 *
 *   offset 0  type      one of WIRE_FRAME_TYPES
 *   offset 1  flags     bits of WIRE_FLAGS
 *   offset 2  reserved  two bytes, zero
 *   offset 4  length    of the payload, 32 bits, big-endian
 *
 * Every function of the codec that can fail returns: >= 0 for success (often a number of bytes),
 * WIRE_PARTIAL (-1) when more bytes are needed, or a wire_error negated (<= -2). None allocates,
 * does I/O or keeps anything: buffers belong to the caller, results point into them.
 */
#ifndef WIRE_FRAME_H
#define WIRE_FRAME_H

#include <stddef.h>
#include <stdint.h>
#include "protocol.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint8_t type;    /* wire_frame_type */
    uint8_t flags;   /* WIRE_FLAG_* */
    uint32_t length; /* of the payload, bytes */
} wire_frame_header;

/* Writes a frame header to `to`, which has WIRE_FRAME_HEADER_BYTES of room. */
void wire_frame_encode(uint8_t *to, wire_frame_type type, uint8_t flags, uint32_t length);

/* Reads and checks a frame header: WIRE_FRAME_HEADER_BYTES, WIRE_PARTIAL, or an error:
 * UNKNOWN_FRAME, BAD_FLAGS (also when the type does not allow the flag), TOO_LONG. */
int wire_frame_decode(const uint8_t *from, size_t size, wire_frame_header *header);

/* "HELLO", or "unknown". */
const char *wire_frame_type_name(int type);
/* "OUT_OF_ORDER", or "UNKNOWN"; and its meaning. Takes the positive number. */
const char *wire_error_name(int error);
const char *wire_error_meaning(int error);

#ifdef __cplusplus
}
#endif
#endif
