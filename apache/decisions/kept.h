/* SPDX-License-Identifier: Apache-2.0
 *
 * A decision as bytes, as it is kept in the cache. What is read may have been written by anybody.
 */
#ifndef TENON_KEPT_H
#define TENON_KEPT_H

#include <stddef.h>
#include <stdint.h>

/* What a decision is, beside the changes that follow it. Times in ms since 1970. */
typedef struct {
    int code;
    uint64_t asked;   /* when the question was put */
    uint64_t expires; /* when it counts no more */
} tenon_kept;

/* One change of the request. */
typedef struct {
    uint8_t how; /* as in tenon_entry */
    const char *name;
    const char *value; /* NULL when unset */
} tenon_kept_change;

typedef struct {
    uint8_t *bytes;
    size_t size;
    size_t at; /* bytes written, or read */
} tenon_kept_bytes;

/* Write: 0, or -1 when there is no room. */
int tenon_kept_put(tenon_kept_bytes *to, const tenon_kept *kept);
int tenon_kept_put_change(tenon_kept_bytes *to, const tenon_kept_change *change);

/* Read: 0, or -1 when that is no decision. A change's texts stay where they are, in `bytes`. */
int tenon_kept_get(tenon_kept_bytes *from, tenon_kept *kept);
int tenon_kept_get_change(tenon_kept_bytes *from, tenon_kept_change *change);

#endif
