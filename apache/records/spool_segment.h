/* SPDX-License-Identifier: Apache-2.0
 *
 * One file of a spool (spool_format.h says what is in it).
 *
 * Life: its child creates it, locked and mapped, writes records, seals it when it is full, and
 * removes it once all are acknowledged. The lock ends with the process, however that ends: then any
 * other child may adopt the file and deliver what is left. A record that was written is in the
 * kernel's memory: only the machine's end loses it.
 */
#ifndef TENON_SPOOL_SEGMENT_H
#define TENON_SPOOL_SEGMENT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "records/spool_format.h"

#define SPOOL_NAME_BYTES 40

typedef struct spool_segment {
    struct spool_segment *next;
    char name[SPOOL_NAME_BYTES]; /* in the spool's directory; names sort by their age */
    int fd;
    uint8_t *map;     /* while records are written */
    uint64_t size;    /* of the file, bytes */
    uint64_t written; /* as in the header */
    uint64_t taken;
    uint64_t worth;
} spool_segment;

/* Makes a segment with room for `bytes` of records, all of it there on the disk: NULL, with errno,
 * when it cannot be had. `directory` is a descriptor. */
spool_segment *spool_segment_create(int directory, const char *prefix, size_t bytes);

/* Whether a file of that name could be a segment that waits for its records' delivery. */
int spool_segment_named(const char *name);

typedef enum {
    SPOOL_ADOPTED,
    SPOOL_IN_USE, /* its child lives, or another one was quicker, or it has gone */
    SPOOL_EMPTY,  /* nothing waited in it: removed */
    SPOOL_BAD,    /* not a segment, or not ours: to be set aside */
} spool_adopted;

/* Takes over what another child left. */
spool_adopted spool_segment_adopt(int directory, const char *name, spool_segment **segment);

/* Adds a record to a mapped segment that has room. `lasting`: it is to outlive httpd. */
void spool_segment_append(spool_segment *segment, int slot, uint32_t incarnation,
                          const uint8_t *frame, size_t frame_size, int lasting);
size_t spool_segment_room(const spool_segment *segment);

/* Reads from the file, bytes `from` to `to`: 0, or -1. */
int spool_segment_read(const spool_segment *segment, uint64_t from, uint64_t to, uint8_t *bytes);

/* All records up to `taken` are acknowledged. */
void spool_segment_take(spool_segment *segment, uint64_t taken);
/* Makes a mapped segment, of which all is acknowledged, as new. */
void spool_segment_rewind(spool_segment *segment);

/* No more is written. */
void spool_segment_seal(spool_segment *segment);
/* Whether no record that waits in it is to outlive httpd. */
int spool_segment_worthless(const spool_segment *segment);
/* Leaves the file to whoever adopts it, or removes it. */
void spool_segment_close(int directory, spool_segment *segment, int removed);

#endif
