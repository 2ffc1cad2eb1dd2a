/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_log.h>
#include <http_main.h>
#include <apr_strings.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "records/spool.h"

#define SMALL_SEGMENT  262144  /* bytes: of the first ones, all that an idle child has */
#define LARGE_SEGMENT  1048576 /* bytes: of more, so that a full spool is not too many files */
#define SMALL_SEGMENTS 4
#define WINDOW_BYTES   262144
#define LOOK_EVERY     apr_time_from_sec(2)
#define COMPLAIN_EVERY apr_time_from_sec(10)
#define MOST_FOUND     4096 /* files of which the oldest is looked for at once */
#define MOST_TIDIED    64
#define LEAST_RECORD_BYTES \
    (SPOOL_ENVELOPE_BYTES + WIRE_FRAME_HEADER_BYTES + WIRE_REQUEST_FIXED_BYTES)

const char *tenon_spool_root(apr_pool_t *p)
{
    return apr_pstrcat(p, tenon_configuration->runtime_dir, "/records", NULL);
}

tenon_spool *tenon_spool_create(apr_pool_t *p, tenon_pool *pool)
{
    tenon_spool *spool = apr_pcalloc(p, sizeof(*spool));
    spool->pool = pool;
    spool->directory = -1;
    spool->wake_at = 1;
    apr_thread_mutex_create(&spool->mutex, APR_THREAD_MUTEX_DEFAULT, p);
    apr_thread_cond_create(&spool->room, p);
    apr_pool_create(&spool->temp, p);
    return spool;
}

/* Opens the pool's directory; `made`: makes it. 0, or errno. */
static int open_directory(tenon_spool *spool, int made)
{
    char path[APR_PATH_MAX];
    if (spool->directory >= 0) {
        return 0;
    }
    snprintf(path, sizeof(path), "%s/records/%s", tenon_configuration->runtime_dir,
             spool->pool->name);
    if (made && mkdir(path, 0700) != 0 && errno != EEXIST) {
        return errno;
    }
    spool->directory = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return spool->directory < 0 ? errno : 0;
}

/* Bytes of records that may wait. */
static uint64_t most_waiting(const tenon_spool *spool)
{
    const uint64_t memory = (uint64_t)spool->pool->log_memory * 1024;
    const uint64_t more = (uint64_t)spool->pool->log_spill * 1024;
    if (spool->pool->log_overflow != TENON_LOG_SPILL) {
        return memory;
    }
    return memory + (more > spool->elsewhere ? more - spool->elsewhere : 0);
}

static int fits(const tenon_spool *spool, size_t size)
{
    return spool->waiting + size <= most_waiting(spool);
}

/* Waits until there is room, as long as TenonLogOverflow has it. Mutex held. */
static int wait_until_fits(tenon_spool *spool, size_t size)
{
    const apr_time_t deadline = apr_time_now() + apr_time_from_msec(spool->pool->log_wait);
    while (!fits(spool, size) && !spool->closed) {
        const apr_interval_time_t left = deadline - apr_time_now();
        if (left <= 0) {
            return 0;
        }
        apr_thread_cond_timedwait(spool->room, spool->mutex, left);
    }
    return !spool->closed;
}

static spool_segment *make_segment(const tenon_spool *spool, size_t size)
{
    const size_t usual = spool->segments < SMALL_SEGMENTS ? SMALL_SEGMENT : LARGE_SEGMENT;
    return spool_segment_create(spool->directory, "",
                                (size > usual ? size : usual) - SPOOL_HEADER_BYTES);
}

/* The segment for a record of `size` bytes, or NULL. Mutex held. */
static spool_segment *segment_for(tenon_spool *spool, size_t size)
{
    spool_segment *next = spool->spare;
    if (spool->last && spool_segment_room(spool->last) >= size) {
        return spool->last;
    }
    if (next && spool_segment_room(next) >= size) {
        spool->spare = NULL;
    } else {
        spool->error = open_directory(spool, 1);
        next = spool->error ? NULL : make_segment(spool, size + SPOOL_HEADER_BYTES);
        if (!next) {
            spool->error = spool->error ? spool->error : errno;
            return NULL;
        }
    }
    if (spool->last) {
        spool_segment_seal(spool->last);
        spool->last->next = next;
    } else {
        spool->first = next;
    }
    spool->last = next;
    spool->segments++;
    return next;
}

int tenon_spool_append(tenon_spool *spool, tenon_worker worker, const uint8_t *frame,
                       size_t frame_size, int lasting, tenon_spool_full full)
{
    const size_t size = SPOOL_ENVELOPE_BYTES + frame_size;
    spool_segment *segment = NULL;
    int wake = 0;
    int room;
    apr_thread_mutex_lock(spool->mutex);
    room = !spool->closed &&
           (fits(spool, size) || (full == TENON_SPOOL_WAITS && wait_until_fits(spool, size)));
    if (room) {
        segment = segment_for(spool, size);
    }
    if (segment) {
        spool_segment_append(segment, worker.slot, worker.incarnation, frame, frame_size, lasting);
        spool->waiting += size;
    } else if (!room && full == TENON_SPOOL_TELLS) {
        wake = -1;
    } else {
        spool->dropped++;
    }
    if (wake == 0 && spool->waiting >= spool->wake_at) {
        spool->wake_at = UINT64_MAX;
        wake = 1;
    }
    apr_thread_mutex_unlock(spool->mutex);
    return wake;
}

uint64_t tenon_spool_listen(tenon_spool *spool, uint64_t wake_at)
{
    uint64_t waiting;
    apr_thread_mutex_lock(spool->mutex);
    waiting = spool->waiting;
    spool->wake_at = wake_at;
    apr_thread_mutex_unlock(spool->mutex);
    return waiting;
}

/* Takes the oldest segment out of the queue. */
static void drop_first(tenon_spool *spool, int removed)
{
    spool_segment *gone;
    apr_thread_mutex_lock(spool->mutex);
    gone = spool->first;
    spool->waiting -= gone->written - gone->taken;
    spool->first = gone->next;
    if (!spool->first) {
        spool->last = NULL;
    }
    spool->segments--;
    apr_thread_cond_broadcast(spool->room);
    apr_thread_mutex_unlock(spool->mutex);
    spool_segment_close(spool->directory, gone, removed);
}

/* Reads records between two places of a segment, at least one: how many, or -1 when they are not
 * what was written. */
static int read_records(const spool_segment *segment, uint64_t written, apr_pool_t *p,
                        tenon_window *window)
{
    uint64_t size = written - segment->taken;
    uint64_t used = 0;
    uint8_t *bytes;
    spool_record record = {.size = 0};
    int state;
    size = size > SPOOL_RECORD_MOST + WINDOW_BYTES ? SPOOL_RECORD_MOST + WINDOW_BYTES : size;
    bytes = apr_palloc(p, (size_t)size);
    window->records = apr_palloc(p, sizeof(record) * (WINDOW_BYTES / LEAST_RECORD_BYTES + 1));
    window->count = 0;
    if (spool_segment_read(segment, segment->taken, segment->taken + size, bytes) != 0) {
        return -1;
    }
    while (used < size && used < WINDOW_BYTES) {
        state = spool_record_read(bytes + used, (size_t)(size - used), &record);
        if (state <= 0) {
            return -1;
        }
        window->records[window->count++] = record;
        used += record.size;
    }
    window->end = segment->taken + used;
    return window->count;
}

/* The segment whose records are next, and how far it is written; NULL: none. */
static spool_segment *next_segment(tenon_spool *spool, uint64_t *written)
{
    spool_segment *own;
    uint64_t end = 0;
    int passed;
    do {
        apr_thread_mutex_lock(spool->mutex);
        own = spool->first;
        end = own ? own->written : 0;
        /* A long record goes to a segment of its own: the one before may be empty. */
        passed = own && own != spool->last && own->taken == end;
        apr_thread_mutex_unlock(spool->mutex);
        if (passed) {
            drop_first(spool, 1);
        }
    } while (passed);
    if (own && own->taken == end) {
        own = NULL;
    }
    spool->turn = !spool->turn;
    if (spool->orphan && (!own || spool->turn)) {
        *written = spool->orphan->written;
        return spool->orphan;
    }
    *written = end;
    return own;
}

int tenon_spool_window(tenon_spool *spool, apr_pool_t *p, tenon_window *window)
{
    for (;;) {
        uint64_t written;
        window->segment = next_segment(spool, &written);
        if (!window->segment) {
            return 0;
        }
        if (read_records(window->segment, written, p, window) > 0) {
            return 1;
        }
        tenon_spool_set_file_aside(spool, window->segment->name, "is damaged");
        if (window->segment == spool->orphan) {
            tenon_spool_drop_orphan(spool, 0);
        } else {
            drop_first(spool, 0);
        }
    }
}

void tenon_spool_acknowledge(tenon_spool *spool, const tenon_window *window)
{
    spool_segment *segment = window->segment;
    int done;
    if (segment == spool->orphan) {
        spool_segment_take(segment, window->end);
        spool->delivered += (uint64_t)window->count;
        if (segment->taken == segment->written) {
            tenon_spool_drop_orphan(spool, 1);
        }
        return;
    }
    apr_thread_mutex_lock(spool->mutex);
    spool->waiting -= window->end - segment->taken;
    spool_segment_take(segment, window->end);
    done = segment->taken == segment->written;
    if (done && segment == spool->last) {
        spool_segment_rewind(segment);
        done = 0;
    }
    apr_thread_cond_broadcast(spool->room);
    apr_thread_mutex_unlock(spool->mutex);
    if (done) {
        drop_first(spool, 1);
    }
}

/* Logs what was dropped: whether there was anything. */
static int complain(tenon_spool *spool)
{
    uint64_t dropped;
    int error;
    apr_thread_mutex_lock(spool->mutex);
    dropped = spool->dropped;
    error = spool->error;
    spool->dropped = 0;
    spool->error = 0;
    apr_thread_mutex_unlock(spool->mutex);
    if (error) {
        ap_log_error(APLOG_MARK, APLOG_ERR, error, ap_server_conf,
                     "TN0110: [%s] cannot make a file for log records in %s/records/%s",
                     spool->pool->name, tenon_configuration->runtime_dir, spool->pool->name);
    }
    if (dropped > 0) {
        ap_log_error(APLOG_MARK, APLOG_WARNING, 0, ap_server_conf,
                     "TN0111: [%s] dropped %lu log records: %s", spool->pool->name,
                     (unsigned long)dropped,
                     error ? "there was no file for them"
                           : "the pool does not keep up (TenonLogMemory, TenonLogOverflow, "
                             "TenonLogSpill)");
    }
    return error || dropped > 0;
}

/* Has the next segment ready before the present one is full: a request should not make it. */
static void make_spare(tenon_spool *spool)
{
    spool_segment *spare;
    int wanted;
    apr_thread_mutex_lock(spool->mutex);
    wanted =
        !spool->spare && spool->last && spool_segment_room(spool->last) < spool->last->size / 2;
    apr_thread_mutex_unlock(spool->mutex);
    if (!wanted) {
        return;
    }
    spare = make_segment(spool, 0);
    apr_thread_mutex_lock(spool->mutex);
    spool->spare = spare;
    apr_thread_mutex_unlock(spool->mutex);
}

void tenon_spool_tend(tenon_spool *spool)
{
    const apr_time_t now = apr_time_now();
    if (now - spool->complained >= COMPLAIN_EVERY && complain(spool)) {
        spool->complained = now;
    }
    apr_thread_mutex_lock(spool->mutex);
    open_directory(spool, 0);
    apr_thread_mutex_unlock(spool->mutex);
    if (spool->directory < 0) {
        return;
    }
    make_spare(spool);
    if (!spool->orphan && now - spool->looked >= LOOK_EVERY) {
        spool->looked = now;
        tenon_spool_look_around(spool);
    }
}

void tenon_spool_close(tenon_spool *spool)
{
    spool_segment *segment;
    apr_thread_mutex_lock(spool->mutex);
    spool->closed = 1;
    apr_thread_cond_broadcast(spool->room);
    while ((segment = spool->first) != NULL) {
        spool->first = segment->next;
        spool_segment_close(spool->directory, segment, spool_segment_worthless(segment));
    }
    spool->last = NULL;
    if (spool->spare) {
        spool_segment_close(spool->directory, spool->spare, 1);
        spool->spare = NULL;
    }
    apr_thread_mutex_unlock(spool->mutex);
    if (spool->orphan) {
        spool_segment_close(spool->directory, spool->orphan,
                            spool_segment_worthless(spool->orphan));
        spool->orphan = NULL;
    }
    if (spool->refused) {
        spool_segment_close(spool->directory, spool->refused, 0);
        spool->refused = NULL;
    }
    complain(spool);
    if (spool->directory >= 0) {
        tenon_spool_tidy(spool);
        close(spool->directory);
        spool->directory = -1;
    }
}
