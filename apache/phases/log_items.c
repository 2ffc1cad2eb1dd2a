/* SPDX-License-Identifier: Apache-2.0
 *
 * Items of LogFormat: %{id}^tn, %{pools}^tn, %{workers}^tn. At that time nobody is asked: they say
 * what is known. What hooks set as notes is there as %{name}n.
 */
#include <httpd.h>
#include <http_config.h>
#include <apr_optional.h>
#include <apr_strings.h>
#include <mod_log_config.h>
#include <strings.h>

#include "phases/log_items.h"
#include "phases/memo.h"

static const char *id_item(request_rec *r, const tenon_request *request)
{
    (void)r;
    return request->origin->id;
}

/* Places of a request, joined by commas: those of hooks, and where an application answered. */
static const char *join(request_rec *r, const tenon_request *request,
                        const char *(*text)(apr_pool_t *p, const tenon_place *place))
{
    const apr_array_header_t *places = request->origin->places;
    const char *all = NULL;
    for (int i = 0; places && i < places->nelts; i++) {
        const char *one = text(r->pool, &APR_ARRAY_IDX(places, i, tenon_place));
        all = all ? apr_pstrcat(r->pool, all, ",", one, NULL) : one;
    }
    if (request->served.pool && !tenon_request_place(request, request->served.pool)) {
        const char *last = text(r->pool, &request->served);
        all = all ? apr_pstrcat(r->pool, all, ",", last, NULL) : last;
    }
    return all;
}

static const char *pool_of(apr_pool_t *p, const tenon_place *place)
{
    (void)p;
    return place->pool->name;
}

static const char *worker_of(apr_pool_t *p, const tenon_place *place)
{
    return apr_psprintf(p, "%d.%u", place->worker.slot, place->worker.incarnation);
}

static const char *pools_item(request_rec *r, const tenon_request *request)
{
    return join(r, request, pool_of);
}

static const char *workers_item(request_rec *r, const tenon_request *request)
{
    return join(r, request, worker_of);
}

static const struct {
    const char *name;
    const char *(*value)(request_rec *r, const tenon_request *request);
} items[] = {{"id", id_item}, {"pools", pools_item}, {"workers", workers_item}};

static const char *log_item(request_rec *r, char *name)
{
    const tenon_request *request = tenon_request_known(r);
    for (size_t i = 0; request && i < sizeof(items) / sizeof(items[0]); i++) {
        if (!strcasecmp(name, items[i].name)) {
            return items[i].value(r, request);
        }
    }
    return NULL;
}

static int register_items(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp)
{
    APR_OPTIONAL_FN_TYPE(ap_register_log_handler) *tell =
        APR_RETRIEVE_OPTIONAL_FN(ap_register_log_handler);
    (void)log_pool;
    (void)temp;
    if (tell) {
        tell(p, "^tn", log_item, 0);
    }
    return OK;
}

void tenon_log_items_register(void)
{
    ap_hook_pre_config(register_items, NULL, NULL, APR_HOOK_MIDDLE);
}
