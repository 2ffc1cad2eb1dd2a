/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_log.h>
#include <http_main.h>
#include <apr_atomic.h>
#include <apr_strings.h>
#include <apr_thread_proc.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "records/dispatch.h"
#include "log.h"
#include "records/sender.h"

#define IDLE_SLICE apr_time_from_sec(2)     /* how often files of others are looked for */
#define LAST_WORDS apr_time_from_msec(1000) /* for records, when the child ends */
#define END_SLICE  apr_time_from_msec(5)
#define END_MOST   apr_time_from_msec(1500)

enum { RUNS, IS_TO_END, HAS_ENDED };

/* One a process. Its memory is its own: APR's pools are not for two threads, and httpd's child ends
 * in the middle of another thread's work. */
static struct {
    apr_pool_t *p;
    apr_thread_mutex_t *mutex; /* guards the thread's start */
    apr_thread_t *thread;
    int failed;
    int wakeup; /* eventfd */
    apr_uint32_t state;
    int count;
    tenon_dispatch **dispatches;
} sender = {.wakeup = -1};

/* Waits for records, workers or time. */
static void wait_for_any(struct pollfd *descriptors, apr_time_t end)
{
    apr_time_t until = apr_time_now() + IDLE_SLICE;
    until = until < end ? until : end;
    for (int i = 0; i < sender.count; i++) {
        const apr_time_t next = tenon_dispatch_waits(sender.dispatches[i], &descriptors[i]);
        until = next < until ? next : until;
    }
    descriptors[sender.count] = (struct pollfd){sender.wakeup, POLLIN, 0};
    until -= apr_time_now();
    if (poll(descriptors, (nfds_t)sender.count + 1, until > 0 ? (int)(until / 1000) + 1 : 0) > 0 &&
        descriptors[sender.count].revents) {
        eventfd_t count;
        eventfd_read(sender.wakeup, &count);
    }
}

static int all_done(void)
{
    int done = 1;
    for (int i = 0; i < sender.count; i++) {
        done = done && tenon_dispatch_done(sender.dispatches[i]);
    }
    return done;
}

static void *APR_THREAD_FUNC run(apr_thread_t *thread, void *unused)
{
    struct pollfd *descriptors =
        apr_pcalloc(sender.p, sizeof(*descriptors) * (size_t)(sender.count + 1));
    apr_time_t end = APR_INT64_MAX;
    (void)unused;
    while (apr_time_now() < end) {
        const int ends = apr_atomic_read32(&sender.state) != RUNS;
        if (ends && end == APR_INT64_MAX) {
            end = apr_time_now() + LAST_WORDS;
        }
        for (int i = 0; i < sender.count; i++) {
            tenon_dispatch_step(sender.dispatches[i], ends);
        }
        if (ends && all_done()) {
            break;
        }
        wait_for_any(descriptors, end);
    }
    for (int i = 0; i < sender.count; i++) {
        tenon_dispatch_end(sender.dispatches[i]);
    }
    apr_atomic_set32(&sender.state, HAS_ENDED);
    apr_thread_exit(thread, APR_SUCCESS);
    return NULL;
}

void tenon_sender_wake(void)
{
    eventfd_write(sender.wakeup, 1);
}

/* Signals are for httpd's own threads. */
static apr_status_t start_without_signals(void)
{
    sigset_t all;
    sigset_t before;
    apr_status_t status;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    status = apr_thread_create(&sender.thread, NULL, run, NULL, sender.p);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

void tenon_sender_start(void)
{
    apr_status_t status;
    if (__atomic_load_n(&sender.thread, __ATOMIC_ACQUIRE) || sender.failed) {
        return;
    }
    apr_thread_mutex_lock(sender.mutex);
    if (!sender.thread && !sender.failed) {
        status = start_without_signals();
        sender.failed = status != APR_SUCCESS;
        if (sender.failed) {
            ap_log_error(APLOG_MARK, APLOG_ERR, status, ap_server_conf,
                         "TN0119: cannot start the thread that sends log records: those of this "
                         "process wait for another one");
        }
    }
    apr_thread_mutex_unlock(sender.mutex);
}

/* Ends the thread with the child. Under prefork this may run in a signal's handler, which has
 * interrupted the main thread anywhere, in the middle of adding a record too: so nothing here waits
 * for longer than a limit. What is in the files another child delivers. */
static apr_status_t child_ends(void *unused)
{
    const apr_time_t deadline = apr_time_now() + END_MOST;
    apr_status_t result;
    (void)unused;
    if (!sender.thread) {
        return APR_SUCCESS;
    }
    apr_atomic_cas32(&sender.state, IS_TO_END, RUNS);
    tenon_sender_wake();
    while (apr_atomic_read32(&sender.state) != HAS_ENDED && apr_time_now() < deadline) {
        apr_sleep(END_SLICE);
    }
    if (apr_atomic_read32(&sender.state) == HAS_ENDED) {
        apr_thread_join(&result, sender.thread);
        sender.thread = NULL;
    }
    return APR_SUCCESS;
}

/* Whether any child has ever had records since the supervisor made the directory. */
static int records_wait(apr_pool_t *p)
{
    DIR *root = opendir(tenon_spool_root(p));
    const struct dirent *entry;
    int found = 0;
    while (root && !found && (entry = readdir(root)) != NULL) {
        found = *entry->d_name != '.';
    }
    if (root) {
        closedir(root);
    }
    return found;
}

void tenon_sender_child_init(apr_pool_t *p, server_rec *s)
{
    const apr_array_header_t *pools = tenon_configuration->pools;
    (void)s;
    if (pools->nelts == 0) {
        return;
    }
    apr_pool_create(&sender.p, NULL);
    apr_pool_tag(sender.p, "tenon_sender");
    apr_thread_mutex_create(&sender.mutex, APR_THREAD_MUTEX_DEFAULT, sender.p);
    sender.wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    sender.count = pools->nelts;
    sender.dispatches = apr_pcalloc(sender.p, sizeof(*sender.dispatches) * (size_t)sender.count);
    for (int i = 0; i < pools->nelts; i++) {
        tenon_pool *pool = APR_ARRAY_IDX(pools, i, tenon_pool *);
        pool->spool = tenon_spool_create(sender.p, pool);
        sender.dispatches[i] = tenon_dispatch_create(sender.p, pool->spool);
    }
    /* Before the child's other memory goes. */
    apr_pool_pre_cleanup_register(p, NULL, child_ends);
    if (records_wait(p)) {
        tenon_sender_start();
    }
}
