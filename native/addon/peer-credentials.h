/* SPDX-License-Identifier: Apache-2.0 */
#ifndef ADDON_PEER_CREDENTIALS_H
#define ADDON_PEER_CREDENTIALS_H

#include <napi.h>

/* Adds `pid`, `uid` and `gid` of the peer of a connected Unix socket to `object`; throws a
 * SystemError. */
void SetPeerCredentials(Napi::Object object, int fd);

#endif
