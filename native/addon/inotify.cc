/* SPDX-License-Identifier: Apache-2.0
 *
 * inotify(7): what happens to files, queued before the system call of whoever does it returns.
 */
#include "addon.h"
#include "arguments.h"
#include "system-error.h"

#include <cerrno>
#include <cstring>
#include <sys/inotify.h>
#include <unistd.h>

namespace
{

/* Many events a read; each is at most its header and a name of 255 bytes. */
constexpr size_t kBufferBytes = 16384;

Napi::Value CreateInotify(const Napi::CallbackInfo &info)
{
    const int fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (fd < 0)
        throw SystemError(info.Env(), errno, "inotify_init1");
    return Napi::Number::New(info.Env(), fd);
}

Napi::Value AddInotifyWatch(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const int fd = DescriptorArgument(info[0], "fd");
    const std::string path = TextArgument(info[1], "path");
    const int watch = inotify_add_watch(fd, path.c_str(), UnsignedArgument(info[2], "mask"));
    if (watch < 0)
        throw SystemError(env, errno, "inotify_add_watch", path);
    return Napi::Number::New(env, watch);
}

Napi::Object EventOf(Napi::Env env, const struct inotify_event *event, const char *name)
{
    Napi::Object object = Napi::Object::New(env);
    object.Set("watch", Napi::Number::New(env, event->wd));
    object.Set("mask", Napi::Number::New(env, event->mask));
    // Padded with zeros, or absent.
    object.Set("name", Napi::String::New(env, name, strnlen(name, event->len)));
    return object;
}

/* The path of a request whose worker is strict: nothing is made when nothing has happened. */
Napi::Value ReadInotify(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const int fd = DescriptorArgument(info[0], "fd");
    alignas(struct inotify_event) char buffer[kBufferBytes];
    ssize_t size;
    do
        size = read(fd, buffer, sizeof buffer);
    while (size < 0 && errno == EINTR);
    if (size < 0) {
        if (errno == EAGAIN)
            return env.Undefined();
        throw SystemError(env, errno, "read");
    }
    Napi::Array events = Napi::Array::New(env);
    uint32_t count = 0;
    // The kernel hands out whole events only.
    for (size_t at = 0; at + sizeof(struct inotify_event) <= static_cast<size_t>(size);) {
        const auto *event = reinterpret_cast<const struct inotify_event *>(buffer + at);
        events.Set(count++, EventOf(env, event, buffer + at + sizeof *event));
        at += sizeof *event + event->len;
    }
    return events;
}

} // namespace

void InitInotify(Napi::Env env, Napi::Object exports)
{
    exports.Set("createInotify", Napi::Function::New(env, CreateInotify, "createInotify"));
    exports.Set("addInotifyWatch", Napi::Function::New(env, AddInotifyWatch, "addInotifyWatch"));
    exports.Set("readInotify", Napi::Function::New(env, ReadInotify, "readInotify"));
}
