/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads of the scoreboard by a host. A mapping belongs to the host, what is in it to the workers:
 * every value is hostile input. The slots counted here are bounded by the size of the mapping,
 * never by the file alone.
 */
#ifndef WIRE_SCOREBOARD_H
#define WIRE_SCOREBOARD_H

#include <stddef.h>
#include <stdint.h>
#include "protocol.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const uint32_t *words; /* the mapping */
    unsigned slots;        /* of the file, at most what the mapping holds */
} wire_scoreboard;

/* Size of a file with that many slots, bytes. */
size_t wire_scoreboard_size(unsigned slots);

/* Checks magic, layout and size: 0, or -1. */
int wire_scoreboard_open(wire_scoreboard *board, const void *mapping, size_t size);

/* Atomic reads (acquire). `slot` must be below slots, `claim` below WIRE_CLAIMS_PER_SLOT. */
uint32_t wire_scoreboard_header(const wire_scoreboard *board, wire_board_word word);
uint32_t wire_scoreboard_slot(const wire_scoreboard *board, unsigned slot, wire_slot_word word);
uint32_t wire_scoreboard_claim(const wire_scoreboard *board, unsigned slot, unsigned claim);

/* Time (ms since 1970) up to which what was asked of an export counts no more: the later one of the
 * pool's purges and of those of the export's group. */
uint64_t wire_scoreboard_purged(const wire_scoreboard *board, const char *export_name);

/* The slot to send the next exchange to: the least busy ready one with room and a heartbeat no
 * older than `stale_ms` at `now_ms` (CLOCK_MONOTONIC, low 32 bits), the first among equals, never
 * one whose bit is set in `avoid` (bit n: slot n, slots from 64 on are never avoided). -1 when
 * there is none. `mine` says how busy the caller itself keeps the first `counted` slots: a worker
 * counts only what it has read. One whose heartbeat is older than
 * LATE_MS, and may hang, is taken only when there is no other. */
enum { WIRE_LATE_MS = 600 };
int wire_scoreboard_pick(const wire_scoreboard *board, uint32_t now_ms, uint32_t stale_ms,
                         uint64_t avoid, const uint32_t *mine, unsigned counted);

/* 1 when a slot's worker is ready, has room and a fresh heartbeat, as for wire_scoreboard_pick, and
 * the slot still holds `incarnation`. */
int wire_scoreboard_room(const wire_scoreboard *board, unsigned slot, uint32_t incarnation,
                         uint32_t now_ms, uint32_t stale_ms);

/* 1 when a slot's worker is there and its event loop does not turn: its heartbeat is older than
 * `stale_ms`. */
int wire_scoreboard_stalls(const wire_scoreboard *board, unsigned slot, uint32_t now_ms,
                           uint32_t stale_ms);

/* How long the breaker is open yet, ms at `now_ms`: no longer than LONGEST_OPEN_MS; 0 when it is
 * not. */
enum { WIRE_LONGEST_OPEN_MS = 60000 };
uint32_t wire_scoreboard_open_ms(const wire_scoreboard *board, uint32_t now_ms);

/* What a claim word says of an exchange of a broken channel. `claim` is HELLO's, `exchange` counts
 * from 1. */
typedef enum {
    WIRE_CLAIM_NOT_BEGUN, /* no application code has seen it: safe for another worker */
    WIRE_CLAIM_BEGUN,     /* it was begun, or that can no longer be told */
} wire_claim_state;

/* Reads the claim word of a channel: NOT_BEGUN only when the slot still holds `incarnation` and the
 * word is the one that stood there before this exchange. */
wire_claim_state wire_scoreboard_claimed(const wire_scoreboard *board, unsigned slot,
                                         uint32_t incarnation, unsigned claim_index, uint32_t claim,
                                         uint32_t exchange);

#ifdef __cplusplus
}
#endif
#endif
