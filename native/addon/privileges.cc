/* SPDX-License-Identifier: Apache-2.0
 *
 * Becoming another user for good. Once it has begun there is no error to catch: a worker that is
 * neither the one nor the other must not run, so whatever is in doubt ends the process.
 *
 * setgroups, setresgid and setresuid are glibc's, which changes all threads of the process.
 * no_new_privs holds for the calling thread and for all threads and processes made by it; Node
 * spawns processes from it only.
 */
#include "addon.h"
#include "arguments.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <grp.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <vector>

namespace
{

constexpr int kExitCode = 70; /* EX_SOFTWARE */

struct Identity {
    uid_t uid;
    gid_t gid;
    std::vector<gid_t> groups; /* sorted */
};

[[noreturn]] void Abort(const char *what, int number)
{
    char line[256];
    const int size = snprintf(line, sizeof line, "tenon: privileges were not dropped: %s%s%s\n",
                              what, number != 0 ? ": " : "", number != 0 ? strerror(number) : "");
    if (size > 0 && write(STDERR_FILENO, line, static_cast<size_t>(size)) < 0)
        _exit(kExitCode + 1);
    _exit(kExitCode);
}

std::vector<gid_t> PresentGroups()
{
    const int count = getgroups(0, nullptr);
    if (count < 0)
        Abort("getgroups", errno);
    std::vector<gid_t> groups(static_cast<size_t>(count));
    if (count > 0 && getgroups(count, groups.data()) != count)
        Abort("getgroups", errno);
    std::sort(groups.begin(), groups.end());
    return groups;
}

bool IsIdentity(const Identity &identity)
{
    uid_t uid[3];
    gid_t gid[3];
    if (getresuid(&uid[0], &uid[1], &uid[2]) != 0 || getresgid(&gid[0], &gid[1], &gid[2]) != 0)
        Abort("getresuid", errno);
    return std::all_of(uid, uid + 3, [&](uid_t id) { return id == identity.uid; }) &&
           std::all_of(gid, gid + 3, [&](gid_t id) { return id == identity.gid; }) &&
           PresentGroups() == identity.groups;
}

void RefuseNewPrivileges()
{
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        Abort("prctl", errno);
    if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
        Abort("no_new_privs is not set", 0);
}

/* A process that has CAP_SETUID needs no saved uid to come back. */
bool HasCapabilities()
{
    struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
    struct __user_cap_data_struct sets[_LINUX_CAPABILITY_U32S_3] = {};
    if (syscall(SYS_capget, &header, sets) != 0)
        Abort("capget", errno);
    return std::any_of(std::begin(sets), std::end(sets),
                       [](const auto &set) { return set.effective != 0 || set.permitted != 0; });
}

void ProveNoWayBack()
{
    if (HasCapabilities())
        Abort("capabilities are left", 0);
    if (setuid(0) == 0)
        Abort("setuid(0) succeeded", 0);
    if (setresuid(static_cast<uid_t>(-1), 0, static_cast<uid_t>(-1)) == 0)
        Abort("setresuid(-1, 0, -1) succeeded", 0);
}

Identity IdentityArgument(Napi::Env env, Napi::Value value)
{
    if (!value.IsObject())
        throw ArgumentError(env, "identity", "an object", value);
    const Napi::Object object = value.As<Napi::Object>();
    const std::vector<uint32_t> groups = UnsignedListArgument(object.Get("groups"), "groups");
    Identity identity = {UnsignedArgument(object.Get("uid"), "uid"),
                         UnsignedArgument(object.Get("gid"), "gid"),
                         {groups.begin(), groups.end()}};
    if (identity.uid == 0)
        throw ArgumentError(env, "uid", "that of another user than root", object.Get("uid"));
    std::sort(identity.groups.begin(), identity.groups.end());
    identity.groups.erase(std::unique(identity.groups.begin(), identity.groups.end()),
                          identity.groups.end());
    return identity;
}

Napi::Value DropPrivileges(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const Identity identity = IdentityArgument(env, info[0]);
    if (!IsIdentity(identity)) {
        // Groups first and uid last: each needs the rights that the later ones take away.
        if (setgroups(identity.groups.size(), identity.groups.data()) != 0)
            Abort("setgroups", errno);
        if (setresgid(identity.gid, identity.gid, identity.gid) != 0)
            Abort("setresgid", errno);
        if (setresuid(identity.uid, identity.uid, identity.uid) != 0)
            Abort("setresuid", errno);
        if (!IsIdentity(identity))
            Abort("the identity is not the one that was set", 0);
        ProveNoWayBack();
    }
    RefuseNewPrivileges();
    return env.Undefined();
}

} // namespace

void InitPrivileges(Napi::Env env, Napi::Object exports)
{
    exports.Set("dropPrivileges", Napi::Function::New(env, DropPrivileges, "dropPrivileges"));
}
