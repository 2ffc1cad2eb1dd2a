/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <apr_atomic.h>
#include <apr_strings.h>
#include <unistd.h>

#include "log.h"
#include "memo.h"

/* mod_unique_id's, httpd's own, or one of ours. */
static const char *make_id(request_rec *r)
{
    static apr_uint32_t count;
    const char *id = apr_table_get(r->subprocess_env, "UNIQUE_ID");
    if (!id) {
        id = r->log_id;
    }
    return id ? id
              : apr_psprintf(r->pool, "%lx%05lx%06x",
                             (unsigned long)(r->request_time / APR_USEC_PER_SEC),
                             (unsigned long)getpid(), apr_atomic_inc32(&count) & 0xffffff);
}

tenon_request *tenon_request_known(const request_rec *r)
{
    return ap_get_module_config(r->request_config, &tenon_module);
}

tenon_request *tenon_request_of(request_rec *r)
{
    tenon_request *request = tenon_request_known(r);
    request_rec *before = r->main ? r->main : r->prev;
    if (request) {
        return request;
    }
    request = apr_pcalloc(r->pool, sizeof(*request));
    if (before) {
        request->origin = tenon_request_of(before)->origin;
    } else {
        request->origin = apr_pcalloc(r->pool, sizeof(*request->origin));
        request->origin->id = make_id(r);
    }
    ap_set_module_config(r->request_config, &tenon_module, request);
    return request;
}

tenon_place *tenon_request_place(const tenon_request *request, const tenon_pool *pool)
{
    const apr_array_header_t *places = request->origin->places;
    for (int i = 0; places && i < places->nelts; i++) {
        tenon_place *place = &APR_ARRAY_IDX(places, i, tenon_place);
        if (place->pool == pool) {
            return place;
        }
    }
    return NULL;
}

/* The request_rec that came from the client, whose pool lives as long as all others. */
static const request_rec *first_of(const request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return r;
}

void tenon_request_ran(request_rec *r, tenon_pool *pool, const tenon_channel *channel, int stated)
{
    tenon_request *request = tenon_request_of(r);
    tenon_place *place = tenon_request_place(request, pool);
    if (!place) {
        if (!request->origin->places) {
            request->origin->places = apr_array_make(first_of(r)->pool, 2, sizeof(tenon_place));
        }
        place = apr_array_push(request->origin->places);
        place->pool = pool;
    } else if (place->worker.slot != channel->slot ||
               place->worker.incarnation != channel->incarnation) {
        place->stated = 0;
    }
    place->worker.slot = channel->slot;
    place->worker.incarnation = channel->incarnation;
    place->stated |= stated;
}
