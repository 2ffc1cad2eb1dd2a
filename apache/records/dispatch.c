/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_log.h>
#include <http_main.h>
#include <apr_strings.h>

#include "records/delivery.h"
#include "records/dispatch.h"
#include "log.h"

#define GATHER_TIME apr_time_from_msec(100) /* records wait so long for company, */
#define GATHER_BYTES \
    UINT64_C(262144) /* or until they are so many: a batch costs as much as ten records */
#define LEAST_PAUSE     apr_time_from_msec(20)
#define MOST_PAUSE      apr_time_from_sec(2)
#define MOST_GROUPS     16
#define TOGETHER_MOST   2 /* times that records are tried together, */
#define ALONE_MOST      3 /* then each by itself, before it is set aside */
#define STUCK_AFTER     apr_time_from_sec(10)
#define SPARED_FOR      apr_time_from_sec(10) /* records wait so long for their own worker to turn */
#define GIVE_UP_AFTER   apr_time_from_msec(300) /* when the child ends */
#define COMPLAIN_EVERY  apr_time_from_sec(60)
#define AVOIDABLE_SLOTS 64

/* Records that go to one worker. */
typedef struct {
    const spool_record **records;
    int count;
    int attempts;           /* that a worker had begun */
    apr_time_t waits_since; /* for their own worker; 0: they do not */
} parcel;

struct tenon_dispatch {
    tenon_spool *spool;
    apr_pool_t *p; /* of the window, or for looking around */
    tenon_window window;
    int open;                    /* there is a window */
    apr_array_header_t *parcels; /* parcel *, of the window, from `next` on still to be delivered */
    int next;
    tenon_delivery *delivery;
    uint64_t avoid; /* slots where the parcel at hand failed */
    apr_interval_time_t pause;
    apr_time_t paused;     /* until then nothing is tried */
    apr_time_t gathers;    /* since when records wait for company; 0: none do */
    apr_time_t stuck;      /* since when nothing could be delivered; 0: it could */
    apr_time_t complained; /* of that */
    apr_time_t refused;    /* when a refusal was logged */
};

tenon_dispatch *tenon_dispatch_create(apr_pool_t *p, tenon_spool *spool)
{
    tenon_dispatch *dispatch = apr_pcalloc(p, sizeof(*dispatch));
    dispatch->spool = spool;
    apr_pool_create(&dispatch->p, p);
    return dispatch;
}

static parcel *add_parcel(tenon_dispatch *dispatch, int room)
{
    parcel *fresh = apr_pcalloc(dispatch->p, sizeof(*fresh));
    fresh->records = apr_palloc(dispatch->p, sizeof(*fresh->records) * (size_t)room);
    APR_ARRAY_PUSH(dispatch->parcels, parcel *) = fresh;
    return fresh;
}

static int same_worker(const spool_record *one, const spool_record *other)
{
    return one->slot == other->slot && (one->slot < 0 || one->incarnation == other->incarnation);
}

/* Parts the window by worker; what is too much parted goes with the last. */
static void make_parcels(tenon_dispatch *dispatch)
{
    const tenon_window *window = &dispatch->window;
    dispatch->parcels = apr_array_make(dispatch->p, 4, sizeof(parcel *));
    dispatch->next = 0;
    for (int i = 0; i < window->count; i++) {
        const spool_record *record = &window->records[i];
        parcel *mine = NULL;
        for (int j = 0; j < dispatch->parcels->nelts; j++) {
            parcel *other = APR_ARRAY_IDX(dispatch->parcels, j, parcel *);
            if (same_worker(other->records[0], record) || j == MOST_GROUPS - 1) {
                mine = other;
                break;
            }
        }
        if (!mine) {
            mine = add_parcel(dispatch, window->count);
        }
        mine->records[mine->count++] = record;
    }
}

/* Parts the parcel at hand into its records: one of them ends workers. */
static void part(tenon_dispatch *dispatch)
{
    const parcel *whole = APR_ARRAY_IDX(dispatch->parcels, dispatch->next, parcel *);
    dispatch->next++;
    for (int i = 0; i < whole->count; i++) {
        parcel *one = add_parcel(dispatch, 1);
        one->records[one->count++] = whole->records[i];
    }
}

static void hold_off(tenon_dispatch *dispatch)
{
    const apr_time_t now = apr_time_now();
    dispatch->pause = dispatch->pause == 0 ? LEAST_PAUSE : dispatch->pause * 2;
    dispatch->pause = dispatch->pause > MOST_PAUSE ? MOST_PAUSE : dispatch->pause;
    dispatch->paused = now + dispatch->pause;
    if (dispatch->stuck == 0) {
        dispatch->stuck = now;
    }
    if (now - dispatch->stuck >= STUCK_AFTER && now - dispatch->complained >= COMPLAIN_EVERY) {
        dispatch->complained = now;
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                     "TN0115: [%s] log records wait for a worker since %d s",
                     dispatch->spool->pool->name, (int)apr_time_sec(now - dispatch->stuck));
    }
}

/* The parcel at hand is over; with the last one the window is. */
static void parcel_done(tenon_dispatch *dispatch)
{
    dispatch->avoid = 0;
    dispatch->pause = 0;
    dispatch->stuck = 0;
    if (++dispatch->next < dispatch->parcels->nelts) {
        return;
    }
    tenon_spool_acknowledge(dispatch->spool, &dispatch->window);
    dispatch->open = 0;
    apr_pool_clear(dispatch->p);
}

/* The id of the request that a record tells of. */
static const char *id_of(const spool_record *record, apr_pool_t *p)
{
    wire_request request;
    wire_text value;
    uint8_t fact;
    wire_request_decode(record->frame + WIRE_FRAME_HEADER_BYTES,
                        record->frame_size - WIRE_FRAME_HEADER_BYTES, &request);
    for (unsigned i = 0; i < request.facts; i++) {
        if (wire_read_fact(&request.fields, &fact, &value) != 0) {
            break;
        }
        if (fact == WIRE_FACT_REQUEST_ID) {
            return apr_pstrmemdup(p, value.at, value.length);
        }
    }
    return "-";
}

static void set_aside(tenon_dispatch *dispatch, const spool_record *record)
{
    const char *name = tenon_spool_set_aside(dispatch->spool, record);
    ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                 "TN0113: [%s -1 #%s] log_transaction: gave up on the record of this request: each "
                 "of %d workers ended, failed or hung while it had it; %s%s",
                 dispatch->spool->pool->name, id_of(record, dispatch->p), ALONE_MOST,
                 name ? "it is in " : "it is lost: no file could be made",
                 name ? apr_pstrcat(dispatch->p, tenon_spool_root(dispatch->p), "/",
                                    dispatch->spool->pool->name, "/", name, NULL)
                      : "");
}

/* A worker has ended, or failed, with the parcel at hand. */
static void failed(tenon_dispatch *dispatch, int slot)
{
    parcel *at_hand = APR_ARRAY_IDX(dispatch->parcels, dispatch->next, parcel *);
    at_hand->attempts++;
    ap_log_error(APLOG_MARK, APLOG_INFO, 0, ap_server_conf,
                 "TN0121: [%s %d] log_transaction: the worker did not acknowledge %d records: they "
                 "go to a worker once more",
                 dispatch->spool->pool->name, slot, at_hand->count);
    if (at_hand->count > 1 && at_hand->attempts >= TOGETHER_MOST) {
        part(dispatch);
    } else if (at_hand->count == 1 && at_hand->attempts >= ALONE_MOST) {
        set_aside(dispatch, at_hand->records[0]);
        parcel_done(dispatch);
        return;
    }
    hold_off(dispatch);
}

/* A worker without the hook, as a rule: the records wait for one that has it. */
static void log_refusal(tenon_dispatch *dispatch, int slot, const char *refusal)
{
    const apr_time_t now = apr_time_now();
    if (now - dispatch->refused >= COMPLAIN_EVERY) {
        dispatch->refused = now;
        ap_log_error(APLOG_MARK, APLOG_ERR, 0, ap_server_conf,
                     "TN0117: [%s %d] log_transaction: the worker refuses records, which wait: %s",
                     dispatch->spool->pool->name, slot, refusal);
    }
}

static void delivery_over(tenon_dispatch *dispatch, tenon_delivered outcome)
{
    const int slot = tenon_delivery_slot(dispatch->delivery);
    const char *refusal = tenon_delivery_refusal(dispatch->delivery);
    if (refusal) {
        log_refusal(dispatch, slot, refusal);
    }
    tenon_delivery_end(dispatch->delivery, outcome);
    dispatch->delivery = NULL;
    if (outcome == TENON_DELIVERED) {
        parcel_done(dispatch);
        return;
    }
    if (slot >= 0 && slot < AVOIDABLE_SLOTS) {
        dispatch->avoid |= (uint64_t)1 << slot;
    }
    if (outcome == TENON_NOT_DELIVERED) {
        failed(dispatch, slot);
    } else {
        hold_off(dispatch);
    }
}

/* Bytes of records that go without waiting for more. */
static uint64_t enough(const tenon_dispatch *dispatch)
{
    const uint64_t half = (uint64_t)dispatch->spool->pool->log_memory * 1024 / 2;
    return half < GATHER_BYTES ? half : GATHER_BYTES;
}

/* Whether records wait that may go now. */
static int gathered(tenon_dispatch *dispatch, int hurried)
{
    const uint64_t most = enough(dispatch);
    const uint64_t waiting = tenon_spool_listen(dispatch->spool, dispatch->gathers ? most : 1);
    const apr_time_t now = apr_time_now();
    if (tenon_spool_adopts(dispatch->spool)) {
        return 1;
    }
    if (waiting == 0) {
        dispatch->gathers = 0;
        return 0;
    }
    if (dispatch->gathers == 0) {
        dispatch->gathers = now;
        tenon_spool_listen(dispatch->spool, most);
    }
    return hurried || waiting >= most || now - dispatch->gathers >= GATHER_TIME;
}

/* Takes the next window: 1, or 0 when there is none. */
static int open_window(tenon_dispatch *dispatch, int hurried)
{
    if (!gathered(dispatch, hurried)) {
        apr_pool_clear(dispatch->p);
        return 0;
    }
    dispatch->gathers = 0;
    dispatch->open = tenon_spool_window(dispatch->spool, dispatch->p, &dispatch->window);
    if (!dispatch->open) {
        apr_pool_clear(dispatch->p);
        return 0;
    }
    tenon_spool_listen(dispatch->spool, UINT64_MAX);
    make_parcels(dispatch);
    return 1;
}

static tenon_worker own_worker(const parcel *records)
{
    return (tenon_worker){records->records[0]->slot, records->records[0]->incarnation};
}

/* Whether a parcel is to wait for the worker that holds the state of its requests: no other one
 * could let go of that. Not for one that stalls because of these records. */
static int spared(const tenon_dispatch *dispatch, parcel *records, apr_time_t now)
{
    if (records->attempts > 0 ||
        !tenon_channel_worker_stalls(dispatch->spool->pool, own_worker(records))) {
        return 0;
    }
    if (records->waits_since == 0) {
        records->waits_since = now;
    }
    return now - records->waits_since < SPARED_FOR;
}

/* Has a parcel at hand that need not wait for its worker: 1, or 0 when all of them do. */
static int pass_by(tenon_dispatch *dispatch)
{
    const apr_time_t now = apr_time_now();
    parcel **parcels = (parcel **)dispatch->parcels->elts;
    for (int i = dispatch->next; i < dispatch->parcels->nelts; i++) {
        if (!spared(dispatch, parcels[i], now)) {
            parcel *ready = parcels[i];
            parcels[i] = parcels[dispatch->next];
            parcels[dispatch->next] = ready;
            return 1;
        }
    }
    return 0;
}

/* Begins the delivery of the parcel at hand: 1, or 0 when no worker can be had. */
static int begin(tenon_dispatch *dispatch, int hurried)
{
    const parcel *at_hand;
    if (!hurried && !pass_by(dispatch)) {
        hold_off(dispatch);
        return 0;
    }
    at_hand = APR_ARRAY_IDX(dispatch->parcels, dispatch->next, parcel *);
    dispatch->delivery = tenon_delivery_begin(
        dispatch->p, dispatch->spool->pool, own_worker(at_hand), dispatch->avoid,
        (const spool_record *const *)at_hand->records, at_hand->count);
    if (!dispatch->delivery) {
        dispatch->avoid = 0;
        hold_off(dispatch);
        return 0;
    }
    return 1;
}

void tenon_dispatch_step(tenon_dispatch *dispatch, int hurried)
{
    tenon_spool_tend(dispatch->spool);
    for (;;) {
        if (dispatch->delivery) {
            const tenon_delivered outcome = tenon_delivery_step(dispatch->delivery);
            if (outcome == TENON_DELIVERING) {
                return;
            }
            delivery_over(dispatch, outcome);
        }
        if (apr_time_now() < dispatch->paused) {
            return;
        }
        if (!dispatch->open && !open_window(dispatch, hurried)) {
            return;
        }
        if (!begin(dispatch, hurried)) {
            return;
        }
    }
}

apr_time_t tenon_dispatch_waits(const tenon_dispatch *dispatch, struct pollfd *descriptor)
{
    descriptor->fd = -1;
    descriptor->events = 0;
    if (dispatch->delivery) {
        descriptor->fd = tenon_delivery_descriptor(dispatch->delivery);
        descriptor->events = tenon_delivery_events(dispatch->delivery);
        return tenon_delivery_deadline(dispatch->delivery);
    }
    if (dispatch->paused > apr_time_now()) {
        return dispatch->paused;
    }
    return dispatch->gathers ? dispatch->gathers + GATHER_TIME : APR_INT64_MAX;
}

int tenon_dispatch_done(const tenon_dispatch *dispatch)
{
    const apr_time_t now = apr_time_now();
    return (!dispatch->delivery && dispatch->stuck && now - dispatch->stuck > GIVE_UP_AFTER) ||
           (!dispatch->open && tenon_spool_listen(dispatch->spool, 1) == 0);
}

void tenon_dispatch_end(tenon_dispatch *dispatch)
{
    if (dispatch->delivery) {
        tenon_delivery_end(dispatch->delivery, TENON_NOT_DELIVERED);
        dispatch->delivery = NULL;
    }
    tenon_spool_close(dispatch->spool);
}
