/* SPDX-License-Identifier: Apache-2.0
 *
 * Checks of arguments. Each throws TypeError with code TENON_ERR_ARGUMENT, naming the argument.
 */
#ifndef ADDON_ARGUMENTS_H
#define ADDON_ARGUMENTS_H

#include <napi.h>
#include <cstdint>
#include <string>
#include <vector>

Napi::Error ArgumentError(Napi::Env env, const char *what, const char *expected, Napi::Value got);

/* A whole number from 0 to 2^32 - 2 (the largest id and the largest 32-bit size we take: 2^32 - 1
 * means "leave as it is" to the system calls that set ids). */
uint32_t UnsignedArgument(Napi::Value value, const char *what);
/* A whole number from 0 to 2^53 - 1. */
uint64_t LargeArgument(Napi::Value value, const char *what);
/* A descriptor: 0 to 2^31 - 1. Whether it is open is for the system call to say. */
int DescriptorArgument(Napi::Value value, const char *what);
/* A string of 1 byte at least, without NUL. */
std::string TextArgument(Napi::Value value, const char *what);
std::vector<uint32_t> UnsignedListArgument(Napi::Value value, const char *what);

#endif
