/* SPDX-License-Identifier: Apache-2.0
 *
 * Who is at the other end of a Unix socket: SO_PEERCRED, unix(7).
 */
#include "peer-credentials.h"

#include "addon.h"
#include "arguments.h"
#include "system-error.h"

#include <cerrno>
#include <sys/socket.h>

void SetPeerCredentials(Napi::Object object, int fd)
{
    const Napi::Env env = object.Env();
    struct ucred peer = {};
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
        throw SystemError(env, errno, "getsockopt");
    // A socket that never had a peer answers with no ids at all instead of an error.
    if (peer.uid == static_cast<uid_t>(-1))
        throw SystemError(env, ENOTCONN, "getsockopt");
    object.Set("pid", Napi::Number::New(env, peer.pid));
    object.Set("uid", Napi::Number::New(env, peer.uid));
    object.Set("gid", Napi::Number::New(env, peer.gid));
}

static Napi::Value PeerCredentials(const Napi::CallbackInfo &info)
{
    const int fd = DescriptorArgument(info[0], "fd");
    Napi::Object peer = Napi::Object::New(info.Env());
    SetPeerCredentials(peer, fd);
    return peer;
}

void InitPeerCredentials(Napi::Env env, Napi::Object exports)
{
    exports.Set("peerCredentials", Napi::Function::New(env, PeerCredentials, "peerCredentials"));
}
