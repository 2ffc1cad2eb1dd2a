/* SPDX-License-Identifier: Apache-2.0
 *
 * Descriptors: pairs of them, passing them over Unix sockets (SCM_RIGHTS), and what becomes of them
 * in a spawned process. All that is made here is close-on-exec.
 */
#include "addon.h"
#include "arguments.h"
#include "system-error.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace
{

constexpr size_t kMostDescriptors = 16;
/* Of so many bytes Linux sends all or none (unix(7): one buffer of the socket). */
constexpr size_t kMostSentBytes = 32768;
constexpr size_t kMostReceivedBytes = 4096;

union ControlBuffer {
    char bytes[CMSG_SPACE(kMostDescriptors * sizeof(int))];
    struct cmsghdr align;
};

Napi::Array PairOf(Napi::Env env, const int pair[2])
{
    Napi::Array array = Napi::Array::New(env, 2);
    array.Set(0u, Napi::Number::New(env, pair[0]));
    array.Set(1u, Napi::Number::New(env, pair[1]));
    return array;
}

Napi::Value CreatePipe(const Napi::CallbackInfo &info)
{
    int pair[2];
    if (pipe2(pair, O_CLOEXEC) != 0)
        throw SystemError(info.Env(), errno, "pipe2");
    return PairOf(info.Env(), pair);
}

Napi::Value CreateSocketPair(const Napi::CallbackInfo &info)
{
    int pair[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0)
        throw SystemError(info.Env(), errno, "socketpair");
    return PairOf(info.Env(), pair);
}

Napi::Value DuplicateOnto(const Napi::CallbackInfo &info)
{
    const int from = DescriptorArgument(info[0], "from");
    const int to = DescriptorArgument(info[1], "to");
    if (dup2(from, to) < 0)
        throw SystemError(info.Env(), errno, "dup2");
    // dup2 onto itself does nothing, so the flag may still be there.
    if (from == to && fcntl(to, F_SETFD, 0) != 0)
        throw SystemError(info.Env(), errno, "fcntl");
    return info.Env().Undefined();
}

Napi::Value SetCloseOnExec(const Napi::CallbackInfo &info)
{
    const int fd = DescriptorArgument(info[0], "fd");
    const int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || fcntl(fd, F_SETFD, flags | FD_CLOEXEC) != 0)
        throw SystemError(info.Env(), errno, "fcntl");
    return info.Env().Undefined();
}

Napi::Value HasHungUp(const Napi::CallbackInfo &info)
{
    struct pollfd one = {DescriptorArgument(info[0], "fd"), POLLRDHUP, 0};
    if (poll(&one, 1, 0) < 0)
        throw SystemError(info.Env(), errno, "poll");
    return Napi::Boolean::New(info.Env(), (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0);
}

Napi::Value SendDescriptors(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const int fd = DescriptorArgument(info[0], "fd");
    if (!info[1].IsTypedArray() ||
        info[1].As<Napi::TypedArray>().TypedArrayType() != napi_uint8_array)
        throw ArgumentError(env, "data", "a Uint8Array", info[1]);
    Napi::Uint8Array data = info[1].As<Napi::Uint8Array>();
    const size_t size = data.ByteLength();
    if (size == 0 || size > kMostSentBytes)
        throw ArgumentError(env, "data", "of 1 to 32768 bytes",
                            Napi::Number::New(env, static_cast<double>(size)));
    if (!info[2].IsArray())
        throw ArgumentError(env, "descriptors", "an array", info[2]);
    const Napi::Array list = info[2].As<Napi::Array>();
    const size_t count = list.Length();
    if (count > kMostDescriptors)
        throw ArgumentError(env, "descriptors", "an array of 16 at most",
                            Napi::Number::New(env, static_cast<double>(count)));
    int descriptors[kMostDescriptors];
    for (size_t index = 0; index < count; index++)
        descriptors[index] =
            DescriptorArgument(list.Get(static_cast<uint32_t>(index)), "descriptors");

    struct iovec part = {data.Data(), size};
    ControlBuffer control = {};
    struct msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    if (count > 0) {
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    ssize_t sent;
    do
        sent = sendmsg(fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        throw SystemError(env, errno, "sendmsg");
    // A caller must never go on with half a message.
    if (static_cast<size_t>(sent) != size)
        throw SystemError(env, EMSGSIZE, "sendmsg");
    return env.Undefined();
}

/* Takes the descriptors out of a received message. */
size_t TakeDescriptors(struct msghdr *message, int *to)
{
    size_t count = 0;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header != nullptr;
         header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS)
            continue;
        const size_t here = (header->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(to + count, CMSG_DATA(header), here * sizeof(int));
        count += here;
    }
    return count;
}

Napi::Value ReceiveDescriptors(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const int fd = DescriptorArgument(info[0], "fd");
    if (!info[1].IsUndefined() && !info[1].IsBoolean())
        throw ArgumentError(env, "peek", "a boolean", info[1]);
    const bool peek = info[1].IsBoolean() && info[1].As<Napi::Boolean>().Value();
    const int flags = MSG_CMSG_CLOEXEC | MSG_DONTWAIT | (peek ? MSG_PEEK : 0);
    char bytes[kMostReceivedBytes];
    struct iovec part = {bytes, sizeof bytes};
    ControlBuffer control = {};
    struct msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control.bytes;
    message.msg_controllen = sizeof control.bytes;
    ssize_t received;
    do
        received = recvmsg(fd, &message, flags);
    while (received < 0 && errno == EINTR);
    if (received < 0) {
        if (errno == EAGAIN || errno == EWOULDBLOCK)
            return env.Undefined();
        throw SystemError(env, errno, "recvmsg");
    }
    int descriptors[kMostDescriptors];
    const size_t count = TakeDescriptors(&message, descriptors);
    if ((message.msg_flags & MSG_CTRUNC) != 0) {
        for (size_t index = 0; index < count; index++)
            close(descriptors[index]);
        throw SystemError(env, EMSGSIZE, "recvmsg");
    }
    Napi::Array list = Napi::Array::New(env, count);
    for (size_t index = 0; index < count; index++)
        list.Set(static_cast<uint32_t>(index), Napi::Number::New(env, descriptors[index]));
    Napi::Object result = Napi::Object::New(env);
    result.Set("data", Napi::Buffer<char>::Copy(env, bytes, static_cast<size_t>(received)));
    result.Set("descriptors", list);
    return result;
}

} // namespace

void InitDescriptors(Napi::Env env, Napi::Object exports)
{
    exports.Set("createPipe", Napi::Function::New(env, CreatePipe, "createPipe"));
    exports.Set("createSocketPair", Napi::Function::New(env, CreateSocketPair, "createSocketPair"));
    exports.Set("duplicateOnto", Napi::Function::New(env, DuplicateOnto, "duplicateOnto"));
    exports.Set("setCloseOnExec", Napi::Function::New(env, SetCloseOnExec, "setCloseOnExec"));
    exports.Set("hasHungUp", Napi::Function::New(env, HasHungUp, "hasHungUp"));
    exports.Set("sendDescriptors", Napi::Function::New(env, SendDescriptors, "sendDescriptors"));
    exports.Set("receiveDescriptors",
                Napi::Function::New(env, ReceiveDescriptors, "receiveDescriptors"));
}
