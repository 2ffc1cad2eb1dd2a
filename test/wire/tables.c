/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints what the C compiler sees. `tables`: lines "table row value" of protocol.h. `exchange`:
 * lines "state event next". `board FILE SLOT CLAIM`: lines of a scoreboard that TypeScript wrote.
 */
#include "exchange.h"
#include "fields.h"
#include "scoreboard.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void print_tables(void)
{
#define NUMBERS(name, value, meaning) printf("WireNumber " #name " %u\n", (unsigned)WIRE_##name);
    WIRE_NUMBERS(NUMBERS)
#define TYPES(name, value, meaning) printf("FrameType " #name " %u\n", (unsigned)WIRE_FRAME_##name);
    WIRE_FRAME_TYPES(TYPES)
#define FLAGS(name, value, meaning) printf("Flag " #name " %u\n", (unsigned)WIRE_FLAG_##name);
    WIRE_FLAGS(FLAGS)
#define PHASES(name, ...) printf("Phase " #name " %u\n", (unsigned)WIRE_PHASE_##name);
    WIRE_PHASES(PHASES)
#define FACTS(name, value, meaning) printf("Fact " #name " %u\n", (unsigned)WIRE_FACT_##name);
    WIRE_FACTS(FACTS)
#define TABLES(name, value, meaning) \
    printf("EntryTable " #name " %u\n", (unsigned)WIRE_TABLE_##name);
    WIRE_TABLES(TABLES)
#define OPERATIONS(name, value, meaning) \
    printf("EntryOperation " #name " %u\n", (unsigned)WIRE_OPERATION_##name);
    WIRE_OPERATIONS(OPERATIONS)
#define ASKS(name, value, meaning) printf("AskKind " #name " %u\n", (unsigned)WIRE_ASK_##name);
    WIRE_ASKS(ASKS)
#define RESULTS(name, value, meaning) \
    printf("ResultFlag " #name " %u\n", (unsigned)WIRE_RESULT_FLAG_##name);
    WIRE_RESULT_FLAGS(RESULTS)
#define ERRORS(name, value, meaning) \
    printf("WireError " #name " %u\n", (unsigned)WIRE_ERROR_##name);
    WIRE_ERRORS(ERRORS)
#define LEVELS(name, value, meaning) printf("LogLevel " #name " %u\n", (unsigned)WIRE_LOG_##name);
    WIRE_LOG_LEVELS(LEVELS)
#define HEADERS(name, value, meaning) printf("Header " #name " %u\n", (unsigned)WIRE_HEADER_##name);
    WIRE_HEADERS(HEADERS)
#define SIZES(name, value, meaning) \
    printf("ScoreboardSize " #name " %u\n", (unsigned)WIRE_SCOREBOARD_##name);
    WIRE_SCOREBOARD_SIZES(SIZES)
#define WORDS(name, value, meaning) \
    printf("ScoreboardHeader " #name " %u\n", (unsigned)WIRE_BOARD_##name);
    WIRE_SCOREBOARD_HEADER(WORDS)
#define SLOTS(name, value, meaning) \
    printf("ScoreboardSlot " #name " %u\n", (unsigned)WIRE_SLOT_##name);
    WIRE_SCOREBOARD_SLOT(SLOTS)
#define STATES(name, value, meaning) \
    printf("WorkerState " #name " %u\n", (unsigned)WIRE_STATE_##name);
    WIRE_WORKER_STATES(STATES)
#define ENDINGS(name, value, meaning) \
    printf("WorkerEnding " #name " %u\n", (unsigned)WIRE_ENDING_##name);
    WIRE_WORKER_ENDINGS(ENDINGS)
#define BREAKERS(name, value, meaning) \
    printf("BreakerState " #name " %u\n", (unsigned)WIRE_BREAKER_##name);
    WIRE_BREAKER_STATES(BREAKERS)
#define NAMES(name, value, meaning) printf("headerNames " meaning " %u\n", (unsigned)value);
    WIRE_HEADERS(NAMES)
}

static const char *event_name(int event)
{
#define WIRE_ROW(name, value, meaning) #name,
    static const char *const names[] = {WIRE_EXCHANGE_EVENTS(WIRE_ROW)};
#undef WIRE_ROW
    return names[event];
}

static void print_exchange(void)
{
    int state;
    int event;

    for (state = WIRE_EXCHANGE_NEW; state <= WIRE_EXCHANGE_ABORTED; state++)
        for (event = WIRE_EVENT_HELLO; event <= WIRE_EVENT_WHOLE_REPLY; event++) {
            const uint8_t next = wire_exchange_next((uint8_t)state, (wire_exchange_event)event);

            printf("%s %s %s\n", wire_exchange_state_name((uint8_t)state), event_name(event),
                   next == 0 ? "-" : wire_exchange_state_name(next));
        }
}

/* "worker RESPONSE end status" and the like: the frames of a script, one a line, through steps. */
static void run_script(void)
{
    char from[16];
    unsigned type;
    unsigned flags;
    unsigned status;
    uint8_t state = WIRE_EXCHANGE_NEW;

    while (scanf("%15s %u %u %u", from, &type, &flags, &status) == 4) {
        const int failed = wire_exchange_step(
            &state, strcmp(from, "worker") == 0 ? WIRE_FROM_WORKER : WIRE_FROM_HOST, (uint8_t)type,
            (uint8_t)flags, status);

        printf("%s %d %s\n", failed == 0 ? "ok" : wire_error_name(-failed),
               wire_exchange_idle(state), wire_exchange_state_name(state));
    }
}

static int print_board(const char *path, unsigned slot, unsigned claim)
{
    static uint32_t words[65536];
    FILE *file = fopen(path, "rb");
    wire_scoreboard board;
    size_t size;

    if (file == NULL)
        return 1;
    size = fread(words, 1, sizeof(words), file);
    fclose(file);
    if (wire_scoreboard_open(&board, words, size) != 0 || slot >= board.slots)
        return 1;
    printf("slots %u\nsize %zu\n", board.slots, wire_scoreboard_size(board.slots));
    printf("supervisor %u\n", wire_scoreboard_header(&board, WIRE_BOARD_SUPERVISOR));
    printf("pid %u\n", wire_scoreboard_slot(&board, slot, WIRE_SLOT_PID));
    printf("claim %u\n", wire_scoreboard_claim(&board, slot, claim));
    printf("pick %d\n", wire_scoreboard_pick(&board, 1000, 100, 0, NULL, 0));
    printf("purged %llu %llu\n", (unsigned long long)wire_scoreboard_purged(&board, "fixups"),
           (unsigned long long)wire_scoreboard_purged(&board, "accessChecker"));
    printf("open %u %u %u\n", wire_scoreboard_open_ms(&board, 4000000000u),
           wire_scoreboard_open_ms(&board, 200), wire_scoreboard_open_ms(&board, 205));
    return 0;
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";

    if (strcmp(what, "tables") == 0)
        print_tables();
    else if (strcmp(what, "exchange") == 0)
        print_exchange();
    else if (strcmp(what, "script") == 0)
        run_script();
    else if (strcmp(what, "board") == 0 && count == 5)
        return print_board(arguments[2], (unsigned)atoi(arguments[3]),
                           (unsigned)atoi(arguments[4]));
    else
        return 2;
    return 0;
}
