/* SPDX-License-Identifier: Apache-2.0 */
#include "frame.h"
#include "bytes.h"

static int flags_allowed(uint8_t type)
{
    switch (type) {
    case WIRE_FRAME_REQUEST:
        return WIRE_FLAG_END | WIRE_FLAG_UPGRADE;
    case WIRE_FRAME_RESPONSE:
    case WIRE_FRAME_DATA:
    case WIRE_FRAME_FILE:
    case WIRE_FRAME_REPLY:
        return WIRE_FLAG_END;
    default:
        return 0;
    }
}

static int type_known(uint8_t type)
{
#define WIRE_ROW(name, value, meaning) case value:
    switch (type) {
        WIRE_FRAME_TYPES(WIRE_ROW)
        return 1;
    default:
        return 0;
    }
#undef WIRE_ROW
}

void wire_frame_encode(uint8_t *to, wire_frame_type type, uint8_t flags, uint32_t length)
{
    wire_put_u8(to, (uint8_t)type);
    wire_put_u8(to + 1, flags);
    wire_put_u16(to + 2, 0);
    wire_put_u32(to + 4, length);
}

int wire_frame_decode(const uint8_t *from, size_t size, wire_frame_header *header)
{
    uint32_t longest;

    if (size < WIRE_FRAME_HEADER_BYTES)
        return WIRE_PARTIAL;
    header->type = wire_get_u8(from);
    header->flags = wire_get_u8(from + 1);
    header->length = wire_get_u32(from + 4);
    if (!type_known(header->type))
        return -WIRE_ERROR_UNKNOWN_FRAME;
    if ((header->flags & ~flags_allowed(header->type)) != 0 || wire_get_u16(from + 2) != 0 ||
        header->flags == (WIRE_FLAG_END | WIRE_FLAG_UPGRADE))
        return -WIRE_ERROR_BAD_FLAGS;
    longest = header->type == WIRE_FRAME_DATA ? WIRE_MAX_DATA_BYTES : WIRE_MAX_MESSAGE_BYTES;
    if (header->length > longest)
        return -WIRE_ERROR_TOO_LONG;
    return WIRE_FRAME_HEADER_BYTES;
}

#define WIRE_NAME_ROW(name, value, meaning) \
    case value:                             \
        return #name;
#define WIRE_MEANING_ROW(name, value, meaning) \
    case value:                                \
        return meaning;

const char *wire_frame_type_name(int type)
{
    switch (type) {
        WIRE_FRAME_TYPES(WIRE_NAME_ROW)
    default:
        return "unknown";
    }
}

const char *wire_error_name(int error)
{
    switch (error) {
        WIRE_ERRORS(WIRE_NAME_ROW)
    default:
        return "UNKNOWN";
    }
}

const char *wire_error_meaning(int error)
{
    switch (error) {
        WIRE_ERRORS(WIRE_MEANING_ROW)
    default:
        return "an error that this version does not know";
    }
}
