/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <apr_strings.h>
#include <apr_thread_mutex.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "exchange/channel.h"
#include "wire/exchange.h"
#include "log.h"

#define STALE_MS                                                                     \
    2000 /* a worker whose heartbeat is older gets no exchange but through the queue \
          */
#define SEND_WAIT                                                                                \
    250000 /* µs: how late the end of a request's time may be seen while a worker takes none of \
              its head */
#define MAX_SLOTS 256
#define IDLE_MS   10000 /* how long a channel is kept that nobody uses */
#define LOOK_MS   1000  /* how often to look for those */

/* What a child process knows of a running pool. */
typedef struct tenon_pool_runtime {
    apr_thread_mutex_t *mutex; /* guards all below */
    const wire_scoreboard
        *board; /* NULL: not mapped yet; replaced ones stay mapped for the channels that use them */
    tenon_channel *idle[MAX_SLOTS]; /* by slot, the one that was kept last first */
    uint32_t busy[MAX_SLOTS];       /* exchanges of this child by slot, changed without the mutex */
} tenon_pool_runtime;

/* When this child looked last for channels that nobody uses, ms. */
static uint32_t looked;

static uint32_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
    return (uint32_t)((uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000);
}

/* Maps the scoreboard of a pool anew, or NULL. */
static const wire_scoreboard *map_board(const tenon_pool *pool)
{
    char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
    struct stat info;
    wire_scoreboard *board = NULL;
    void *mapping = MAP_FAILED;
    int fd;

    apr_snprintf(path, sizeof(path), "%s/scoreboard", pool->path);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return NULL;
    }
    if (fstat(fd, &info) == 0 && info.st_uid == tenon_configuration->parent_uid &&
        info.st_size > 0) {
        mapping = mmap(NULL, (size_t)info.st_size, PROT_READ, MAP_SHARED, fd, 0);
    }
    close(fd);
    if (mapping == MAP_FAILED) {
        return NULL;
    }
    board = malloc(sizeof(*board));
    if (!board || wire_scoreboard_open(board, mapping, (size_t)info.st_size) != 0) {
        munmap(mapping, (size_t)info.st_size);
        free(board);
        return NULL;
    }
    return board;
}

/* The present scoreboard, or NULL. Called with the mutex held. */
static const wire_scoreboard *present_board(tenon_pool *pool)
{
    tenon_pool_runtime *runtime = pool->runtime;
    if (!runtime->board || wire_scoreboard_header(runtime->board, WIRE_BOARD_REPLACED)) {
        runtime->board = map_board(pool);
    }
    return runtime->board;
}

const wire_scoreboard *tenon_channel_board(tenon_pool *pool)
{
    const wire_scoreboard *board;
    apr_thread_mutex_lock(pool->runtime->mutex);
    board = present_board(pool);
    apr_thread_mutex_unlock(pool->runtime->mutex);
    return board;
}

/* Takes an idle channel to the present worker of a slot and closes those to earlier ones. Mutex
 * held. */
static tenon_channel *take_idle(tenon_pool_runtime *runtime, unsigned slot)
{
    const uint32_t incarnation = wire_scoreboard_slot(runtime->board, slot, WIRE_SLOT_INCARNATION);
    tenon_channel *channel;
    while (slot < MAX_SLOTS && (channel = runtime->idle[slot]) != NULL) {
        runtime->idle[slot] = channel->next;
        if (channel->incarnation == incarnation && channel->board == runtime->board) {
            return channel;
        }
        tenon_channel_close(channel);
    }
    return NULL;
}

/* Counts the exchange that is to run on a channel, once its slot is known: what a worker itself
 * counts is only what it has read. */
static void count(tenon_pool *pool, tenon_channel *channel)
{
    if (!channel->counted && channel->slot >= 0 && channel->slot < MAX_SLOTS) {
        channel->counted = &pool->runtime->busy[channel->slot];
        __atomic_add_fetch(channel->counted, 1, __ATOMIC_RELAXED);
    }
}

static void uncount(tenon_channel *channel)
{
    if (channel->counted) {
        __atomic_sub_fetch(channel->counted, 1, __ATOMIC_RELAXED);
        channel->counted = NULL;
    }
}

/* 1 when the peer's socket was made by httpd's parent's user, so by the supervisor. */
static int owned_by_parent(int fd)
{
    struct ucred owner;
    socklen_t size = sizeof(owner);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &owner, &size) == 0 &&
           owner.uid == tenon_configuration->parent_uid;
}

static tenon_acquired acquired_from_errno(void)
{
    return errno == EAGAIN ? TENON_QUEUE_FULL : TENON_UNAVAILABLE;
}

/* Connects to one of a pool's sockets: never waits. */
static tenon_acquired connect_to(const tenon_pool *pool, const char *name, tenon_channel **channel)
{
    const struct timeval first_wait = {.tv_sec = 0, .tv_usec = TENON_CHANNEL_FIRST_WAIT};
    const struct timeval send_wait = {.tv_sec = 0, .tv_usec = SEND_WAIT};
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    tenon_acquired result = TENON_UNAVAILABLE;

    if (fd < 0) {
        return errno == EMFILE || errno == ENFILE ? TENON_EXHAUSTED : TENON_UNAVAILABLE;
    }
    apr_snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", pool->path, name);
    if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
        result = acquired_from_errno();
        goto cleanup;
    }
    if (!owned_by_parent(fd)) {
        result = TENON_REFUSED;
        goto cleanup;
    }
    /* The first read of an answer may block shortly: one system call less than poll and read. */
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &first_wait, sizeof(first_wait));
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &send_wait, sizeof(send_wait));
    *channel = calloc(1, sizeof(**channel));
    if (!*channel || fcntl(fd, F_SETFL, 0) != 0) {
        goto cleanup;
    }
    (*channel)->fd = fd;
    (*channel)->slot = -1;
    (*channel)->state = WIRE_EXCHANGE_NEW;
    return TENON_ACQUIRED;

cleanup:
    close(fd);
    return result;
}

/* The idle channel, or the slot to connect to (-1: none). */
static tenon_channel *pick(tenon_pool *pool, tenon_worker preferred, uint64_t avoid, int *slot)
{
    tenon_pool_runtime *runtime = pool->runtime;
    tenon_channel *channel = NULL;
    const wire_scoreboard *board;
    *slot = -1;
    apr_thread_mutex_lock(runtime->mutex);
    board = present_board(pool);
    if (board && preferred.slot >= 0 && !(preferred.slot < 64 && avoid >> preferred.slot & 1) &&
        wire_scoreboard_room(board, (unsigned)preferred.slot, preferred.incarnation, now_ms(),
                             STALE_MS)) {
        *slot = preferred.slot;
    } else if (board) {
        *slot = wire_scoreboard_pick(board, now_ms(), STALE_MS, avoid, runtime->busy, MAX_SLOTS);
    }
    if (*slot >= 0) {
        channel = take_idle(runtime, (unsigned)*slot);
    }
    apr_thread_mutex_unlock(runtime->mutex);
    return channel;
}

uint32_t tenon_channel_open_ms(tenon_pool *pool)
{
    const wire_scoreboard *board = tenon_channel_board(pool);
    return board ? wire_scoreboard_open_ms(board, now_ms()) : 0;
}

tenon_acquired tenon_channel_acquire(tenon_pool *pool, tenon_worker preferred, uint64_t avoid,
                                     tenon_channel **channel)
{
    int slot;
    *channel = pick(pool, preferred, avoid, &slot);
    if (*channel) {
        count(pool, *channel);
        return TENON_ACQUIRED;
    }
    if (slot >= 0) {
        char name[16];
        apr_snprintf(name, sizeof(name), "w%d", slot);
        if (connect_to(pool, name, channel) == TENON_ACQUIRED) {
            (*channel)->slot = slot;
            count(pool, *channel);
            return TENON_ACQUIRED;
        }
    }
    return tenon_channel_open_ms(pool) > 0 ? TENON_SHUT : connect_to(pool, "queue", channel);
}

int tenon_channel_greet(tenon_pool *pool, tenon_channel *channel, const wire_hello *hello)
{
    if (hello->version < WIRE_VERSION || hello->oldest_version > WIRE_VERSION) {
        return -WIRE_ERROR_BAD_VERSION;
    }
    apr_thread_mutex_lock(pool->runtime->mutex);
    channel->board = present_board(pool);
    apr_thread_mutex_unlock(pool->runtime->mutex);
    if (!channel->board || hello->slot >= channel->board->slots ||
        hello->claim_index >= WIRE_CLAIMS_PER_SLOT ||
        (channel->slot >= 0 && channel->slot != hello->slot)) {
        return -WIRE_ERROR_BAD_PAYLOAD;
    }
    channel->greeted = 1;
    channel->slot = hello->slot;
    channel->incarnation = hello->incarnation;
    channel->claim_index = hello->claim_index;
    channel->claim = hello->claim;
    channel->phases = hello->phases;
    count(pool, channel);
    return 0;
}

wire_claim_state tenon_channel_claimed(const tenon_channel *channel)
{
    if (!channel->greeted) {
        return WIRE_CLAIM_NOT_BEGUN;
    }
    return wire_scoreboard_claimed(channel->board, (unsigned)channel->slot, channel->incarnation,
                                   channel->claim_index, channel->claim, channel->exchanges);
}

int tenon_channel_stalls(tenon_pool *pool, const tenon_channel *channel)
{
    const wire_scoreboard *board = channel->greeted ? channel->board : tenon_channel_board(pool);
    return board && channel->slot >= 0 &&
           wire_scoreboard_stalls(board, (unsigned)channel->slot, now_ms(), STALE_MS);
}

int tenon_channel_worker_stalls(tenon_pool *pool, tenon_worker worker)
{
    const wire_scoreboard *board = tenon_channel_board(pool);
    const unsigned slot = (unsigned)worker.slot;
    return board && worker.slot >= 0 && slot < board->slots &&
           wire_scoreboard_slot(board, slot, WIRE_SLOT_INCARNATION) == worker.incarnation &&
           wire_scoreboard_stalls(board, slot, now_ms(), STALE_MS);
}

/* Takes out the idle channels to a slot that nobody has used for long. Mutex held. */
static tenon_channel *take_unused(tenon_pool_runtime *runtime, unsigned slot, uint32_t now)
{
    tenon_channel **at = &runtime->idle[slot];
    tenon_channel *unused;
    /* Another thread may have kept one since. */
    while (*at && (int32_t)(now - (*at)->kept) < IDLE_MS) {
        at = &(*at)->next;
    }
    /* Those behind it are idle for even longer. */
    unused = *at;
    *at = NULL;
    return unused;
}

/* Closes what a burst of requests has left, to workers that may have gone long ago. */
static void close_unused(tenon_pool_runtime *runtime, uint32_t now)
{
    for (unsigned slot = 0; slot < MAX_SLOTS; slot++) {
        tenon_channel *unused = NULL;
        if (__atomic_load_n(&runtime->idle[slot], __ATOMIC_RELAXED)) {
            apr_thread_mutex_lock(runtime->mutex);
            unused = take_unused(runtime, slot, now);
            apr_thread_mutex_unlock(runtime->mutex);
        }
        while (unused) {
            tenon_channel *next = unused->next;
            tenon_channel_close(unused);
            unused = next;
        }
    }
}

/* The same for all pools, now and then: by one thread, which has just ended an exchange. */
static void close_unused_at_times(uint32_t now)
{
    uint32_t before = __atomic_load_n(&looked, __ATOMIC_RELAXED);
    if (now - before < LOOK_MS ||
        !__atomic_compare_exchange_n(&looked, &before, now, 0, __ATOMIC_RELAXED,
                                     __ATOMIC_RELAXED)) {
        return;
    }
    for (int i = 0; i < tenon_configuration->pools->nelts; i++) {
        close_unused(APR_ARRAY_IDX(tenon_configuration->pools, i, tenon_pool *)->runtime, now);
    }
}

void tenon_channel_keep(tenon_pool *pool, tenon_channel *channel)
{
    tenon_pool_runtime *runtime = pool->runtime;
    if (!channel->greeted || channel->slot >= MAX_SLOTS) {
        tenon_channel_close(channel);
        return;
    }
    uncount(channel);
    channel->kept = now_ms();
    apr_thread_mutex_lock(runtime->mutex);
    channel->next = runtime->idle[channel->slot];
    runtime->idle[channel->slot] = channel;
    apr_thread_mutex_unlock(runtime->mutex);
    close_unused_at_times(channel->kept);
}

void tenon_channel_close(tenon_channel *channel)
{
    uncount(channel);
    close(channel->fd);
    free(channel);
}

void tenon_channel_child_init(apr_pool_t *p, server_rec *s)
{
    (void)s;
    for (int i = 0; i < tenon_configuration->pools->nelts; i++) {
        tenon_pool *pool = APR_ARRAY_IDX(tenon_configuration->pools, i, tenon_pool *);
        pool->runtime = apr_pcalloc(p, sizeof(*pool->runtime));
        apr_thread_mutex_create(&pool->runtime->mutex, APR_THREAD_MUTEX_DEFAULT, p);
    }
}
