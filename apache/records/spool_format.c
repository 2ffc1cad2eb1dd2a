/* SPDX-License-Identifier: Apache-2.0 */
#include "records/spool_format.h"

#include <string.h>

#include "wire/bytes.h"
#include "wire/message.h"

enum { ENVELOPE_SLOT = 4, ENVELOPE_ZERO = 6, ENVELOPE_INCARNATION = 8, ENVELOPE_LENGTH = 12 };

void spool_header_write(uint8_t to[SPOOL_HEADER_BYTES], const spool_header *header)
{
    const uint64_t magic = SPOOL_MAGIC;
    memset(to, 0, SPOOL_HEADER_BYTES);
    memcpy(to, &magic, sizeof(magic));
    memcpy(to + SPOOL_WRITTEN_OFFSET, &header->written, sizeof(header->written));
    memcpy(to + SPOOL_TAKEN_OFFSET, &header->taken, sizeof(header->taken));
    memcpy(to + SPOOL_WORTH_OFFSET, &header->worth, sizeof(header->worth));
}

int spool_header_read(const uint8_t from[SPOOL_HEADER_BYTES], uint64_t file_size,
                      spool_header *header)
{
    uint64_t magic;
    memcpy(&magic, from, sizeof(magic));
    memcpy(&header->written, from + SPOOL_WRITTEN_OFFSET, sizeof(header->written));
    memcpy(&header->taken, from + SPOOL_TAKEN_OFFSET, sizeof(header->taken));
    memcpy(&header->worth, from + SPOOL_WORTH_OFFSET, sizeof(header->worth));
    header->worth = header->worth > header->written ? header->written : header->worth;
    return magic == SPOOL_MAGIC && header->taken >= SPOOL_HEADER_BYTES &&
                   header->taken <= header->written && header->written <= file_size
               ? 0
               : -1;
}

void spool_envelope_write(uint8_t to[SPOOL_ENVELOPE_BYTES], int slot, uint32_t incarnation,
                          size_t frame_size)
{
    wire_put_u32(to, SPOOL_RECORD_MAGIC);
    wire_put_u16(to + ENVELOPE_SLOT,
                 slot >= 0 && slot < SPOOL_NO_SLOT ? (uint16_t)slot : SPOOL_NO_SLOT);
    wire_put_u16(to + ENVELOPE_ZERO, 0);
    wire_put_u32(to + ENVELOPE_INCARNATION, incarnation);
    wire_put_u32(to + ENVELOPE_LENGTH, (uint32_t)frame_size);
}

/* Whether the payload is that of a record, as far as the host can tell: its lists are whole. */
static int payload_allowed(const uint8_t *payload, size_t length)
{
    wire_request request;
    wire_text name;
    wire_text value;
    uint8_t fact;
    if (wire_request_decode(payload, length, &request) != 0 ||
        request.phase != WIRE_PHASE_LOG_TRANSACTION) {
        return 0;
    }
    for (unsigned i = 0; i < request.facts; i++) {
        if (wire_read_fact(&request.fields, &fact, &value) != 0) {
            return 0;
        }
    }
    for (unsigned i = 0; i < request.headers; i++) {
        if (wire_read_header(&request.fields, &name, &value) != 0) {
            return 0;
        }
    }
    while (request.fields.at < request.fields.end) {
        wire_entry entry;
        if (wire_read_entry(&request.fields, &entry) != 0) {
            return 0;
        }
    }
    return 1;
}

static int frame_allowed(const uint8_t *frame, size_t size)
{
    wire_frame_header header;
    return wire_frame_decode(frame, size, &header) == WIRE_FRAME_HEADER_BYTES &&
           header.type == WIRE_FRAME_REQUEST && header.flags == WIRE_FLAG_END &&
           header.length == size - WIRE_FRAME_HEADER_BYTES &&
           payload_allowed(frame + WIRE_FRAME_HEADER_BYTES, header.length);
}

int spool_record_read(const uint8_t *bytes, size_t size, spool_record *record)
{
    uint16_t slot;
    record->size = 0;
    if (size < SPOOL_ENVELOPE_BYTES) {
        return 0;
    }
    record->frame_size = wire_get_u32(bytes + ENVELOPE_LENGTH);
    if (wire_get_u32(bytes) != SPOOL_RECORD_MAGIC || wire_get_u16(bytes + ENVELOPE_ZERO) != 0 ||
        record->frame_size < WIRE_FRAME_HEADER_BYTES ||
        record->frame_size > SPOOL_RECORD_MOST - SPOOL_ENVELOPE_BYTES) {
        return -1;
    }
    record->size = SPOOL_ENVELOPE_BYTES + record->frame_size;
    if (size < record->size) {
        return 0;
    }
    slot = wire_get_u16(bytes + ENVELOPE_SLOT);
    record->slot = slot == SPOOL_NO_SLOT ? -1 : slot;
    record->incarnation = wire_get_u32(bytes + ENVELOPE_INCARNATION);
    record->frame = bytes + SPOOL_ENVELOPE_BYTES;
    return frame_allowed(record->frame, record->frame_size) ? 1 : -1;
}
