/* SPDX-License-Identifier: Apache-2.0
 *
 * The block on mod_status's page: pools, their workers, and hooks. What the scoreboard says is the
 * workers' word: numbers, shown as they are.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_protocol.h>
#include <apr_optional_hooks.h>
#include <apr_strings.h>
#include <mod_status.h>

#include "exchange/channel.h"
#include "exchange/exchange.h"
#include "config/config.h"
#include "counts.h"
#include "config/hook.h"
#include "status.h"
#include "threads.h"

#define TENON_ROW(name, value, meaning) [value] = #name,
static const char *const state_names[] = {WIRE_WORKER_STATES(TENON_ROW)};
#undef TENON_ROW
#define TENON_ROW(name, value, meaning) [value] = #name,
static const char *const breaker_names[] = {WIRE_BREAKER_STATES(TENON_ROW)};
#undef TENON_ROW
#define BREAKER_STATES (sizeof(breaker_names) / sizeof(breaker_names[0]))
#define STATES         (sizeof(state_names) / sizeof(state_names[0]))

/* A column of a worker: its title on the page and its name in ?auto. */
static const struct {
    wire_slot_word word;
    const char *title;
    const char *name;
} columns[] = {
    {WIRE_SLOT_PID, "pid", "Pid"},
    {WIRE_SLOT_GENERATION, "generation", "Generation"},
    {WIRE_SLOT_IN_FLIGHT, "in flight", "InFlight"},
    {WIRE_SLOT_CAPACITY, "capacity", "Capacity"},
    {WIRE_SLOT_CHANNELS, "channels", "Channels"},
    {WIRE_SLOT_SERVED, "served", "Served"},
};
#define COLUMNS (sizeof(columns) / sizeof(columns[0]))

static const struct {
    tenon_count_kind kind;
    const char *title;
    const char *name;
} counted[] = {
    {TENON_COUNT_ASKED, "asked", "Asked"},
    {TENON_COUNT_FAILED, "failed", "Failed"},
    {TENON_COUNT_HIT, "cache hits", "CacheHits"},
    {TENON_COUNT_MISS, "cache misses", "CacheMisses"},
};
#define COUNTED (sizeof(counted) / sizeof(counted[0]))

/* Requests that a pool did not serve. */
static const struct {
    tenon_count_unserved kind;
    const char *title;
    const char *name;
} unserved[] = {
    {TENON_COUNT_NO_THREAD, "no thread", "NoThread"},
    {TENON_COUNT_QUEUE_FULL, "queue full", "QueueFull"},
    {TENON_COUNT_QUEUE_TIMEOUT, "waited too long", "QueueTimeouts"},
    {TENON_COUNT_TIMEOUT, "no answer in time", "Timeouts"},
};
#define UNSERVED (sizeof(unserved) / sizeof(unserved[0]))

/* How a report is written: as lines of ?auto, or as HTML with tables or without (?notable). */
typedef struct {
    request_rec *r;
    int lines;
    int tables;
} report;

static const char *state_of(const wire_scoreboard *board, unsigned slot)
{
    const uint32_t state = wire_scoreboard_slot(board, slot, WIRE_SLOT_STATE);
    return state < STATES && state_names[state] ? state_names[state] : "?";
}

static const char *breaker_of(const wire_scoreboard *board)
{
    const uint32_t state = board ? wire_scoreboard_header(board, WIRE_BOARD_BREAKER) : 0;
    return state < BREAKER_STATES && breaker_names[state] ? breaker_names[state] : "?";
}

/* Begins a table with these titles, as one line of text where there are no tables. */
static void open_table(const report *to, const char *const titles[])
{
    ap_rputs(to->tables ? "<table border=\"0\"><tr>" : "<pre>", to->r);
    for (; *titles; titles++) {
        ap_rvputs(to->r, to->tables ? "<th>" : "", *titles, to->tables ? "</th>" : "  ", NULL);
    }
    ap_rputs(to->tables ? "</tr>\n" : "\n", to->r);
}

static void cell(const report *to, const char *text)
{
    ap_rvputs(to->r, to->tables ? "<td>" : "", ap_escape_html(to->r->pool, text),
              to->tables ? "</td>" : "  ", NULL);
}

static void number(const report *to, uint64_t value)
{
    cell(to, apr_psprintf(to->r->pool, "%" APR_UINT64_T_FMT, value));
}

static void row(const report *to, int opens)
{
    ap_rputs(to->tables ? (opens ? "<tr>" : "</tr>\n") : opens ? "" : "\n", to->r);
}

static void close_table(const report *to)
{
    ap_rputs(to->tables ? "</table>\n" : "</pre>\n", to->r);
}

static void worker_lines(const report *to, int pool, int worker, const wire_scoreboard *board,
                         unsigned slot)
{
    request_rec *r = to->r;
    ap_rprintf(r, "TenonPool[%d]Worker[%d]Slot: %u\n", pool, worker, slot);
    ap_rprintf(r, "TenonPool[%d]Worker[%d]State: %s\n", pool, worker, state_of(board, slot));
    for (size_t i = 0; i < COLUMNS; i++) {
        ap_rprintf(r, "TenonPool[%d]Worker[%d]%s: %u\n", pool, worker, columns[i].name,
                   wire_scoreboard_slot(board, slot, columns[i].word));
    }
}

static void worker_row(const report *to, const wire_scoreboard *board, unsigned slot)
{
    row(to, 1);
    number(to, slot);
    cell(to, state_of(board, slot));
    for (size_t i = 0; i < COLUMNS; i++) {
        number(to, wire_scoreboard_slot(board, slot, columns[i].word));
    }
    row(to, 0);
}

static int is_filled(const wire_scoreboard *board, unsigned slot)
{
    const uint32_t state = wire_scoreboard_slot(board, slot, WIRE_SLOT_STATE);
    return state != WIRE_STATE_EMPTY && state != WIRE_STATE_EXITED;
}

static void report_workers(const report *to, int index, const wire_scoreboard *board)
{
    static const char *const titles[] = {
        "slot", "state", "pid", "generation", "in flight", "capacity", "channels", "served", NULL};
    int worker = 0;
    if (!to->lines) {
        open_table(to, titles);
    }
    for (unsigned slot = 0; board && slot < board->slots; slot++) {
        if (!is_filled(board, slot)) {
            continue;
        }
        if (to->lines) {
            worker_lines(to, index, worker++, board, slot);
        } else {
            worker_row(to, board, slot);
        }
    }
    if (!to->lines) {
        close_table(to);
    }
}

static void report_load(const report *to, int index, const tenon_pool *pool)
{
    request_rec *r = to->r;
    int most;
    const int held = tenon_threads_held(pool, &most);
    if (to->lines) {
        ap_rprintf(r, "TenonPool[%d]Threads: %d\n", index, held);
        ap_rprintf(r, "TenonPool[%d]ThreadsMax: %d\n", index, most);
    } else {
        ap_rprintf(r, "<p>%d of %d threads of httpd; not served", held, most);
    }
    for (size_t i = 0; i < UNSERVED; i++) {
        const uint64_t count = tenon_counted_pool(pool, unserved[i].kind);
        if (to->lines) {
            ap_rprintf(r, "TenonPool[%d]%s: %" APR_UINT64_T_FMT "\n", index, unserved[i].name,
                       count);
        } else {
            ap_rprintf(r, "%s %" APR_UINT64_T_FMT " (%s)", i ? "," : ":", count, unserved[i].title);
        }
    }
    if (!to->lines) {
        ap_rputs("</p>\n", r);
    }
}

/* Why workers fail, when they do: of a new generation too, while an earlier one serves. */
static void report_failure(const report *to, int index, const tenon_pool *pool)
{
    request_rec *r = to->r;
    const char *reason = tenon_breaker_reason(pool, r->pool);
    const char *line = apr_pstrmemdup(r->pool, reason, strcspn(reason, "\r\n"));
    if (!*line) {
        return;
    }
    if (to->lines) {
        ap_rprintf(r, "TenonPool[%d]Failure: %s\n", index, line);
    } else {
        ap_rprintf(r, "<p>last failure: %s</p>\n", ap_escape_html(r->pool, line));
    }
}

static void report_pool(const report *to, int index)
{
    request_rec *r = to->r;
    tenon_pool *pool = APR_ARRAY_IDX(tenon_configuration->pools, index, tenon_pool *);
    const wire_scoreboard *board = tenon_channel_board(pool);
    const uint32_t generation = board ? wire_scoreboard_header(board, WIRE_BOARD_GENERATION) : 0;
    if (to->lines) {
        ap_rprintf(r, "TenonPool[%d]Name: %s\n", index, pool->name);
        ap_rprintf(r, "TenonPool[%d]Generation: %u\n", index, generation);
        ap_rprintf(r, "TenonPool[%d]Breaker: %s\n", index, breaker_of(board));
        ap_rprintf(r, "TenonPool[%d]ProcessesMin: %d\n", index, pool->processes_min);
        ap_rprintf(r, "TenonPool[%d]ProcessesMax: %d\n", index, pool->processes_max);
    } else {
        ap_rprintf(r,
                   "<h3>Pool %s</h3>\n<p>%s, generation %u, %d to %d workers of %d requests, queue "
                   "of %d, breaker %s</p>\n",
                   ap_escape_html(r->pool, pool->name), ap_escape_html(r->pool, pool->app),
                   generation, pool->processes_min, pool->processes_max, pool->concurrency,
                   pool->queue_length, breaker_of(board));
    }
    report_failure(to, index, pool);
    report_load(to, index, pool);
    report_workers(to, index, board);
}

static void hook_lines(const report *to, int index, const tenon_hook *hook)
{
    request_rec *r = to->r;
    ap_rprintf(r, "TenonHook[%d]Phase: %s\n", index, tenon_hook_phase_name(hook->phase));
    ap_rprintf(r, "TenonHook[%d]Export: %s#%s\n", index, hook->pool->name, hook->export);
    for (size_t i = 0; i < COUNTED; i++) {
        ap_rprintf(r, "TenonHook[%d]%s: %" APR_UINT64_T_FMT "\n", index, counted[i].name,
                   tenon_counted(hook, counted[i].kind));
    }
}

static void hook_row(const report *to, const tenon_hook *hook)
{
    row(to, 1);
    cell(to, tenon_hook_phase_name(hook->phase));
    cell(to, apr_pstrcat(to->r->pool, hook->pool->name, "#", hook->export, NULL));
    cell(to, apr_psprintf(to->r->pool, "%s:%d", hook->file, hook->line));
    for (size_t i = 0; i < COUNTED; i++) {
        number(to, tenon_counted(hook, counted[i].kind));
    }
    row(to, 0);
}

static void report_hooks(const report *to)
{
    static const char *const titles[] = {"phase",  "export",     "configured in", "asked",
                                         "failed", "cache hits", "cache misses",  NULL};
    const apr_array_header_t *hooks = tenon_configuration->hooks;
    if (hooks->nelts == 0) {
        return;
    }
    if (!to->lines) {
        ap_rputs("<h3>Hooks</h3>\n", to->r);
        open_table(to, titles);
    }
    for (int i = 0; i < hooks->nelts; i++) {
        const tenon_hook *hook = APR_ARRAY_IDX(hooks, i, const tenon_hook *);
        if (to->lines) {
            hook_lines(to, i, hook);
        } else {
            hook_row(to, hook);
        }
    }
    if (!to->lines) {
        close_table(to);
    }
}

/* Optional hook status_hook. */
static int report_status(request_rec *r, int flags)
{
    const report to = {r, (flags & AP_STATUS_SHORT) != 0, !(flags & AP_STATUS_NOTABLE)};
    if (!to.lines) {
        ap_rputs("<hr />\n<h2>Tenon</h2>\n", r);
    }
    for (int i = 0; i < tenon_configuration->pools->nelts; i++) {
        report_pool(&to, i);
    }
    report_hooks(&to);
    return OK;
}

void tenon_status_register(void)
{
    APR_OPTIONAL_HOOK(ap, status_hook, report_status, NULL, NULL, APR_HOOK_MIDDLE);
}
