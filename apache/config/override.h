/* SPDX-License-Identifier: Apache-2.0
 *
 * TenonAllowOverride: the pools that .htaccess files may name. Who writes an .htaccess need not be
 * trusted with the workers of others, in whichever directive.
 */
#ifndef TENON_OVERRIDE_H
#define TENON_OVERRIDE_H

#include <httpd.h>
#include <http_config.h>
#include "config/config.h"

/* A line of an .htaccess file that names a pool or, with none, sets an option. */
typedef struct {
    const char *directive;
    const char *pool; /* or NULL */
    const char *file;
    int line;
} tenon_claim;

/* Whether a directive stands in an .htaccess file. */
int tenon_override_in_htaccess(const cmd_parms *cmd);

/* Notes a line of an .htaccess file in its location. */
void tenon_override_claim(cmd_parms *cmd, void *location, const char *pool);

/* Whether .htaccess files may name a pool, for this request. */
int tenon_override_permits(request_rec *r, const char *pool);

/* Lets a handler that a hook has set stand. */
void tenon_override_vouch(request_rec *r, const char *handler);

/* Remembers the files of the configuration: others are .htaccess files. */
void tenon_override_remember(apr_pool_t *p);

void tenon_override_register(void);

/* Directive. */
const char *tenon_override_set(cmd_parms *cmd, void *location, int count, char *const names[]);

#endif
