/* SPDX-License-Identifier: Apache-2.0
 *
 * What the vectors cannot say of the codec in C: the lookup of header names, the checks of values,
 * limits of encoding, the reader's buffer, the scoreboard.
 */
#include "message.h"
#include "reader.h"
#include "scoreboard.h"
#include "tap.h"

#include <stdlib.h>
#include <string.h>

static void check(int passed, const char *subject, const char *sentence)
{
    tap(passed, subject, sentence, "see checks.c");
}

static void check_header_names(void)
{
#define WIRE_ROW(name, value, meaning) {meaning, value},
    static const struct {
        const char *name;
        int code;
    } rows[] = {WIRE_HEADERS(WIRE_ROW)};
#undef WIRE_ROW
    const size_t count = sizeof(rows) / sizeof(rows[0]);
    size_t index;
    int found = 1;
    int others = 1;
    int back = 1;

    for (index = 0; index < count; index++) {
        const size_t length = strlen(rows[index].name);
        char *copy = malloc(length + 2);
        size_t at;

        memcpy(copy, rows[index].name, length + 1);
        found &= wire_header_code(copy, length) == rows[index].code;
        back &= strcmp(wire_header_name((uint8_t)rows[index].code), rows[index].name) == 0;
        for (at = 0; at < length; at++) {
            copy[at] ^= 0x20;
            others &= wire_header_code(copy, length) == 0;
            copy[at] ^= 0x20;
        }
        others &= wire_header_code(copy, length - 1) != rows[index].code;
        copy[length] = 'x';
        others &= wire_header_code(copy, length + 1) != rows[index].code;
        free(copy);
    }
    check(found, "fields", "finds the code of every header");
    check(back, "fields", "gives the name of every code");
    check(others, "fields", "finds no code for any other spelling");
    check(wire_header_code("", 0) == 0 && wire_header_code("T", 1) == 0, "fields",
          "finds no code for names that are too short");
    check(wire_header_name(0) == NULL && wire_header_name(255) == NULL, "fields",
          "gives no name for codes that are not known");
}

static void check_values(void)
{
    char value[40];
    size_t length;
    size_t at;
    int allowed = 1;
    int refused = 1;

    for (length = 0; length <= sizeof(value); length++) {
        memset(value, 0xff, sizeof(value));
        allowed &= wire_value_allowed(value, length);
        memset(value, 0x0b, sizeof(value));
        allowed &= wire_value_allowed(value, length);
        memset(value, 0x01, sizeof(value));
        allowed &= wire_value_allowed(value, length);
        for (at = 0; at < length; at++) {
            const char bad[] = {'\r', '\n', '\0'};
            size_t which;

            for (which = 0; which < sizeof(bad); which++) {
                memset(value, 'a', sizeof(value));
                value[at] = bad[which];
                refused &= !wire_value_allowed(value, length);
            }
        }
    }
    check(allowed, "fields", "allows values of any other bytes and length");
    check(refused, "fields", "refuses CR, LF and NUL at every offset of a value");
}

static void check_tokens(void)
{
    const char *others = "!#$%&'*+-.^_`|~";
    int right = 1;
    int byte;

    for (byte = 0; byte < 256; byte++) {
        const char name = (char)byte;
        const int letter = (byte >= 'A' && byte <= 'Z') || (byte >= 'a' && byte <= 'z');
        const int token =
            letter || (byte >= '0' && byte <= '9') || (byte != 0 && strchr(others, byte) != NULL);

        right &= wire_name_allowed(&name, 1) == token;
    }
    check(right, "fields", "knows the characters of a token");
    check(!wire_name_allowed("", 0), "fields", "refuses a name of no characters");
}

static int finish_one_header(uint8_t *buffer, size_t capacity, const char *name, const char *value)
{
    wire_writer writer = {buffer, capacity, 0, 0};

    wire_response_begin(&writer, 200, "OK", 2);
    wire_write_header(&writer, name, strlen(name), value, strlen(value));
    return wire_response_finish(&writer, 0, 1);
}

static void check_refused_encodings(void)
{
    static uint8_t buffer[WIRE_MAX_MESSAGE_BYTES + 4096];
    static char long_value[WIRE_MAX_MESSAGE_BYTES];
    wire_writer writer = {buffer, sizeof(buffer), 0, 0};
    wire_hello hello = {1, 1, 0, WIRE_CLAIMS_PER_SLOT, 1, 1, 1, 1, 1};

    check(finish_one_header(buffer, sizeof(buffer), "X Y", "z") == -WIRE_ERROR_BAD_FIELD, "message",
          "does not encode a name that HTTP does not allow");
    check(finish_one_header(buffer, sizeof(buffer), "Host", "a\nb") == -WIRE_ERROR_BAD_FIELD,
          "message", "does not encode a value that HTTP does not allow");
    memset(long_value, 'a', sizeof(long_value) - 1);
    check(finish_one_header(buffer, sizeof(buffer), "Host", long_value) == -WIRE_ERROR_TOO_LONG,
          "message", "does not encode more than a frame may hold");
    check(finish_one_header(buffer, 100, "Host", long_value) == -WIRE_ERROR_NO_SPACE, "message",
          "stays failed when a header did not fit");
    wire_response_begin(&writer, 99, "", 0);
    check(wire_response_finish(&writer, 0, 0) == -WIRE_ERROR_BAD_PAYLOAD, "message",
          "does not encode a status below 100");
    wire_response_begin(&writer, 200, "O\rK", 3);
    check(wire_response_finish(&writer, 0, 0) == -WIRE_ERROR_BAD_FIELD, "message",
          "does not encode a reason with a carriage return");
    wire_response_begin(&writer, 200, NULL, 0);
    check(wire_response_finish(&writer, 2, 0) == -WIRE_ERROR_BAD_FLAGS, "message",
          "does not encode a flag that is not known");
    check(wire_response_finish(&writer, 0, WIRE_MAX_HEADERS + 1) == -WIRE_ERROR_TOO_LONG, "message",
          "does not encode more headers than a frame may hold");
    wire_request_begin(&writer, 0, 1, 0);
    wire_write_fact(&writer, WIRE_FACT_TARGET, "/\0x", 3);
    check(wire_request_finish(&writer, 0, 1, 0) == -WIRE_ERROR_BAD_FIELD, "message",
          "does not encode a fact with a NUL");
    wire_request_begin(&writer, 0, 1, 0);
    check(wire_request_finish(&writer, 0, 256, 0) == -WIRE_ERROR_TOO_LONG, "message",
          "does not encode more facts than their count can say");
    check(wire_hello_encode(buffer, sizeof(buffer), &hello) == -WIRE_ERROR_BAD_PAYLOAD, "message",
          "does not encode a claim word beyond the slot");
    check(wire_pull_encode(buffer, sizeof(buffer), 0) == -WIRE_ERROR_BAD_PAYLOAD, "message",
          "does not encode PULL of nothing");
    check(wire_log_encode(buffer, sizeof(buffer), (wire_log_level)2, "", 0) ==
              -WIRE_ERROR_BAD_PAYLOAD,
          "message", "does not encode a level that is not known");
    check(wire_abort_encode(buffer, sizeof(buffer), WIRE_ERROR_BUSY, (const char *)buffer,
                            WIRE_MAX_MESSAGE_BYTES) == -WIRE_ERROR_TOO_LONG,
          "message", "does not encode a text that is too long");
}

static void check_reader(void)
{
    uint8_t small[16];
    uint8_t large[64];
    wire_reader reader;
    wire_frame frame;
    size_t room;
    uint8_t *to;

    wire_reader_init(&reader, small, sizeof(small));
    check(wire_reader_empty(&reader) && wire_reader_needs(&reader) == 0, "reader",
          "is empty at first");
    to = wire_reader_space(&reader, &room);
    check(to == small && room == sizeof(small), "reader", "offers the whole buffer when empty");
    wire_frame_encode(to, WIRE_FRAME_LOG, 0, 20);
    wire_reader_fill(&reader, 16);
    check(wire_reader_next(&reader, &frame) == WIRE_PARTIAL && wire_reader_needs(&reader) == 28,
          "reader", "says what the frame at hand needs");
    wire_reader_space(&reader, &room);
    check(room == 0, "reader", "has no room when the frame is longer than the buffer");
    wire_reader_grow(&reader, large, sizeof(large));
    wire_reader_space(&reader, &room);
    wire_reader_fill(&reader, 13);
    check(room == 48 && wire_reader_next(&reader, &frame) == 1 && frame.length == 20 &&
              frame.payload == large + 8,
          "reader", "goes on in a larger buffer");
    check(!wire_reader_empty(&reader), "reader", "is not empty with a byte left");
    to = wire_reader_space(&reader, &room);
    check(to == large + 1 && room == 63, "reader", "moves what is left to the front");
    wire_reader_init(&reader, large, sizeof(large));
    wire_frame_encode(large, WIRE_FRAME_DATA, WIRE_FLAG_END, 10);
    wire_reader_fill(&reader, 12);
    check(wire_reader_next(&reader, &frame) == 1 && frame.length == 4 && frame.flags == 0 &&
              !wire_reader_empty(&reader),
          "reader", "hands out DATA as it comes, without its flag");
    check(wire_reader_next(&reader, &frame) == WIRE_PARTIAL, "reader", "waits for the rest");
    wire_reader_space(&reader, &room);
    check(room == sizeof(large), "reader", "needs no space for what it handed out");
    wire_reader_fill(&reader, 6);
    check(wire_reader_next(&reader, &frame) == 1 && frame.length == 6 &&
              frame.flags == WIRE_FLAG_END && wire_reader_empty(&reader),
          "reader", "gives the last piece its flag");
}

enum { SLOTS = 3, BOARD_WORDS = 32 + SLOTS * (16 + 1024) };
static uint32_t board_words[BOARD_WORDS];

static uint32_t *slot_words(unsigned slot)
{
    return board_words + 32 + slot * 16;
}

static void set_slot(unsigned slot, uint32_t in_flight, uint32_t capacity, uint32_t heartbeat)
{
    slot_words(slot)[WIRE_SLOT_STATE] = WIRE_STATE_READY;
    slot_words(slot)[WIRE_SLOT_IN_FLIGHT] = in_flight;
    slot_words(slot)[WIRE_SLOT_CAPACITY] = capacity;
    slot_words(slot)[WIRE_SLOT_HEARTBEAT] = heartbeat;
}

static void check_open(void)
{
    wire_scoreboard board;

    check(wire_scoreboard_size(SLOTS) == sizeof(board_words), "scoreboard", "tells its size");
    check(wire_scoreboard_open(&board, board_words, sizeof(board_words)) == -1, "scoreboard",
          "does not open a file of zeros");
    board_words[WIRE_BOARD_MAGIC] = WIRE_SCOREBOARD_MAGIC;
    board_words[WIRE_BOARD_LAYOUT] = WIRE_SCOREBOARD_LAYOUT + 1;
    board_words[WIRE_BOARD_SLOTS] = SLOTS;
    check(wire_scoreboard_open(&board, board_words, sizeof(board_words)) == -1, "scoreboard",
          "does not open another layout");
    board_words[WIRE_BOARD_LAYOUT] = WIRE_SCOREBOARD_LAYOUT;
    check(wire_scoreboard_open(&board, board_words, 63) == -1, "scoreboard",
          "does not open a file shorter than its header");
    check(wire_scoreboard_open(&board, board_words, sizeof(board_words) - 1) == -1, "scoreboard",
          "does not open a file shorter than its slots");
    board_words[WIRE_BOARD_SLOTS] = 0xffffffff;
    check(wire_scoreboard_open(&board, board_words, sizeof(board_words)) == -1, "scoreboard",
          "does not believe a number of slots beyond the mapping");
    board_words[WIRE_BOARD_SLOTS] = SLOTS;
    check(wire_scoreboard_open(&board, (const char *)board_words + 1, sizeof(board_words) - 1) ==
              -1,
          "scoreboard", "does not open a mapping that is not aligned");
    check(wire_scoreboard_open(&board, board_words, sizeof(board_words)) == 0 &&
              board.slots == SLOTS,
          "scoreboard", "opens its own layout");
}

static void check_pick(void)
{
    const uint32_t now = 5; /* the clock has just wrapped around */
    wire_scoreboard board;

    wire_scoreboard_open(&board, board_words, sizeof(board_words));
    check(wire_scoreboard_pick(&board, now, 1000, 0, NULL, 0) == -1, "pick",
          "finds none when all are empty");
    set_slot(0, 2, 4, now);
    set_slot(1, 1, 4, now);
    set_slot(2, 1, 4, now);
    check(wire_scoreboard_pick(&board, now, 1000, 0, NULL, 0) == 1, "pick",
          "takes the least busy one, the first among equals");
    check(wire_scoreboard_pick(&board, now, 1000, 1u << 1, NULL, 0) == 2, "pick",
          "passes over the one to avoid");
    check(wire_scoreboard_pick(&board, now, 1000, 7, NULL, 0) == -1, "pick",
          "finds none to avoid all");
    slot_words(1)[WIRE_SLOT_STATE] = WIRE_STATE_DRAINING;
    check(wire_scoreboard_pick(&board, now, 1000, 0, NULL, 0) == 2, "pick",
          "takes only ready ones");
    set_slot(2, 4, 4, now);
    check(wire_scoreboard_pick(&board, now, 1000, 0, NULL, 0) == 0, "pick",
          "takes only ones with room");
    set_slot(2, 0, 0, now);
    check(wire_scoreboard_pick(&board, now, 1000, 0, NULL, 0) == 0, "pick",
          "takes none without capacity");
    set_slot(2, 0, 4, now - 1001);
    check(wire_scoreboard_pick(&board, now, 1000, 0, NULL, 0) == 0, "pick",
          "passes over one whose heartbeat is old");
    set_slot(2, 0, 4, now - 1000);
    check(wire_scoreboard_pick(&board, now, 1000, 1, NULL, 0) == 2, "pick",
          "takes one whose heartbeat is just fresh, over the clock's wrap");
    check(wire_scoreboard_pick(&board, now, 1000, 0, NULL, 0) == 0, "pick",
          "takes one whose heartbeat is late only when there is no other");
    set_slot(2, 0, 4, now + 3);
    check(wire_scoreboard_pick(&board, now, 1000, 0, NULL, 0) == 2, "pick",
          "takes one whose heartbeat is later than the time of asking");
    check(wire_scoreboard_pick(&board, now, 1000, 0, (const uint32_t[]){0, 0, 3}, 3) == 0, "pick",
          "believes the caller that it keeps a worker busy which has not told so yet");
    check(wire_scoreboard_pick(&board, now, 1000, 0, (const uint32_t[]){0, 0, 3}, 2) == 2, "pick",
          "reads no more of what the caller counts than there is");
    check(wire_scoreboard_stalls(&board, 2, now + 3, 1000) == 0, "stall",
          "is none while the heartbeat is fresh");
    check(wire_scoreboard_stalls(&board, 2, now + 1004, 1000) == 1, "stall",
          "is one when the heartbeat is old");
    check(wire_scoreboard_stalls(&board, SLOTS, now + 1004, 1000) == 0, "stall",
          "is none in a slot that there is not");
    slot_words(2)[WIRE_SLOT_STATE] = WIRE_STATE_STARTING;
    check(wire_scoreboard_stalls(&board, 2, now + 1004, 1000) == 0, "stall",
          "is none of a worker that starts");
    slot_words(2)[WIRE_SLOT_STATE] = WIRE_STATE_READY;
    slot_words(2)[WIRE_SLOT_INCARNATION] = 7;
    check(wire_scoreboard_room(&board, 2, 7, now, 1000) == 1, "room",
          "is in a worker that pick takes");
    check(wire_scoreboard_room(&board, 2, 8, now, 1000) == 0, "room",
          "is not in a slot that another worker has filled");
    check(wire_scoreboard_room(&board, SLOTS, 7, now, 1000) == 0, "room",
          "is not in a slot that there is not");
    check(wire_scoreboard_room(&board, 2, 7, now + 1004, 1000) == 0, "room",
          "is not in a worker whose heartbeat is old");
    set_slot(2, 4, 4, now);
    check(wire_scoreboard_room(&board, 2, 7, now, 1000) == 0, "room", "is not in a busy worker");
}

static void check_claims(void)
{
    const uint32_t base = 77u << WIRE_CLAIM_NUMBER_BITS;
    wire_scoreboard board;
    uint32_t *word = board_words + 32 + SLOTS * 16 + 1 * 1024 + 9;
    int exact = 1;
    uint32_t exchange;

    wire_scoreboard_open(&board, board_words, sizeof(board_words));
    slot_words(1)[WIRE_SLOT_INCARNATION] = 6;
    for (exchange = 1; exchange < 10000; exchange++) {
        *word = base | ((exchange - 1) & 4095);
        exact &= wire_scoreboard_claimed(&board, 1, 6, 9, base, exchange) == WIRE_CLAIM_NOT_BEGUN;
        *word = base | (exchange & 4095);
        exact &= wire_scoreboard_claimed(&board, 1, 6, 9, base, exchange) == WIRE_CLAIM_BEGUN;
    }
    check(exact, "claim", "tells whether an exchange was begun, over the wrap of its number");
    check(wire_scoreboard_claim(&board, 1, 9) == *word, "claim", "is where the layout says");
    *word = base;
    check(wire_scoreboard_claimed(&board, 1, 7, 9, base, 1) == WIRE_CLAIM_BEGUN, "claim",
          "counts as begun when another worker fills the slot");
    check(wire_scoreboard_claimed(&board, 1, 6, 9, 78u << WIRE_CLAIM_NUMBER_BITS, 1) ==
              WIRE_CLAIM_BEGUN,
          "claim", "counts as begun when another channel has the word");
    check(wire_scoreboard_claimed(&board, SLOTS, 6, 9, base, 1) == WIRE_CLAIM_BEGUN &&
              wire_scoreboard_claimed(&board, 1, 6, 1024, base, 1) == WIRE_CLAIM_BEGUN,
          "claim", "counts as begun when it lies outside of the scoreboard");
}

int main(void)
{
    check_header_names();
    check_values();
    check_tokens();
    check_refused_encodings();
    check_reader();
    check_open();
    check_pick();
    check_claims();
    printf("done\n");
    return 0;
}
