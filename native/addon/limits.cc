/* SPDX-License-Identifier: Apache-2.0
 *
 * Limits of this process: setrlimit(2), soft and hard alike, so that they cannot be raised again.
 */
#include "addon.h"
#include "arguments.h"
#include "system-error.h"

#include <cerrno>
#include <sys/resource.h>

static void SetLimit(Napi::Object limits, const char *name, int resource)
{
    const Napi::Value value = limits.Get(name);
    if (value.IsUndefined())
        return;
    const uint64_t number = LargeArgument(value, name);
    const struct rlimit limit = {number, number};
    // prlimit and not setrlimit: the latter's first parameter is an enum only C++ minds.
    if (prlimit(0, static_cast<__rlimit_resource>(resource), &limit, nullptr) != 0)
        throw SystemError(limits.Env(), errno, "setrlimit");
}

static Napi::Value SetLimits(const Napi::CallbackInfo &info)
{
    if (!info[0].IsObject())
        throw ArgumentError(info.Env(), "limits", "an object", info[0]);
    const Napi::Object limits = info[0].As<Napi::Object>();
    SetLimit(limits, "coreBytes", RLIMIT_CORE);
    SetLimit(limits, "processes", RLIMIT_NPROC);
    SetLimit(limits, "openFiles", RLIMIT_NOFILE);
    return info.Env().Undefined();
}

void InitLimits(Napi::Env env, Napi::Object exports)
{
    exports.Set("setLimits", Napi::Function::New(env, SetLimits, "setLimits"));
}
