/* SPDX-License-Identifier: Apache-2.0 */
#include "system-error.h"

#include <uv.h>

Napi::Error SystemError(Napi::Env env, int number, const char *syscall, const std::string &path)
{
    char code[64];
    char meaning[256];
    uv_err_name_r(-number, code, sizeof code);
    uv_strerror_r(-number, meaning, sizeof meaning);
    std::string text = std::string(code) + ": " + meaning + ", " + syscall;
    if (!path.empty())
        text += " '" + path + "'";
    Napi::Error error = Napi::Error::New(env, text);
    error.Set("code", Napi::String::New(env, code));
    error.Set("errno", Napi::Number::New(env, -number));
    error.Set("syscall", Napi::String::New(env, syscall));
    if (!path.empty())
        error.Set("path", Napi::String::New(env, path));
    return error;
}
