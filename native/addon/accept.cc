/* SPDX-License-Identifier: Apache-2.0
 *
 * Listening without accepting, and accepting one connection when it is wanted: the accept gate.
 * libuv accepts all that wait as soon as a server listens; a worker must leave them to others.
 */
#include "addon.h"
#include "arguments.h"
#include "descriptor.h"
#include "peer-credentials.h"
#include "system-error.h"

#include <cerrno>
#include <cstring>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

namespace
{

/* Whether the peer has closed its end: its request needs no answer, so no worker shall begin it. */
bool PeerHasGone(int fd)
{
    struct pollfd one = {fd, POLLRDHUP | POLLHUP, 0};
    return poll(&one, 1, 0) == 1 && (one.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

Napi::Value AcceptConnection(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const int listener = DescriptorArgument(info[0], "fd");
    for (;;) {
        Descriptor accepted(accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (accepted.get() < 0) {
            if (errno == EINTR || errno == ECONNABORTED)
                continue;
            if (errno == EAGAIN || errno == EWOULDBLOCK)
                return env.Undefined();
            throw SystemError(env, errno, "accept4");
        }
        if (PeerHasGone(accepted.get()))
            continue;
        Napi::Object connection = Napi::Object::New(env);
        SetPeerCredentials(connection, accepted.get());
        connection.Set("fd", Napi::Number::New(env, accepted.get()));
        accepted.release();
        return connection;
    }
}

/* Removes what a dead predecessor left at the path; anything but a socket stays, and bind says so.
 */
void RemoveSocket(const std::string &path)
{
    struct stat found;
    if (lstat(path.c_str(), &found) == 0 && S_ISSOCK(found.st_mode))
        unlink(path.c_str());
}

Napi::Value ListenUnix(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const std::string path = TextArgument(info[0], "path");
    const int backlog = DescriptorArgument(info[1], "backlog");
    const uint32_t mode = UnsignedArgument(info[2], "mode");
    if (mode > 0777)
        throw ArgumentError(env, "mode", "permissions of 0o777 at most", info[2]);
    struct sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw SystemError(env, ENAMETOOLONG, "bind", path);
    memcpy(address.sun_path, path.c_str(), path.size());

    Descriptor listener(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (listener.get() < 0)
        throw SystemError(env, errno, "socket");
    RemoveSocket(path);
    if (bind(listener.get(), reinterpret_cast<struct sockaddr *>(&address), sizeof address) != 0)
        throw SystemError(env, errno, "bind", path);
    // Before listen: nobody connects while the permissions are still those of the umask.
    if (chmod(path.c_str(), mode) != 0)
        throw SystemError(env, errno, "chmod", path);
    if (listen(listener.get(), backlog) != 0)
        throw SystemError(env, errno, "listen", path);
    return Napi::Number::New(env, listener.release());
}

Napi::Value SetBacklog(const Napi::CallbackInfo &info)
{
    const int listener = DescriptorArgument(info[0], "fd");
    const int backlog = DescriptorArgument(info[1], "backlog");
    int listening = 0;
    socklen_t size = sizeof listening;
    if (getsockopt(listener, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0)
        throw SystemError(info.Env(), errno, "getsockopt");
    if (!listening)
        throw SystemError(info.Env(), EINVAL, "listen");
    if (listen(listener, backlog) != 0)
        throw SystemError(info.Env(), errno, "listen");
    return info.Env().Undefined();
}

} // namespace

void InitAccept(Napi::Env env, Napi::Object exports)
{
    exports.Set("acceptConnection", Napi::Function::New(env, AcceptConnection, "acceptConnection"));
    exports.Set("listenUnix", Napi::Function::New(env, ListenUnix, "listenUnix"));
    exports.Set("setBacklog", Napi::Function::New(env, SetBacklog, "setBacklog"));
}
