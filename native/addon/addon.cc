/* SPDX-License-Identifier: Apache-2.0
 *
 * Front door of the addon, loaded by ts/native.ts, which describes every function.
 * Calls the Init function of each capability: one file a capability.
 */
#include "addon.h"

static Napi::Object Init(Napi::Env env, Napi::Object exports)
{
    env.SetInstanceData(new AddonState());
    InitAccept(env, exports);
    InitDescriptors(env, exports);
    InitFileAccess(env, exports);
    InitInotify(env, exports);
    InitLimits(env, exports);
    InitPeerCredentials(env, exports);
    InitPrivileges(env, exports);
    InitProcess(env, exports);
    InitProtocol(env, exports);
    InitReadWatcher(env, exports);
    InitScoreboard(env, exports);
    InitUsers(env, exports);
    return exports;
}

NODE_API_MODULE(tenon, Init)
