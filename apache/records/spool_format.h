/* SPDX-License-Identifier: Apache-2.0
 *
 * A segment of a spool: a file of records that wait for their worker. Written by one child of
 * httpd, perhaps read by another one that found it left behind, so nothing in it is believed.
 *
 *   offset 0   magic      8 bytes, SPOOL_MAGIC
 *   offset 8   written    8 bytes: end of the last whole record, from the beginning of the file
 *   offset 16  taken      8 bytes: up to here all records are acknowledged
 *   offset 24  worth      8 bytes: end of the last record that is to outlive httpd, whole or not
 *   offset 64  records
 *
 * These four are in the machine's byte order: the file never leaves it, and `written` is stored
 * behind a record's bytes and `worth`, atomically. A record, big-endian:
 *
 *   offset 0   magic        4 bytes, SPOOL_RECORD_MAGIC
 *   offset 4   slot         2 bytes: of the worker that holds state of the request; all bits: none
 *   offset 6   zero         2 bytes
 *   offset 8   incarnation  4 bytes, of that slot
 *   offset 12  length       4 bytes, of the frame
 *   offset 16  frame        a REQUEST of phase LOG_TRANSACTION, flag END
 *
 * Nothing here allocates, or does I/O.
 */
#ifndef TENON_SPOOL_FORMAT_H
#define TENON_SPOOL_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#include "wire/protocol.h"

#define SPOOL_MAGIC          UINT64_C(0x544e53504f4f4c31) /* "TNSPOOL1" */
#define SPOOL_HEADER_BYTES   64
#define SPOOL_WRITTEN_OFFSET 8
#define SPOOL_TAKEN_OFFSET   16
#define SPOOL_WORTH_OFFSET   24
#define SPOOL_RECORD_MAGIC   0x544e5243 /* "TNRC" */
#define SPOOL_ENVELOPE_BYTES 16
#define SPOOL_NO_SLOT        0xffff
/* The longest record there can be. */
#define SPOOL_RECORD_MOST (SPOOL_ENVELOPE_BYTES + WIRE_FRAME_HEADER_BYTES + WIRE_MAX_MESSAGE_BYTES)

typedef struct {
    uint64_t written;
    uint64_t taken;
    uint64_t worth; /* at most `written` */
} spool_header;

typedef struct {
    int slot; /* -1: no worker holds state of the request */
    uint32_t incarnation;
    const uint8_t *frame; /* in the bytes it was read from */
    size_t frame_size;
    size_t size; /* with the envelope */
} spool_record;

void spool_header_write(uint8_t to[SPOOL_HEADER_BYTES], const spool_header *header);

/* Reads the header of a file of `file_size` bytes: 0, or -1 when it is not that of a segment. */
int spool_header_read(const uint8_t from[SPOOL_HEADER_BYTES], uint64_t file_size,
                      spool_header *header);

/* Writes a record's envelope before its frame. `slot` is -1 for none. */
void spool_envelope_write(uint8_t to[SPOOL_ENVELOPE_BYTES], int slot, uint32_t incarnation,
                          size_t frame_size);

/* Reads the first record of some bytes: 1, 0 when they end before it does (`record->size` is then
 * how many it has, or 0 when even that is not known), -1 when there is none. */
int spool_record_read(const uint8_t *bytes, size_t size, spool_record *record);

#endif
