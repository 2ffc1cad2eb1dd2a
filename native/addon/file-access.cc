/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking at files with the rights of another user, for the time of one call: what a worker names
 * to the supervisor is looked at as that worker could.
 *
 * setfsuid(2), setfsgid(2) and the bare system call setgroups change the calling thread only, which
 * is the one that runs JavaScript; with an fsuid other than 0 the kernel takes away the
 * capabilities that pass over permissions.
 */
#include "addon.h"
#include "arguments.h"
#include "system-error.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <sys/fsuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace
{

constexpr int kExitCode = 70; /* EX_SOFTWARE */
constexpr uid_t kAsk = static_cast<uid_t>(-1);

/* Both tell errors by nothing but what is set afterwards. */
bool SetIds(uid_t uid, gid_t gid)
{
    setfsgid(gid);
    setfsuid(uid);
    return static_cast<uid_t>(setfsuid(kAsk)) == uid && static_cast<gid_t>(setfsgid(kAsk)) == gid;
}

bool SetGroups(const std::vector<gid_t> &groups)
{
    return syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

/* The rights that the thread had; gone back to whatever becomes of the call. */
class OwnRights
{
  public:
    OwnRights() : groups_(static_cast<size_t>(std::max(0, getgroups(0, nullptr))))
    {
        const int count = getgroups(static_cast<int>(groups_.size()), groups_.data());
        groups_.resize(static_cast<size_t>(std::max(0, count)));
    }
    ~OwnRights()
    {
        if (!SetIds(geteuid(), getegid()) || !SetGroups(groups_)) {
            // A process that is neither the one nor the other must not go on.
            fputs("tenon: the supervisor's own rights did not come back\n", stderr);
            _exit(kExitCode);
        }
    }
    OwnRights(const OwnRights &) = delete;
    OwnRights &operator=(const OwnRights &) = delete;

  private:
    std::vector<gid_t> groups_;
};

Napi::Value WithFileAccess(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    if (!info[0].IsObject())
        throw ArgumentError(env, "identity", "an object", info[0]);
    if (!info[1].IsFunction())
        throw ArgumentError(env, "callback", "a function", info[1]);
    const Napi::Object identity = info[0].As<Napi::Object>();
    const std::vector<uint32_t> list = UnsignedListArgument(identity.Get("groups"), "groups");
    const uid_t uid = UnsignedArgument(identity.Get("uid"), "uid");
    const gid_t gid = UnsignedArgument(identity.Get("gid"), "gid");
    const OwnRights own;
    // Groups first: it needs a right, which an fsuid leaves.
    if (!SetGroups({list.begin(), list.end()}))
        throw SystemError(env, errno, "setgroups");
    if (!SetIds(uid, gid))
        throw SystemError(env, EPERM, "setfsuid");
    return info[1].As<Napi::Function>().Call({});
}

} // namespace

void InitFileAccess(Napi::Env env, Napi::Object exports)
{
    exports.Set("withFileAccess", Napi::Function::New(env, WithFileAccess, "withFileAccess"));
}
