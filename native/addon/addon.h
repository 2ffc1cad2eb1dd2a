/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of the addon share: each adds its functions to the exports table.
 * Nothing here is global: worker threads load the addon once more each.
 */
#ifndef ADDON_ADDON_H
#define ADDON_ADDON_H

#include <napi.h>

/* State of one JavaScript environment, made by addon.cc, freed with the environment. */
struct AddonState {
    Napi::FunctionReference read_watcher; /* constructor of the class in read-watcher.cc */
};

void InitAccept(Napi::Env env, Napi::Object exports);
void InitDescriptors(Napi::Env env, Napi::Object exports);
void InitFileAccess(Napi::Env env, Napi::Object exports);
void InitInotify(Napi::Env env, Napi::Object exports);
void InitLimits(Napi::Env env, Napi::Object exports);
void InitPeerCredentials(Napi::Env env, Napi::Object exports);
void InitPrivileges(Napi::Env env, Napi::Object exports);
void InitProcess(Napi::Env env, Napi::Object exports);
void InitProtocol(Napi::Env env, Napi::Object exports);
void InitReadWatcher(Napi::Env env, Napi::Object exports);
void InitScoreboard(Napi::Env env, Napi::Object exports);
void InitUsers(Napi::Env env, Napi::Object exports);

#endif
