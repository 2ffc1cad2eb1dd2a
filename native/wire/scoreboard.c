/* SPDX-License-Identifier: Apache-2.0 */
#include "scoreboard.h"

enum {
    WORD_BYTES = 4,
    WORDS_PER_SLOT = WIRE_SCOREBOARD_SLOT_WORDS + WIRE_CLAIMS_PER_SLOT,
    AVOIDABLE_SLOTS = 64,
    CLAIM_NUMBER_MASK = (1 << WIRE_CLAIM_NUMBER_BITS) - 1
};

static uint32_t load(const uint32_t *word)
{
#if defined(_MSC_VER) && !defined(__clang__)
    return *(const volatile uint32_t *)word; /* acquire under /volatile:ms, the default on x64 */
#else
    return __atomic_load_n(word, __ATOMIC_ACQUIRE);
#endif
}

size_t wire_scoreboard_size(unsigned slots)
{
    return WORD_BYTES * (WIRE_SCOREBOARD_HEADER_WORDS + (size_t)slots * WORDS_PER_SLOT);
}

int wire_scoreboard_open(wire_scoreboard *board, const void *mapping, size_t size)
{
    const size_t header_bytes = (size_t)WORD_BYTES * WIRE_SCOREBOARD_HEADER_WORDS;
    uint32_t slots;

    if (size < header_bytes || (uintptr_t)mapping % WORD_BYTES != 0)
        return -1;
    board->words = (const uint32_t *)mapping;
    if (load(board->words + WIRE_BOARD_MAGIC) != WIRE_SCOREBOARD_MAGIC ||
        load(board->words + WIRE_BOARD_LAYOUT) != WIRE_SCOREBOARD_LAYOUT)
        return -1;
    /* Read once: a worker may change it while we look. */
    slots = load(board->words + WIRE_BOARD_SLOTS);
    if (slots > (size - header_bytes) / WORD_BYTES / WORDS_PER_SLOT)
        return -1;
    board->slots = slots;
    return 0;
}

uint32_t wire_scoreboard_header(const wire_scoreboard *board, wire_board_word word)
{
    return load(board->words + word);
}

uint32_t wire_scoreboard_slot(const wire_scoreboard *board, unsigned slot, wire_slot_word word)
{
    return load(board->words + WIRE_SCOREBOARD_HEADER_WORDS +
                (size_t)slot * WIRE_SCOREBOARD_SLOT_WORDS + word);
}

uint32_t wire_scoreboard_claim(const wire_scoreboard *board, unsigned slot, unsigned claim)
{
    return load(board->words + WIRE_SCOREBOARD_HEADER_WORDS +
                (size_t)board->slots * WIRE_SCOREBOARD_SLOT_WORDS +
                (size_t)slot * WIRE_CLAIMS_PER_SLOT + claim);
}

static uint64_t time_at(const wire_scoreboard *board, unsigned word)
{
    return (uint64_t)load(board->words + word) << 32 | load(board->words + word + 1);
}

/* FNV-1a, of the export's name in UTF-8. */
static unsigned purge_group(const char *export_name)
{
    uint32_t hash = 0x811c9dc5;

    for (; *export_name != '\0'; export_name++)
        hash = (hash ^ (uint8_t)*export_name) * 0x01000193;
    return hash % WIRE_SCOREBOARD_PURGE_GROUPS;
}

uint64_t wire_scoreboard_purged(const wire_scoreboard *board, const char *export_name)
{
    const uint64_t all = time_at(board, WIRE_BOARD_PURGED);
    const uint64_t some = time_at(board, WIRE_BOARD_EXPORTS_PURGED + 2 * purge_group(export_name));

    return some > all ? some : all;
}

/* A heartbeat may be a little ahead of a `now` that was read before it. */
static int fresh(uint32_t heartbeat, uint32_t now_ms, uint32_t stale_ms)
{
    return now_ms - heartbeat <= stale_ms || heartbeat - now_ms <= stale_ms;
}

static int takes(const wire_scoreboard *board, unsigned slot, uint32_t in_flight, uint32_t now_ms,
                 uint32_t stale_ms)
{
    return wire_scoreboard_slot(board, slot, WIRE_SLOT_STATE) == WIRE_STATE_READY &&
           in_flight < wire_scoreboard_slot(board, slot, WIRE_SLOT_CAPACITY) &&
           fresh(wire_scoreboard_slot(board, slot, WIRE_SLOT_HEARTBEAT), now_ms, stale_ms);
}

int wire_scoreboard_pick(const wire_scoreboard *board, uint32_t now_ms, uint32_t stale_ms,
                         uint64_t avoid, const uint32_t *mine, unsigned counted)
{
    uint64_t least = UINT64_MAX;
    int picked = -1;
    unsigned slot;

    for (slot = 0; slot < board->slots && least > 0; slot++) {
        uint32_t in_flight;
        uint64_t rank;

        if (slot < AVOIDABLE_SLOTS && (avoid >> slot & 1) != 0)
            continue;
        in_flight = wire_scoreboard_slot(board, slot, WIRE_SLOT_IN_FLIGHT);
        rank = slot < counted && load(mine + slot) > in_flight ? load(mine + slot) : in_flight;
        if (!fresh(wire_scoreboard_slot(board, slot, WIRE_SLOT_HEARTBEAT), now_ms, WIRE_LATE_MS))
            rank |= (uint64_t)1 << 32;
        if (rank >= least || !takes(board, slot, in_flight, now_ms, stale_ms))
            continue;
        least = rank;
        picked = (int)slot;
    }
    return picked;
}

int wire_scoreboard_stalls(const wire_scoreboard *board, unsigned slot, uint32_t now_ms,
                           uint32_t stale_ms)
{
    const uint32_t state =
        slot < board->slots ? wire_scoreboard_slot(board, slot, WIRE_SLOT_STATE) : 0;

    return (state == WIRE_STATE_READY || state == WIRE_STATE_DRAINING) &&
           !fresh(wire_scoreboard_slot(board, slot, WIRE_SLOT_HEARTBEAT), now_ms, stale_ms);
}

int wire_scoreboard_room(const wire_scoreboard *board, unsigned slot, uint32_t incarnation,
                         uint32_t now_ms, uint32_t stale_ms)
{
    return slot < board->slots &&
           wire_scoreboard_slot(board, slot, WIRE_SLOT_INCARNATION) == incarnation &&
           takes(board, slot, wire_scoreboard_slot(board, slot, WIRE_SLOT_IN_FLIGHT), now_ms,
                 stale_ms);
}

uint32_t wire_scoreboard_open_ms(const wire_scoreboard *board, uint32_t now_ms)
{
    const uint32_t left = wire_scoreboard_header(board, WIRE_BOARD_BREAKER_UNTIL) - now_ms;

    /* What has passed is a huge number. */
    return wire_scoreboard_header(board, WIRE_BOARD_BREAKER) == WIRE_BREAKER_OPEN &&
                   left <= WIRE_LONGEST_OPEN_MS
               ? left
               : 0;
}

wire_claim_state wire_scoreboard_claimed(const wire_scoreboard *board, unsigned slot,
                                         uint32_t incarnation, unsigned claim_index, uint32_t claim,
                                         uint32_t exchange)
{
    const uint32_t before =
        (claim & ~(uint32_t)CLAIM_NUMBER_MASK) | ((claim + exchange - 1) & CLAIM_NUMBER_MASK);

    if (slot >= board->slots || claim_index >= WIRE_CLAIMS_PER_SLOT)
        return WIRE_CLAIM_BEGUN;
    /* In this order: a later incarnation writes its number before it touches a claim word, so the
     * word is the old worker's when its number still stands after the word was read. */
    if (wire_scoreboard_claim(board, slot, claim_index) != before ||
        wire_scoreboard_slot(board, slot, WIRE_SLOT_INCARNATION) != incarnation)
        return WIRE_CLAIM_BEGUN;
    return WIRE_CLAIM_NOT_BEGUN;
}
