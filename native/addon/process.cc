/* SPDX-License-Identifier: Apache-2.0
 *
 * Processes that are no children of ours: held by descriptors (pidfd_open(2)), so that a number
 * that another process has by now is never meant; and the end that comes when a peer has gone.
 */
#include "addon.h"
#include "arguments.h"
#include "descriptor.h"
#include "system-error.h"

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <ctime>
#include <fcntl.h>
#include <linux/ioctl.h>
#include <poll.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace
{

/* PIDFD_GET_INFO of Linux 6.15 and later (linux/pidfd.h), which older headers do not have. */
struct ProcessInfo {
    uint64_t mask;
    uint64_t cgroup;
    uint32_t pid, tgid, ppid;
    uint32_t ids[8];
    int32_t exit_code;
};
static_assert(sizeof(ProcessInfo) == 64, "the first version of struct pidfd_info");
constexpr uint64_t kExitInfo = 1 << 3;
constexpr unsigned long kGetInfo = _IOWR(0xFF, 11, struct ProcessInfo);

/* For poll and kill only. */
constexpr size_t kStackBytes = 128 * 1024;

Napi::Value OpenProcess(const Napi::CallbackInfo &info)
{
    const uint32_t pid = UnsignedArgument(info[0], "pid");
    const long fd = syscall(SYS_pidfd_open, static_cast<pid_t>(pid), 0);
    if (fd < 0)
        throw SystemError(info.Env(), errno, "pidfd_open");
    return Napi::Number::New(info.Env(), static_cast<double>(fd));
}

Napi::Value SignalProcess(const Napi::CallbackInfo &info)
{
    const int fd = DescriptorArgument(info[0], "fd");
    const uint32_t number = UnsignedArgument(info[1], "number");
    if (syscall(SYS_pidfd_send_signal, fd, static_cast<int>(number), nullptr, 0) == 0)
        return Napi::Boolean::New(info.Env(), true);
    if (errno == ESRCH)
        return Napi::Boolean::New(info.Env(), false);
    throw SystemError(info.Env(), errno, "pidfd_send_signal");
}

Napi::Value ExitStatus(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const int fd = DescriptorArgument(info[0], "fd");
    ProcessInfo process = {};
    process.mask = kExitInfo;
    // Fails on older systems.
    if (ioctl(fd, kGetInfo, &process) != 0 || (process.mask & kExitInfo) == 0)
        return env.Undefined();
    return Napi::Number::New(env, process.exit_code);
}

struct Leash {
    int fd;
    ino_t socket;
    uint64_t ms;
};

/* Who waits for a socket keeps it open at its other end, whoever has closed it here. */
constexpr int kLetGoMs = 1000;

/* Whether the application has closed the descriptor; its number may mean something else since. */
bool IsLost(const Leash &leash)
{
    struct stat now = {};
    return fstat(leash.fd, &now) != 0 || now.st_ino != leash.socket;
}

/* A thread that nothing of the application can stop: no loop, no lock, no memory that is short. */
void *WaitForPeer(void *data)
{
    const Leash leash = *static_cast<Leash *>(data);
    delete static_cast<Leash *>(data);
    struct pollfd peer = {leash.fd, POLLRDHUP, 0};
    while (!IsLost(leash) && poll(&peer, 1, kLetGoMs) <= 0)
        continue;
    struct timespec rest = {static_cast<time_t>(leash.ms / 1000),
                            static_cast<long>(leash.ms % 1000 * 1000000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &rest, &rest) == EINTR)
        continue;
    const pid_t self = getpid();
    // With all that it has started, where the group is its own.
    kill(getpgrp() == self ? -self : self, SIGKILL);
    return nullptr;
}

Napi::Value EndWithPeer(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const int fd = DescriptorArgument(info[0], "fd");
    const uint64_t ms = LargeArgument(info[1], "ms");
    // A descriptor of its own: the other number may come to mean something else.
    Descriptor own(fcntl(fd, F_DUPFD_CLOEXEC, 0));
    if (own.get() < 0)
        throw SystemError(env, errno, "fcntl");
    struct stat socket = {};
    if (fstat(own.get(), &socket) != 0)
        throw SystemError(env, errno, "fstat");
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attributes, kStackBytes);
    Leash *leash = new Leash{own.get(), socket.st_ino, ms};
    pthread_t thread;
    // Signals are for Node's own threads.
    pthread_sigmask(SIG_SETMASK, &all, &before);
    const int error = pthread_create(&thread, &attributes, WaitForPeer, leash);
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    pthread_attr_destroy(&attributes);
    if (error != 0) {
        delete leash;
        throw SystemError(env, error, "pthread_create");
    }
    own.release();
    return env.Undefined();
}

} // namespace

void InitProcess(Napi::Env env, Napi::Object exports)
{
    exports.Set("openProcess", Napi::Function::New(env, OpenProcess, "openProcess"));
    exports.Set("signalProcess", Napi::Function::New(env, SignalProcess, "signalProcess"));
    exports.Set("exitStatus", Napi::Function::New(env, ExitStatus, "exitStatus"));
    exports.Set("endWithPeer", Napi::Function::New(env, EndWithPeer, "endWithPeer"));
}
