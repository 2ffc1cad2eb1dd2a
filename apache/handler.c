/* SPDX-License-Identifier: Apache-2.0
 *
 * The handler phase: an application answers.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <http_protocol.h>
#include <apr_atomic.h>
#include <apr_strings.h>
#include <unistd.h>

#include "exchange/ending.h"
#include "exchange/exchange.h"
#include "fallback.h"
#include "log.h"
#include "maintenance.h"
#include "wire/exchange.h"

static int handle(request_rec *r)
{
    tenon_exchange x = {.r = r, .role = ""};
    int status;
    if (!tenon_config_is_handler(r->handler)) {
        return DECLINED;
    }
    x.pool = tenon_config_pool(r->handler + sizeof(TENON_HANDLER_PREFIX) - 1, r->pool);
    if (!x.pool) {
        ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                      "TN0001: there is no pool for the handler '%s': add a section <TenonPool %s>",
                      r->handler, r->handler + sizeof(TENON_HANDLER_PREFIX) - 1);
        return HTTP_INTERNAL_SERVER_ERROR;
    }
    status = tenon_maintenance_answer(r, x.pool);
    if (status != DECLINED) {
        return status;
    }
    tenon_exchange_init(&x);
    tenon_exchange_use_pool_limits(&x);
    status = tenon_request_prepare(&x);
    return status != OK ? status : tenon_exchange_finish(&x, tenon_exchange_run(&x));
}

static int handle_path(request_rec *r)
{
    return tenon_fallback_takes_path(r) ? handle(r) : DECLINED;
}

void tenon_handler_register(void)
{
    tenon_file_register();
    ap_hook_handler(handle, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_handler(handle_path, NULL, NULL, APR_HOOK_LAST);
    ap_hook_child_init(tenon_channel_child_init, NULL, NULL, APR_HOOK_MIDDLE);
}
