/* SPDX-License-Identifier: Apache-2.0
 *
 * What a directory, location or virtual host says of its requests.
 */
#ifndef TENON_LOCATION_H
#define TENON_LOCATION_H

#include <httpd.h>
#include <http_config.h>

typedef struct {
    const char *fallback;      /* handler, "" when switched off, NULL when not said */
    const char *mount;         /* path, "" when switched off, NULL when not said */
    int strip;                 /* the application's target begins behind the mount */
    uint64_t hooked;           /* bit n: phase n has hooks */
    apr_array_header_t *hooks; /* tenon_hook *, in the order of the configuration, parents' first */
    apr_table_t *options;      /* TenonOption, for hooks to read */
} tenon_location;

const tenon_location *tenon_location_of(const request_rec *r);

/* What an application gets of a request's target. */
typedef struct {
    const char *text;  /* as the client sent it, or what is behind the mount */
    const char *mount; /* that the request is under; "" when none */
} tenon_target;

tenon_target tenon_location_target(request_rec *r);

void *tenon_location_create(apr_pool_t *p, char *path);
void *tenon_location_merge(apr_pool_t *p, void *base, void *more);

/* Directives. */
const char *tenon_location_set_fallback(cmd_parms *cmd, void *location, const char *pool);
const char *tenon_location_set_mount(cmd_parms *cmd, void *location, const char *path,
                                     const char *how);

#endif
