/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into httpd: its Unix sockets take and give as little as a busy machine's do now and
 * then, or nothing at this moment, at nearly every call. Who waits then for an event that does not
 * come waits for ever.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/un.h>

/* What the kernel puts into a socket whole or not at all. */
#define WHOLE_BYTES 4096
#define MOST_BYTES  40000

static uint32_t next_number(void)
{
    static __thread uint32_t state;
    static uint32_t threads;
    if (state == 0) {
        state = 2654435761U * ++threads;
    }
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

static int is_unix_stream(int fd)
{
    int domain = 0;
    int type = 0;
    socklen_t size = sizeof(int);
    return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX &&
           getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM;
}

/* Whether a call that does not wait comes at a bad moment. */
static int comes_badly(int flags)
{
    return (flags & MSG_DONTWAIT) && next_number() % 2 == 0;
}

static size_t part_of(size_t size, size_t least)
{
    const size_t more = size > least ? size - least : 0;
    return more == 0 ? size : least + next_number() % (more < MOST_BYTES ? more : MOST_BYTES);
}

ssize_t send(int fd, const void *bytes, size_t size, int flags)
{
    static ssize_t (*real)(int, const void *, size_t, int);
    if (!real) {
        real = (ssize_t(*)(int, const void *, size_t, int))dlsym(RTLD_NEXT, "send");
    }
    if (is_unix_stream(fd)) {
        if (comes_badly(flags)) {
            errno = EAGAIN;
            return -1;
        }
        size = part_of(size, WHOLE_BYTES);
    }
    return real(fd, bytes, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
    static ssize_t (*real)(int, const struct msghdr *, int);
    if (!real) {
        real = (ssize_t(*)(int, const struct msghdr *, int))dlsym(RTLD_NEXT, "sendmsg");
    }
    if (message->msg_iovlen > 0 && is_unix_stream(fd) && (flags & MSG_DONTWAIT)) {
        struct msghdr part = *message;
        size_t at = 0;
        struct iovec first;
        while (message->msg_iov[at].iov_len == 0 && at + 1 < message->msg_iovlen) {
            at++;
        }
        first = message->msg_iov[at];
        if (comes_badly(flags)) {
            errno = EAGAIN;
            return -1;
        }
        first.iov_len = part_of(first.iov_len, 1);
        part.msg_iov = &first;
        part.msg_iovlen = 1;
        return real(fd, &part, flags);
    }
    return real(fd, message, flags);
}

ssize_t recv(int fd, void *to, size_t room, int flags)
{
    static ssize_t (*real)(int, void *, size_t, int);
    if (!real) {
        real = (ssize_t(*)(int, void *, size_t, int))dlsym(RTLD_NEXT, "recv");
    }
    if (is_unix_stream(fd)) {
        if (comes_badly(flags)) {
            errno = EAGAIN;
            return -1;
        }
        room = part_of(room, 1);
    }
    return real(fd, to, room, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
    static ssize_t (*real)(int, struct msghdr *, int);
    if (!real) {
        real = (ssize_t(*)(int, struct msghdr *, int))dlsym(RTLD_NEXT, "recvmsg");
    }
    if (message->msg_iovlen == 1 && is_unix_stream(fd)) {
        struct iovec part = message->msg_iov[0];
        struct iovec *whole = message->msg_iov;
        ssize_t size;
        if (comes_badly(flags)) {
            errno = EAGAIN;
            return -1;
        }
        part.iov_len = part_of(part.iov_len, 1);
        message->msg_iov = &part;
        size = real(fd, message, flags);
        message->msg_iov = whole;
        return size;
    }
    return real(fd, message, flags);
}
