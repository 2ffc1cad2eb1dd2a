/* SPDX-License-Identifier: Apache-2.0
 *
 * ReadWatcher: calls back on the event loop whenever a descriptor can be read, without reading it.
 *
 * Life time: JavaScript's object owns a Watch until close(), its collection or the end of its
 * environment, whichever is first. libuv closes handles later, so the Watch frees itself once that
 * is done, and holds the environment open until then. A started watcher is never collected.
 */
#include "addon.h"
#include "arguments.h"
#include "system-error.h"

#include <fcntl.h>
#include <uv.h>

namespace
{

class ReadWatcher;

struct Watch {
    uv_poll_t poll;
    napi_env env;
    ReadWatcher *owner;                  /* nullptr once closing */
    napi_async_cleanup_hook_handle hook; /* holds the environment open */
};

class ReadWatcher : public Napi::ObjectWrap<ReadWatcher>
{
  public:
    static Napi::Function Define(Napi::Env env)
    {
        return DefineClass(env, "ReadWatcher",
                           {InstanceMethod("start", &ReadWatcher::Start),
                            InstanceMethod("stop", &ReadWatcher::Stop),
                            InstanceMethod("close", &ReadWatcher::Close)});
    }

    explicit ReadWatcher(const Napi::CallbackInfo &info) : Napi::ObjectWrap<ReadWatcher>(info)
    {
        const Napi::Env env = info.Env();
        const int fd = DescriptorArgument(info[0], "fd");
        if (!info[1].IsFunction())
            throw ArgumentError(env, "onReadable", "a function", info[1]);
        // libuv's poll handles want a descriptor that is open; it answers for those that cannot be
        // polled.
        if (fcntl(fd, F_GETFD) < 0)
            throw SystemError(env, errno, "fcntl");
        uv_loop_t *loop = nullptr;
        if (napi_get_uv_event_loop(env, &loop) != napi_ok)
            throw Napi::Error::New(env);
        Watch *watch = new Watch{};
        const int error = uv_poll_init(loop, &watch->poll, fd);
        if (error != 0) {
            delete watch;
            throw SystemError(env, -error, "uv_poll_init");
        }
        watch->poll.data = watch;
        watch->env = env;
        watch->owner = this;
        watch_ = watch;
        on_readable_ = Napi::Persistent(info[1].As<Napi::Function>());
        if (napi_add_async_cleanup_hook(env, EndOfEnvironment, watch, &watch->hook) != napi_ok) {
            Release();
            throw Napi::Error::New(env);
        }
    }

    ~ReadWatcher() override
    {
        Release();
    }

  private:
    Napi::Value Start(const Napi::CallbackInfo &info)
    {
        if (watch_ == nullptr)
            throw SystemError(info.Env(), EBADF, "uv_poll_start");
        if (started_)
            return info.Env().Undefined();
        const int error = uv_poll_start(&watch_->poll, UV_READABLE, OnPoll);
        if (error != 0)
            throw SystemError(info.Env(), -error, "uv_poll_start");
        started_ = true;
        Ref();
        return info.Env().Undefined();
    }

    Napi::Value Stop(const Napi::CallbackInfo &info)
    {
        StopPolling();
        return info.Env().Undefined();
    }

    Napi::Value Close(const Napi::CallbackInfo &info)
    {
        StopPolling();
        Release();
        return info.Env().Undefined();
    }

    void StopPolling()
    {
        if (watch_ == nullptr || !started_)
            return;
        uv_poll_stop(&watch_->poll);
        started_ = false;
        Unref();
    }

    /* Gives the Watch up to libuv. Also called while the environment ends: touches no value. */
    void Release()
    {
        if (watch_ == nullptr)
            return;
        Watch *watch = watch_;
        watch_ = nullptr;
        watch->owner = nullptr;
        on_readable_.Reset();
        uv_close(reinterpret_cast<uv_handle_t *>(&watch->poll), OnClosed);
    }

    static void OnClosed(uv_handle_t *handle)
    {
        Watch *watch = static_cast<Watch *>(handle->data);
        if (watch->hook != nullptr)
            napi_remove_async_cleanup_hook(watch->hook);
        delete watch;
    }

    static void EndOfEnvironment(napi_async_cleanup_hook_handle, void *data)
    {
        Watch *watch = static_cast<Watch *>(data);
        if (watch->owner != nullptr)
            watch->owner->Release();
    }

    /* An error of the descriptor (closed under us) counts as readable: whoever reads finds out. */
    static void OnPoll(uv_poll_t *poll, int, int)
    {
        Watch *watch = static_cast<Watch *>(poll->data);
        ReadWatcher *self = watch->owner;
        if (self == nullptr)
            return;
        const napi_env env = watch->env;
        const Napi::HandleScope scope(env);
        // Node-API itself and not its C++ wrapper: that one throws where nobody would catch.
        napi_value result = nullptr;
        const napi_status status = napi_make_callback(
            env, nullptr, self->Value(), self->on_readable_.Value(), 0, nullptr, &result);
        napi_value error = nullptr;
        if (status == napi_pending_exception &&
            napi_get_and_clear_last_exception(env, &error) == napi_ok)
            napi_fatal_exception(env, error);
    }

    Watch *watch_ = nullptr; /* nullptr once closed */
    bool started_ = false;
    Napi::FunctionReference on_readable_;
};

Napi::Value CreateReadWatcher(const Napi::CallbackInfo &info)
{
    const AddonState *state = info.Env().GetInstanceData<AddonState>();
    return state->read_watcher.New({info[0], info[1]});
}

} // namespace

void InitReadWatcher(Napi::Env env, Napi::Object exports)
{
    env.GetInstanceData<AddonState>()->read_watcher = Napi::Persistent(ReadWatcher::Define(env));
    exports.Set("createReadWatcher",
                Napi::Function::New(env, CreateReadWatcher, "createReadWatcher"));
}
