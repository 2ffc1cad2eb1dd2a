/* SPDX-License-Identifier: Apache-2.0
 *
 * libFuzzer: a segment of a spool as another process may have left it. What is read must lie within
 * the bytes, and be a record that could be written again.
 */
#include "records/spool_format.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void check_record(const uint8_t *bytes, size_t size, const spool_record *record)
{
    uint8_t envelope[SPOOL_ENVELOPE_BYTES];
    if (record->size > size || record->frame != bytes + SPOOL_ENVELOPE_BYTES ||
        record->frame_size + SPOOL_ENVELOPE_BYTES != record->size || record->slot < -1)
        abort();
    spool_envelope_write(envelope, record->slot, record->incarnation, record->frame_size);
    if (memcmp(envelope, bytes, sizeof(envelope)) != 0)
        abort();
}

static void check_records(const uint8_t *bytes, size_t size)
{
    for (;;) {
        spool_record record;
        const int state = spool_record_read(bytes, size, &record);
        if (state <= 0) {
            if (state == 0 && record.size != 0 && record.size <= size)
                abort();
            return;
        }
        check_record(bytes, size, &record);
        bytes += record.size;
        size -= record.size;
    }
}

static void check_file(const uint8_t *bytes, size_t size)
{
    spool_header header;
    if (size < SPOOL_HEADER_BYTES || spool_header_read(bytes, size, &header) != 0)
        return;
    if (header.taken < SPOOL_HEADER_BYTES || header.taken > header.written ||
        header.written > size || header.worth > header.written)
        abort();
    check_records(bytes + header.taken, (size_t)(header.written - header.taken));
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    /* Of its exact size, so that a byte read beyond its end is seen. */
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (!copy)
        abort();
    if (size > 0)
        memcpy(copy, bytes, size);
    check_file(copy, size);
    check_records(copy, size);
    free(copy);
    return 0;
}
