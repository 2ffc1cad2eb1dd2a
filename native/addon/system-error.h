/* SPDX-License-Identifier: Apache-2.0
 *
 * A failed system call as an error of JavaScript, with the properties that Node's own have:
 * `code` ("EADDRINUSE"), `errno` (negative), `syscall`, and `path` where there is one.
 */
#ifndef ADDON_SYSTEM_ERROR_H
#define ADDON_SYSTEM_ERROR_H

#include <napi.h>
#include <string>

/* `number` is an errno, positive. */
Napi::Error SystemError(Napi::Env env, int number, const char *syscall,
                        const std::string &path = std::string());

#endif
