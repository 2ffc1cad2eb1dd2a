/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps a scoreboard file into an ArrayBuffer. ts/wire/scoreboard.ts knows what is in it.
 */
#include "addon.h"
#include "arguments.h"
#include "system-error.h"

#include <cerrno>
#include <sys/mman.h>
#include <sys/stat.h>

static void Unmap(Napi::Env, void *memory, size_t *length)
{
    munmap(memory, *length);
    delete length;
}

static Napi::Value MapScoreboard(const Napi::CallbackInfo &info)
{
    const Napi::Env env = info.Env();
    const int fd = DescriptorArgument(info[0], "fd");
    const uint64_t length = LargeArgument(info[1], "length");
    if (!info[2].IsBoolean())
        throw ArgumentError(env, "writable", "a boolean", info[2]);
    const bool writable = info[2].As<Napi::Boolean>().Value();

    struct stat file;
    if (fstat(fd, &file) != 0)
        throw SystemError(env, errno, "fstat");
    // Beyond the end of the file the first touch would be SIGBUS.
    if (length == 0 || static_cast<uint64_t>(file.st_size) < length)
        throw ArgumentError(env, "length", "from 1 to the size of the file", info[1]);
    void *memory =
        mmap(nullptr, length, PROT_READ | (writable ? PROT_WRITE : 0), MAP_SHARED, fd, 0);
    if (memory == MAP_FAILED)
        throw SystemError(env, errno, "mmap");
    return Napi::ArrayBuffer::New(env, memory, length, Unmap, new size_t(length));
}

void InitScoreboard(Napi::Env env, Napi::Object exports)
{
    exports.Set("mapScoreboard", Napi::Function::New(env, MapScoreboard, "mapScoreboard"));
}
