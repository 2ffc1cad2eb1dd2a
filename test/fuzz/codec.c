/* SPDX-License-Identifier: Apache-2.0
 *
 * libFuzzer: bytes through the reader and every decoder. The first byte says how they are cut into
 * pieces; whatever the cut, the frames must be the same.
 */
#include "../wire/describe.h"

#include <stdlib.h>
#include <string.h>

static description said[2];

static int take_frames(wire_reader *reader, description *to)
{
    for (;;) {
        wire_frame frame;
        const int got = wire_reader_next(reader, &frame);

        if (got == WIRE_PARTIAL)
            return 0;
        if (got < 0)
            to->error = -got;
        else
            describe_frame(to, &frame);
        if (to->error != 0)
            return -1;
    }
}

static void grow(wire_reader *reader)
{
    uint8_t *old = reader->buffer;
    const size_t needs = wire_reader_needs(reader);
    uint8_t *larger = malloc(needs);

    if (larger == NULL || needs <= reader->capacity)
        abort();
    wire_reader_grow(reader, larger, needs);
    free(old);
}

static void decode(const uint8_t *bytes, size_t size, size_t step, description *to)
{
    wire_reader reader;
    size_t room;

    description_init(to);
    wire_reader_init(&reader, malloc(WIRE_FRAME_HEADER_BYTES), WIRE_FRAME_HEADER_BYTES);
    while (size > 0) {
        uint8_t *at = wire_reader_space(&reader, &room);
        size_t piece = step < size ? step : size;

        if (room == 0) {
            grow(&reader);
            continue;
        }
        if (piece > room)
            piece = room;
        memcpy(at, bytes, piece);
        wire_reader_fill(&reader, piece);
        bytes += piece;
        size -= piece;
        if (take_frames(&reader, to) != 0)
            break;
    }
    describe_end(to, !wire_reader_empty(&reader));
    free(reader.buffer);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0 || size > 16384)
        return 0;
    decode(bytes + 1, size - 1, size, &said[0]);
    decode(bytes + 1, size - 1, (size_t)bytes[0] + 1, &said[1]);
    if (strcmp(said[0].text, said[1].text) != 0)
        abort();
    return 0;
}
