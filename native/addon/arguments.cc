/* SPDX-License-Identifier: Apache-2.0 */
#include "arguments.h"

#include <cmath>

namespace
{

constexpr double kLargestUnsigned = 4294967294.0;
constexpr double kLargestExact = 9007199254740991.0;

double WholeNumber(Napi::Value value, double largest, const char *what, const char *expected)
{
    if (!value.IsNumber())
        throw ArgumentError(value.Env(), what, expected, value);
    const double number = value.As<Napi::Number>().DoubleValue();
    if (!(number >= 0 && number <= largest) || number != std::floor(number))
        throw ArgumentError(value.Env(), what, expected, value);
    return number;
}

} // namespace

Napi::Error ArgumentError(Napi::Env env, const char *what, const char *expected, Napi::Value got)
{
    std::string text = std::string(what) + " must be " + expected + ", not ";
    if (got.IsNumber())
        text += got.ToString().Utf8Value();
    else if (got.IsString())
        text += "\"" + got.As<Napi::String>().Utf8Value() + "\"";
    else if (got.IsNull() || got.IsUndefined())
        text += got.IsNull() ? "null" : "undefined";
    else
        text += got.IsArray() ? "an array" : "a value of another type";
    Napi::TypeError error = Napi::TypeError::New(env, text);
    error.Set("code", Napi::String::New(env, "TENON_ERR_ARGUMENT"));
    return error;
}

uint32_t UnsignedArgument(Napi::Value value, const char *what)
{
    return static_cast<uint32_t>(
        WholeNumber(value, kLargestUnsigned, what, "a whole number below 2^32 - 1"));
}

uint64_t LargeArgument(Napi::Value value, const char *what)
{
    return static_cast<uint64_t>(
        WholeNumber(value, kLargestExact, what, "a whole number of 0 at least"));
}

int DescriptorArgument(Napi::Value value, const char *what)
{
    return static_cast<int>(WholeNumber(value, INT32_MAX, what, "a descriptor"));
}

std::string TextArgument(Napi::Value value, const char *what)
{
    const char *expected = "a string of one byte at least, without NUL";
    if (!value.IsString())
        throw ArgumentError(value.Env(), what, expected, value);
    std::string text = value.As<Napi::String>().Utf8Value();
    if (text.empty() || text.find('\0') != std::string::npos)
        throw ArgumentError(value.Env(), what, expected, value);
    return text;
}

std::vector<uint32_t> UnsignedListArgument(Napi::Value value, const char *what)
{
    if (!value.IsArray())
        throw ArgumentError(value.Env(), what, "an array of whole numbers", value);
    const Napi::Array array = value.As<Napi::Array>();
    std::vector<uint32_t> list;
    list.reserve(array.Length());
    for (uint32_t index = 0; index < array.Length(); index++)
        list.push_back(UnsignedArgument(array.Get(index), what));
    return list;
}
