/* SPDX-License-Identifier: Apache-2.0
 *
 * Generated from native/wire/protocol.h by native/wire/generate.mjs (npm run gen): do not edit.
 *
 * Where a well-known header name is found: a hash of its length and three characters without
 * collisions. Included by fields.c alone.
 */
#ifndef WIRE_HEADER_INDEX_H
#define WIRE_HEADER_INDEX_H

#include <stddef.h>
#include <stdint.h>

/* clang-format off */

/* The place of a name of at least 2 characters. */
static inline uint8_t wire_header_place(const uint8_t *name, size_t length)
{
    return (uint8_t)(length * 123 + name[0] * 101u + name[length - 1] * 3u + name[length - 2] * 1u);
}

/* Codes by place; 0 where there is none. */
static const uint8_t wire_header_index[256] = {
    0, 0, 36, 0, 0, 0, 0, 0, 0, 0, 31, 0, 44, 0, 0, 0,
    0, 59, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 45, 0, 0, 0,
    0, 55, 0, 25, 0, 48, 0, 0, 0, 63, 42, 0, 0, 0, 0, 0,
    0, 0, 0, 0, 46, 0, 0, 0, 0, 0, 0, 29, 51, 50, 0, 0,
    26, 0, 0, 0, 15, 0, 0, 37, 43, 11, 16, 0, 0, 0, 0, 0,
    0, 5, 0, 1, 23, 0, 0, 39, 0, 54, 0, 0, 47, 0, 41, 0,
    0, 9, 0, 19, 0, 0, 0, 0, 0, 0, 38, 0, 0, 0, 0, 0,
    3, 0, 40, 0, 0, 0, 0, 0, 0, 53, 0, 0, 0, 2, 0, 0,
    30, 0, 24, 0, 0, 0, 0, 0, 0, 0, 27, 0, 0, 34, 0, 20,
    0, 0, 0, 0, 0, 0, 0, 33, 0, 0, 0, 0, 0, 8, 0, 0,
    0, 49, 4, 0, 61, 0, 58, 28, 0, 0, 0, 0, 6, 0, 0, 0,
    0, 0, 60, 0, 62, 13, 0, 56, 0, 0, 0, 21, 0, 0, 0, 0,
    35, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 32, 0, 0, 0,
    0, 0, 17, 0, 0, 14, 0, 0, 0, 0, 22, 0, 0, 0, 0, 0,
    7, 0, 0, 0, 0, 0, 0, 0, 0, 18, 0, 57, 0, 0, 0, 0,
    0, 0, 52, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0,
};

/* clang-format on */

#endif
