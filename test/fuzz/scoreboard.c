/* SPDX-License-Identifier: Apache-2.0
 *
 * libFuzzer: a scoreboard of any content and size. Five words say what is asked of it, the rest is
 * the mapping, allocated to its exact size.
 */
#include "scoreboard.h"

#include <stdlib.h>
#include <string.h>

enum { QUESTION_WORDS = 5 };

static void ask(const wire_scoreboard *board, const uint32_t *question)
{
    const int picked =
        wire_scoreboard_pick(board, question[0], question[1], (uint64_t)question[2] << 32 | 1,
                             question, question[3] % (QUESTION_WORDS + 1));

    if (picked < -1 || picked >= (int)board->slots || picked == 0)
        abort();
    if (picked >= 0 && wire_scoreboard_slot(board, (unsigned)picked, WIRE_SLOT_IN_FLIGHT) >=
                           wire_scoreboard_slot(board, (unsigned)picked, WIRE_SLOT_CAPACITY))
        abort();
    if (board->slots > 0) {
        wire_scoreboard_claim(board, board->slots - 1, WIRE_CLAIMS_PER_SLOT - 1);
        wire_scoreboard_slot(board, board->slots - 1, (wire_slot_word)15);
    }
    wire_scoreboard_stalls(board, question[0] % 4, question[0], question[1]);
    if (wire_scoreboard_open_ms(board, question[0]) > WIRE_LONGEST_OPEN_MS)
        abort();
    wire_scoreboard_claimed(board, question[0] % 4, question[1], question[3] % 2048, question[2],
                            question[4]);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint32_t question[QUESTION_WORDS];
    wire_scoreboard board;
    size_t length;
    void *mapping;

    if (size <= sizeof(question))
        return 0;
    memcpy(question, bytes, sizeof(question));
    length = size - sizeof(question);
    mapping = malloc(length);
    memcpy(mapping, bytes + sizeof(question), length);
    if (wire_scoreboard_open(&board, mapping, length) == 0) {
        if (wire_scoreboard_size(board.slots) > length)
            abort();
        ask(&board, question);
    }
    free(mapping);
    return 0;
}
