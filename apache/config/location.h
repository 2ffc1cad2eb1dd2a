/* SPDX-License-Identifier: Apache-2.0
 *
 * What a directory, location or virtual host says of its requests: TenonFallback, TenonMount, their
 * time limits, and the hooks of hook.h.
 */
#ifndef TENON_LOCATION_H
#define TENON_LOCATION_H

#include <httpd.h>
#include <http_config.h>

typedef struct {
    const char *fallback; /* handler, "" when switched off, NULL when not said */
    const char *mount;    /* path, "" when switched off, NULL when not said */
    int strip;            /* the application's target begins behind the mount */
    int request_timeout;  /* ms, in place of the pool's; 0 when not said */
    int body_timeout;     /* the same */

    /* Of hook.h and override.h. An array or table that is NULL is empty. */
    uint64_t hooked;                 /* bit n: phase n has hooks */
    uint64_t ended;                  /* bit n: TenonHook n none, so outer hooks do not count */
    apr_array_header_t *hooks;       /* tenon_hook *, in order of the configuration, outer first */
    apr_table_t *options;            /* of TenonOption */
    apr_table_t *htaccess_options;   /* of TenonOption in .htaccess files */
    apr_array_header_t *overridable; /* const char *, pools of TenonAllowOverride; NULL: not said */
    apr_array_header_t *claims;      /* tenon_claim, what .htaccess files say */
} tenon_location;

const tenon_location *tenon_location_of(const request_rec *r);

/* Options that the hooks of a pool see for a request; NULL: none. */
const apr_table_t *tenon_location_options(request_rec *r, const char *pool);

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
const char *tenon_location_set_option(cmd_parms *cmd, void *location, const char *name,
                                      const char *value);

#endif
