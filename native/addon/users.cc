/* SPDX-License-Identifier: Apache-2.0
 *
 * Users and groups of the system's databases (nsswitch.conf(5), so LDAP and the like too).
 */
#include "addon.h"
#include "arguments.h"
#include "system-error.h"

#include <cerrno>
#include <grp.h>
#include <pwd.h>
#include <vector>

namespace
{

constexpr size_t kFirstBuffer = 4096;
constexpr size_t kLargestBuffer = 16 * 1024 * 1024; /* a group may have very many members */

/* Calls one of the _r functions with a buffer that grows until the entry fits; whether there is an
 * entry. Several errors mean just that there is none, see getpwnam(3). */
template <typename Call>
bool Look(Napi::Env env, const char *syscall, std::vector<char> &buffer, Call call)
{
    for (buffer.resize(kFirstBuffer);; buffer.resize(buffer.size() * 2)) {
        bool found = false;
        const int error = call(buffer, found);
        if (error == ERANGE && buffer.size() < kLargestBuffer)
            continue;
        if (error == 0 || error == ENOENT || error == ESRCH)
            return error == 0 && found;
        if (error != EINTR)
            throw SystemError(env, error, syscall);
    }
}

Napi::Value UserByName(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const std::string name = TextArgument(info[0], "user");
    struct passwd entry = {};
    std::vector<char> buffer;
    const bool found = Look(env, "getpwnam", buffer, [&](std::vector<char> &room, bool &any) {
        struct passwd *result = nullptr;
        const int error = getpwnam_r(name.c_str(), &entry, room.data(), room.size(), &result);
        any = result != nullptr;
        return error;
    });
    if (!found)
        return env.Undefined();
    Napi::Object user = Napi::Object::New(env);
    user.Set("uid", Napi::Number::New(env, entry.pw_uid));
    user.Set("gid", Napi::Number::New(env, entry.pw_gid));
    user.Set("home", Napi::String::New(env, entry.pw_dir));
    user.Set("shell", Napi::String::New(env, entry.pw_shell));
    return user;
}

Napi::Value GroupByName(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const std::string name = TextArgument(info[0], "group");
    struct group entry = {};
    std::vector<char> buffer;
    const bool found = Look(env, "getgrnam", buffer, [&](std::vector<char> &room, bool &any) {
        struct group *result = nullptr;
        const int error = getgrnam_r(name.c_str(), &entry, room.data(), room.size(), &result);
        any = result != nullptr;
        return error;
    });
    if (!found)
        return env.Undefined();
    return Napi::Number::New(env, entry.gr_gid);
}

Napi::Value GroupsOf(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const std::string user = TextArgument(info[0], "user");
    const gid_t gid = UnsignedArgument(info[1], "gid");
    int count = 32;
    std::vector<gid_t> groups(static_cast<size_t>(count));
    while (getgrouplist(user.c_str(), gid, groups.data(), &count) < 0) {
        // A count that did not grow is an old glibc's way to say that the database failed.
        if (static_cast<size_t>(count) <= groups.size())
            throw SystemError(env, EIO, "getgrouplist");
        groups.resize(static_cast<size_t>(count));
    }
    Napi::Array list = Napi::Array::New(env, static_cast<size_t>(count));
    for (int index = 0; index < count; index++)
        list.Set(static_cast<uint32_t>(index),
                 Napi::Number::New(env, groups[static_cast<size_t>(index)]));
    return list;
}

} // namespace

void InitUsers(Napi::Env env, Napi::Object exports)
{
    exports.Set("userByName", Napi::Function::New(env, UserByName, "userByName"));
    exports.Set("groupByName", Napi::Function::New(env, GroupByName, "groupByName"));
    exports.Set("groupsOf", Napi::Function::New(env, GroupsOf, "groupsOf"));
}
