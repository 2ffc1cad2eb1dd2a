/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <apr_atomic.h>
#include <apr_strings.h>
#include <unistd.h>

#include "log.h"
#include "phases/memo.h"

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

static tenon_place *place_at(const apr_array_header_t *places, int i)
{
    return &APR_ARRAY_IDX(places, i, tenon_place);
}

const tenon_place *tenon_request_place(const tenon_request *request, const tenon_pool *pool)
{
    const apr_array_header_t *places = request->origin->places;
    for (int i = places ? places->nelts - 1 : -1; i >= 0; i--) {
        if (place_at(places, i)->pool == pool) {
            return place_at(places, i);
        }
    }
    return NULL;
}

int tenon_request_stated(const tenon_request *request, const tenon_pool *pool)
{
    const apr_array_header_t *places = request->origin->places;
    int stated = 0;
    for (int i = 0; places && i < places->nelts; i++) {
        stated |= place_at(places, i)->pool == pool && place_at(places, i)->stated;
    }
    return stated;
}

/* The request_rec that came from the client, whose pool lives as long as all others. */
static const request_rec *first_of(const request_rec *r)
{
    while (r->main || r->prev) {
        r = r->main ? r->main : r->prev;
    }
    return r;
}

/* Whether state that was held there before is held still. */
static int take_out(apr_array_header_t *places, const tenon_pool *pool, tenon_worker worker)
{
    int stated = 0;
    int kept = 0;
    for (int i = 0; i < places->nelts; i++) {
        const tenon_place place = *place_at(places, i);
        if (place.pool == pool && place.worker.slot == worker.slot &&
            place.worker.incarnation == worker.incarnation) {
            stated = place.stated;
        } else {
            *place_at(places, kept++) = place;
        }
    }
    places->nelts = kept;
    return stated;
}

void tenon_request_ran(request_rec *r, tenon_pool *pool, const tenon_channel *channel, int stated)
{
    tenon_origin *origin = tenon_request_of(r)->origin;
    tenon_place place = {pool, {channel->slot, channel->incarnation}, stated};
    if (!origin->places) {
        origin->places = apr_array_make(first_of(r)->pool, 2, sizeof(tenon_place));
    }
    place.stated |= take_out(origin->places, pool, place.worker);
    APR_ARRAY_PUSH(origin->places, tenon_place) = place;
}
