/* SPDX-License-Identifier: Apache-2.0
 *
 * The front door of the module: httpd reads `tenon_module` and calls register_hooks; each topic
 * registers its own hooks. Configuration: config.c. The supervisor: supervise.c. A request:
 * handler.c. Files and applications side by side: fallback.c.
 */
#include <httpd.h>
#include <http_config.h>

#include "decisions/cache.h"
#include "config/config.h"
#include "counts.h"
#include "decisions/decisions.h"
#include "exchange/ending.h"
#include "exchange/exchange.h"
#include "fallback.h"
#include "filters/filter.h"
#include "phases/learned.h"
#include "config/location.h"
#include "phases/log_items.h"
#include "phases/map.h"
#include "config/override.h"
#include "phases/phases.h"
#include "phases/providers.h"
#include "records/records.h"
#include "status.h"
#include "supervise.h"
#include "threads.h"

static void register_hooks(apr_pool_t *p)
{
    tenon_config_register();
    tenon_override_register();
    tenon_cache_register();
    tenon_decisions_register();
    tenon_map_register();
    tenon_counts_register();
    tenon_threads_register();
    tenon_status_register();
    tenon_log_items_register();
    tenon_supervise_register();
    tenon_ending_register();
    tenon_connection_register();
    tenon_amend_register();
    tenon_handler_register();
    tenon_filter_register();
    tenon_asked_register();
    tenon_learned_register();
    tenon_phases_register();
    tenon_records_register();
    tenon_providers_register(p);
    tenon_fallback_register();
}

/* httpd loads all modules into one namespace: only the module's record is visible. */
#pragma GCC visibility push(default)
AP_DECLARE_MODULE(tenon) = {
    STANDARD20_MODULE_STUFF,
    tenon_location_create,
    tenon_location_merge,
    NULL,
    NULL,
    tenon_commands,
    register_hooks,
    0,
};
#pragma GCC visibility pop
