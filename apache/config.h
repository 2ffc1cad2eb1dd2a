/* SPDX-License-Identifier: Apache-2.0
 *
 * The configuration: read while httpd reads its own, never changed afterwards. It lives in pconf.
 */
#ifndef TENON_CONFIG_H
#define TENON_CONFIG_H

#include <httpd.h>
#include <http_config.h>
#include <apr_hash.h>
#include "directives.h"

/* A pool as configured. What a child process knows of the running pool is in `runtime` (channel.c).
 */
typedef struct {
    const char *name;
    const char *file; /* where its section begins */
    int line;
    int processes_min;
    int processes_max;
    apr_table_t *environment;
    const char *path; /* <runtime>/pools/<name> */
    struct tenon_pool_runtime *runtime;
#define TENON_ROW(field, directive, key, kind, help) const char *field;
    TENON_POOL_TEXTS(TENON_ROW)
#undef TENON_ROW
#define TENON_ROW(field, directive, key, kind, standard, least, most, help) int field;
    TENON_POOL_NUMBERS(TENON_ROW)
#undef TENON_ROW
} tenon_pool;

typedef struct {
#define TENON_ROW(field, directive, kind, help) const char *field;
    TENON_SERVER_TEXTS(TENON_ROW)
#undef TENON_ROW
    apr_array_header_t *pools; /* tenon_pool *, in the order of the configuration */
    apr_hash_t *pools_by_name; /* lower-case */
    const char *supervisor;    /* file that starts it, once checked */
    uid_t parent_uid;          /* what httpd was started as; owns all sockets */
} tenon_config;

/* The present configuration; NULL before the first is read. */
extern tenon_config *tenon_configuration;

#define TENON_HANDLER_PREFIX "tenon:"
#define TENON_OFF            "Off" /* switches off what is inherited */

/* Whether a handler's name is that of a pool; NULL is none. */
int tenon_config_is_handler(const char *handler);

/* The pool of a name, or NULL. Case does not count: httpd makes handler names lower-case. */
tenon_pool *tenon_config_pool(const char *name, apr_pool_t *p);

/* Hook check_config: OK, or an error that is logged with file and line. */
int tenon_config_check(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp, server_rec *s);

void tenon_config_register(void);

extern const command_rec tenon_commands[];

#endif
