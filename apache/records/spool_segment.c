/* SPDX-License-Identifier: Apache-2.0 */
#include "records/spool_segment.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define NAME_DIGITS   16
#define MOST_ATTEMPTS 8

/* Microseconds since 1970, later at each call of this process. */
static uint64_t next_stamp(void)
{
    static _Atomic uint64_t last;
    struct timespec now;
    uint64_t stamp;
    uint64_t before = atomic_load(&last);
    clock_gettime(CLOCK_REALTIME, &now);
    do {
        stamp = (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
        stamp = stamp > before ? stamp : before + 1;
    } while (!atomic_compare_exchange_weak(&last, &before, stamp));
    return stamp;
}

int spool_segment_named(const char *name)
{
    size_t digits = strspn(name, "0123456789abcdef");
    if (digits != NAME_DIGITS || name[digits] != '-') {
        return 0;
    }
    name += digits + 1;
    return *name != '\0' && strspn(name, "0123456789") == strlen(name) &&
           strlen(name) < SPOOL_NAME_BYTES - NAME_DIGITS - 1;
}

/* Locks a file, and sees that it was not removed meanwhile: 1 when it is ours. */
static int lock(int fd, struct stat *info)
{
    return flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, info) == 0 && info->st_nlink > 0;
}

/* A new file, locked. Who looks for files left behind may be quicker with the lock: then under
 * another name. */
static int create_locked(int directory, const char *prefix, char name[SPOOL_NAME_BYTES])
{
    for (int attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
        struct stat info;
        int fd;
        snprintf(name, SPOOL_NAME_BYTES, "%s%016llx-%ld", prefix, (unsigned long long)next_stamp(),
                 (long)getpid());
        fd = openat(directory, name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0) {
            return -1;
        }
        if (lock(fd, &info)) {
            return fd;
        }
        unlinkat(directory, name, 0);
        close(fd);
    }
    errno = EBUSY;
    return -1;
}

spool_segment *spool_segment_create(int directory, const char *prefix, size_t bytes)
{
    spool_segment *segment = calloc(1, sizeof(*segment));
    const spool_header header = {SPOOL_HEADER_BYTES, SPOOL_HEADER_BYTES, 0};
    void *map = MAP_FAILED;
    int error;
    if (!segment) {
        return NULL;
    }
    segment->size = SPOOL_HEADER_BYTES + bytes;
    segment->written = segment->taken = SPOOL_HEADER_BYTES;
    segment->fd = create_locked(directory, prefix, segment->name);
    error = segment->fd < 0 ? errno : 0;
    if (!error) {
        /* All of it is there before it is mapped: a full disk must not be found by a store. */
        error = posix_fallocate(segment->fd, 0, (off_t)segment->size);
    }
    if (!error) {
        map = mmap(NULL, segment->size, PROT_READ | PROT_WRITE, MAP_SHARED, segment->fd, 0);
        error = map == MAP_FAILED ? errno : 0;
    }
    if (error) {
        if (segment->fd >= 0) {
            unlinkat(directory, segment->name, 0);
            close(segment->fd);
        }
        free(segment);
        errno = error;
        return NULL;
    }
    segment->map = map;
    spool_header_write(segment->map, &header);
    return segment;
}

/* What is in a file that was left behind and is locked by us. */
static spool_adopted inspect(spool_segment *segment, const struct stat *info)
{
    uint8_t bytes[SPOOL_HEADER_BYTES];
    spool_header header;
    if (!S_ISREG(info->st_mode) || info->st_uid != geteuid()) {
        return SPOOL_BAD;
    }
    segment->size = (uint64_t)info->st_size;
    if (segment->size == 0) {
        return SPOOL_EMPTY;
    }
    if (segment->size < sizeof(bytes) || spool_segment_read(segment, 0, sizeof(bytes), bytes)) {
        return SPOOL_BAD;
    }
    if (spool_header_read(bytes, segment->size, &header) != 0) {
        /* Its child died before it wrote the header. */
        return bytes[0] == 0 && memcmp(bytes, bytes + 1, sizeof(bytes) - 1) == 0 ? SPOOL_EMPTY
                                                                                 : SPOOL_BAD;
    }
    segment->written = header.written;
    segment->taken = header.taken;
    segment->worth = header.worth;
    return header.taken == header.written ? SPOOL_EMPTY : SPOOL_ADOPTED;
}

spool_adopted spool_segment_adopt(int directory, const char *name, spool_segment **adopted)
{
    const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
    spool_segment *segment = calloc(1, sizeof(*segment));
    spool_adopted result = SPOOL_IN_USE;
    struct stat info;
    if (!segment) {
        return SPOOL_IN_USE;
    }
    segment->fd = openat(directory, name, flags);
    if (segment->fd < 0) {
        result = errno == ENOENT || errno == EMFILE || errno == ENFILE ? SPOOL_IN_USE : SPOOL_BAD;
        free(segment);
        return result;
    }
    if (lock(segment->fd, &info)) {
        snprintf(segment->name, sizeof(segment->name), "%s", name);
        result = inspect(segment, &info);
    }
    if (result == SPOOL_ADOPTED) {
        *adopted = segment;
        return result;
    }
    spool_segment_close(directory, segment, result == SPOOL_EMPTY);
    return result;
}

static void store(spool_segment *segment, size_t offset, uint64_t value)
{
    __atomic_store_n((uint64_t *)(void *)(segment->map + offset), value, __ATOMIC_RELEASE);
}

void spool_segment_append(spool_segment *segment, int slot, uint32_t incarnation,
                          const uint8_t *frame, size_t frame_size, int lasting)
{
    uint8_t *at = segment->map + segment->written;
    spool_envelope_write(at, slot, incarnation, frame_size);
    memcpy(at + SPOOL_ENVELOPE_BYTES, frame, frame_size);
    segment->written += SPOOL_ENVELOPE_BYTES + frame_size;
    if (lasting) {
        segment->worth = segment->written;
        store(segment, SPOOL_WORTH_OFFSET, segment->worth);
    }
    store(segment, SPOOL_WRITTEN_OFFSET, segment->written);
}

size_t spool_segment_room(const spool_segment *segment)
{
    return segment->map ? (size_t)(segment->size - segment->written) : 0;
}

int spool_segment_read(const spool_segment *segment, uint64_t from, uint64_t to, uint8_t *bytes)
{
    while (from < to) {
        const ssize_t size = pread(segment->fd, bytes, (size_t)(to - from), (off_t)from);
        if (size < 0 && errno == EINTR) {
            continue;
        }
        if (size <= 0) {
            return -1;
        }
        bytes += size;
        from += (uint64_t)size;
    }
    return 0;
}

void spool_segment_take(spool_segment *segment, uint64_t taken)
{
    segment->taken = taken;
    if (segment->map) {
        store(segment, SPOOL_TAKEN_OFFSET, taken);
    } else {
        /* When this fails records are delivered again, which they may be. */
        (void)!pwrite(segment->fd, &taken, sizeof(taken), SPOOL_TAKEN_OFFSET);
    }
}

void spool_segment_rewind(spool_segment *segment)
{
    /* A child that ends between the two leaves records that are delivered again. */
    spool_segment_take(segment, SPOOL_HEADER_BYTES);
    segment->written = SPOOL_HEADER_BYTES;
    store(segment, SPOOL_WRITTEN_OFFSET, segment->written);
    segment->worth = 0;
    store(segment, SPOOL_WORTH_OFFSET, segment->worth);
}

void spool_segment_seal(spool_segment *segment)
{
    if (segment->map) {
        munmap(segment->map, segment->size);
        segment->map = NULL;
    }
}

int spool_segment_worthless(const spool_segment *segment)
{
    return segment->taken >= segment->worth;
}

void spool_segment_close(int directory, spool_segment *segment, int removed)
{
    spool_segment_seal(segment);
    if (removed) {
        unlinkat(directory, segment->name, 0);
    }
    close(segment->fd);
    free(segment);
}
