/* SPDX-License-Identifier: Apache-2.0
 *
 * How a worker ended: the supervisor, which is told by the system, writes it into the scoreboard.
 */
#include <httpd.h>
#include <apr_signal.h>
#include <apr_strings.h>

#include "exchange/exchange.h"

#define PAUSE apr_time_from_msec(5)
/* A channel breaks a moment before the supervisor knows why. */
#define MOST_PAUSES 60

typedef enum { NO_DETAIL, EXIT_CODE, SIGNAL } detail_kind;

static const struct {
    const char *text;
    detail_kind detail;
} endings[] = {
    [WIRE_ENDING_UNKNOWN] = {"broke the channel", NO_DETAIL},
    [WIRE_ENDING_EXITED] = {"exited with code", EXIT_CODE},
    [WIRE_ENDING_SIGNALED] = {"was ended by signal", SIGNAL},
    [WIRE_ENDING_STALLED] = {"was killed, since its event loop did not turn (TenonStallTimeout),",
                             NO_DETAIL},
    [WIRE_ENDING_MEMORY] = {"was killed, since it took too much memory (TenonMemory),", NO_DETAIL},
    [WIRE_ENDING_OVERDUE] = {"was killed, since it had not exited in time,", NO_DETAIL},
};
#define ENDINGS (sizeof(endings) / sizeof(endings[0]))

static uint32_t slot_word(const tenon_channel *channel, wire_slot_word word)
{
    return wire_scoreboard_slot(channel->board, (unsigned)channel->slot, word);
}

static int is_there(const tenon_channel *channel, wire_slot_word word, uint32_t value)
{
    return slot_word(channel, word) == value;
}

/* Waits until the slot tells of this worker's end; 0 when it does not. */
static int wait_for_end(const tenon_channel *channel)
{
    for (int pauses = 0; pauses < MOST_PAUSES; pauses++) {
        if (!is_there(channel, WIRE_SLOT_INCARNATION, channel->incarnation)) {
            return 0;
        }
        if (is_there(channel, WIRE_SLOT_STATE, WIRE_STATE_EXITED)) {
            return 1;
        }
        apr_sleep(PAUSE);
    }
    return 0;
}

const char *tenon_exchange_ended(const tenon_exchange *x)
{
    const tenon_channel *channel = x->channel;
    apr_pool_t *p = x->r->pool;
    uint32_t ending = WIRE_ENDING_UNKNOWN;
    uint32_t detail = 0;
    uint32_t pid;
    if (!channel->greeted) {
        return "the worker broke the channel";
    }
    pid = slot_word(channel, WIRE_SLOT_PID);
    if (wait_for_end(channel)) {
        ending = slot_word(channel, WIRE_SLOT_ENDING);
        detail = slot_word(channel, WIRE_SLOT_ENDING_DETAIL);
    }
    if (!is_there(channel, WIRE_SLOT_INCARNATION, channel->incarnation)) {
        return "the worker ended";
    }
    if (ending >= ENDINGS) {
        ending = WIRE_ENDING_UNKNOWN;
    }
    switch (endings[ending].detail) {
    case EXIT_CODE:
        return apr_psprintf(p, "worker %u %s %u", pid, endings[ending].text, detail);
    case SIGNAL:
        return apr_psprintf(p, "worker %u %s %u (%s)", pid, endings[ending].text, detail,
                            apr_signal_description_get((int)detail));
    case NO_DETAIL:
        break;
    }
    return apr_psprintf(p, "worker %u %s", pid, endings[ending].text);
}
