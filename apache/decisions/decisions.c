/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <apr_atomic.h>
#include <apr_strings.h>
#include <string.h>

#include "decisions/cache.h"
#include "exchange/channel.h"
#include "counts.h"
#include "decisions/decisions.h"
#include "decisions/kept.h"
#include "log.h"
#include "phases/permit.h"
#include "decisions/varied.h"
#include "wire/bytes.h"

static void add_number(tenon_sha256 *hash, uint32_t number)
{
    uint8_t bytes[4];
    wire_put_u32(bytes, number);
    tenon_sha256_add(hash, bytes, sizeof(bytes));
}

/* With its length before it, so that no two lists of texts look alike; none at all is another thing
 * than an empty one. */
static void add_text(tenon_sha256 *hash, const char *text)
{
    const size_t length = text ? strlen(text) : 0;
    add_number(hash, text ? (uint32_t)length : UINT32_MAX);
    tenon_sha256_add(hash, text, length);
}

/* What the function of a provider is given is never forgotten by its author: it always counts. */
static void add_arguments(tenon_sha256 *hash, request_rec *r, const tenon_hook *hook,
                          const apr_array_header_t *extra)
{
    switch (hook->phase) {
    case WIRE_PHASE_CHECK_PASSWORD:
    case WIRE_PHASE_GET_REALM_HASH:
    case WIRE_PHASE_CHECK_AUTHORIZATION:
        add_text(hash, r->user);
        break;
    default:
        break;
    }
    for (int i = 0; extra && i < extra->nelts; i++) {
        const tenon_entry *entry = &APR_ARRAY_IDX(extra, i, tenon_entry);
        add_number(hash, entry->how);
        add_text(hash, entry->name);
        add_text(hash, entry->value);
    }
}

/* Makes the label of what is asked: 0, or -1 when a value cannot be told. */
static int make_label(request_rec *r, const tenon_hook *hook, const apr_array_header_t *extra,
                      tenon_question *question)
{
    tenon_sha256 hash;
    tenon_cache_label_begin(&hash);
    add_number(&hash, question->generation);
    add_number(&hash, (uint32_t)hook->phase);
    add_text(&hash, hook->pool->name);
    add_text(&hash, hook->export);
    for (int at = 0; at < question->names_size;) {
        const char *name = question->names + at;
        const char *value;
        if (tenon_varied_value(r, hook, extra, name, &value)) {
            return -1;
        }
        add_text(&hash, name);
        add_text(&hash, value);
        at += (int)strlen(name) + 1;
    }
    add_arguments(&hash, r, hook, extra);
    tenon_cache_label_end(&hash, question->label);
    return 0;
}

/* Reads the changes of a decision: 0, or -1 when one of them is none. */
static int read_changes(request_rec *r, const tenon_hook *hook, tenon_kept_bytes *from,
                        tenon_answer *answer)
{
    apr_array_header_t *changes = apr_array_make(r->pool, 4, sizeof(tenon_entry));
    answer->changes = changes;
    while (from->at < from->size) {
        tenon_kept_change change;
        tenon_entry *entry;
        if (tenon_kept_get_change(from, &change)) {
            return -1;
        }
        entry = apr_array_push(changes);
        *entry = (tenon_entry){change.how, change.name, change.value};
        if (tenon_permit_refusal(hook->phase, entry->how, entry->name, entry->value)) {
            return -1;
        }
    }
    return 0;
}

/* 1 when there is a decision that still counts. */
static int look_up(request_rec *r, const tenon_hook *hook, const tenon_question *question,
                   tenon_answer *answer)
{
    const uint64_t now = (uint64_t)apr_time_as_msec(question->asked);
    tenon_kept_bytes from = {0};
    tenon_kept kept;
    const long size = tenon_cache_get(r, question->label, &from.bytes);
    if (size < 0) {
        return 0;
    }
    from.size = (size_t)size;
    if (tenon_kept_get(&from, &kept) || kept.expires <= now || kept.asked > now ||
        kept.asked <= wire_scoreboard_purged(question->board, hook->export) ||
        read_changes(r, hook, &from, answer)) {
        return 0;
    }
    answer->code = kept.code;
    return 1;
}

int tenon_decision_find(request_rec *r, const tenon_hook *hook, const apr_array_header_t *extra,
                        tenon_answer *answer, tenon_question *question)
{
    question->usable = question->keyed = 0;
    /* Old code must not go on deciding in a strict pool. */
    if (!hook->cache || !strcmp(hook->pool->reload, "strict") ||
        tenon_cache_ready() == TENON_CACHE_OFF) {
        return 0;
    }
    question->usable = 1;
    question->board = tenon_channel_board(hook->pool);
    if (!question->board) {
        return 0;
    }
    question->asked = apr_time_now();
    question->generation = wire_scoreboard_header(question->board, WIRE_BOARD_GENERATION);
    question->names_size = tenon_lessons_names(hook, question->generation, question->names);
    question->keyed = question->names_size >= 0 && make_label(r, hook, extra, question) == 0;
    if (question->keyed && look_up(r, hook, question, answer)) {
        tenon_count(hook, TENON_COUNT_HIT);
        return 1;
    }
    if (question->names_size >= 0) {
        tenon_count(hook, TENON_COUNT_MISS);
    }
    return 0;
}

/* Says once a child why decisions are not kept. */
static void explain(request_rec *r, const tenon_hook *hook, const char *why, const char *name)
{
    static apr_uint32_t explained;
    const int level = apr_atomic_xchg32(&explained, 1) ? APLOG_DEBUG : APLOG_WARNING;
    ap_log_rerror(APLOG_MARK, level, 0, r, "TN0092: a decision of %s#%s is not kept: %s%s",
                  hook->pool->name, hook->export, why, name);
}

static int knows(const tenon_question *question, const char *name)
{
    for (int at = 0; question->keyed && at < question->names_size;) {
        if (!strcmp(question->names + at, name)) {
            return 1;
        }
        at += (int)strlen(question->names + at) + 1;
    }
    return 0;
}

/* Whether the question was put knowing all that its answer varies on; if not, learns it. */
static int knew(request_rec *r, const tenon_hook *hook, const tenon_answer *answer,
                const tenon_question *question)
{
    int all = question->keyed;
    int added;
    for (int i = 0; answer->vary && i < answer->vary->nelts; i++) {
        const char *name = APR_ARRAY_IDX(answer->vary, i, const char *);
        if (!tenon_varied_known(name)) {
            explain(r, hook, "it varies on something that is not known: ", name);
            return 0;
        }
        all = all && knows(question, name);
    }
    if (all) {
        return 1;
    }
    tenon_cache_lock();
    added = tenon_lessons_add(hook, question->generation, answer->vary);
    tenon_cache_unlock();
    if (added < 0) {
        explain(r, hook, "it, or all hooks together, vary on too much", "");
    }
    return 0;
}

/* The decision as bytes: their number, or 0 when there are too many. */
static size_t write_decision(const tenon_answer *answer, apr_time_t asked, apr_time_t expires,
                             uint8_t *room)
{
    tenon_kept_bytes to = {room, TENON_CACHE_BYTES, 0};
    const tenon_kept kept = {answer->code, (uint64_t)apr_time_as_msec(asked),
                             (uint64_t)apr_time_as_msec(expires)};
    int failed = tenon_kept_put(&to, &kept);
    for (int i = 0; answer->changes && i < answer->changes->nelts; i++) {
        const tenon_entry *entry = &APR_ARRAY_IDX(answer->changes, i, tenon_entry);
        failed = failed || tenon_kept_put_change(
                               &to, &(tenon_kept_change){entry->how, entry->name, entry->value});
    }
    return failed ? 0 : to.at;
}

/* Whether an old worker may have answered, or one that begins with other code. */
static int is_stale(const tenon_hook *hook, const tenon_question *question)
{
    return question->board != tenon_channel_board(hook->pool) ||
           question->generation != wire_scoreboard_header(question->board, WIRE_BOARD_GENERATION);
}

void tenon_decision_keep(request_rec *r, const tenon_hook *hook, const tenon_answer *answer,
                         const tenon_question *question)
{
    const apr_time_t expires = question->asked + apr_time_from_msec(answer->ttl);
    uint8_t room[TENON_CACHE_BYTES];
    size_t size;
    if (!question->usable || !answer->ttl || answer->failed) {
        return;
    }
    if (tenon_cache_ready() == TENON_CACHE_MISSING) {
        explain(r, hook, "load mod_socache_shmcb, or write TenonCache off", "");
        return;
    }
    if (!question->board || is_stale(hook, question) || !knew(r, hook, answer, question)) {
        return;
    }
    size = write_decision(answer, question->asked, expires, room);
    if (!size) {
        explain(r, hook, "what it changes takes too much room", "");
    } else {
        tenon_cache_put(r, question->label, expires, room, size);
    }
}

void tenon_decisions_register(void)
{
    ap_hook_child_init(tenon_varied_child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
