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

/* What becomes of log records that a pool does not keep up with. */
typedef enum { TENON_LOG_SPILL, TENON_LOG_WAIT, TENON_LOG_DROP } tenon_log_overflow;

/* A pool as configured. What a child process knows of the running pool is in `runtime` (channel.c).
 */
typedef struct {
    const char *name;
    const char *file; /* where its section begins */
    int line;
    int number; /* in the order of the configuration */
    int processes_min;
    int processes_max;
    int memory_soft; /* KiB; 0: no limit */
    int memory_hard;
    int requests;        /* that a worker serves; 0: no limit */
    int requests_jitter; /* percent */
    int age;             /* ms; 0: no limit */
    int age_jitter;
    apr_table_t *environment;
    apr_array_header_t *exports; /* const char *, what hooks ask for */
    const char *reload;          /* TenonReload */
    apr_array_header_t *watch;   /* const char *, paths of TenonWatch */
    const char *path;            /* <runtime>/pools/<name> */
    struct tenon_pool_runtime *runtime;
    struct tenon_share *share; /* threads of httpd that it holds (threads.c) */
    uint32_t streams;          /* of HTTP/2 in this child that hold one */
    struct tenon_spool *spool; /* log records of this child */
    tenon_log_overflow log_overflow;
    int log_wait; /* ms, of TENON_LOG_WAIT */
#define TENON_ROW(field, directive, key, kind, help) const char *field;
    TENON_POOL_TEXTS(TENON_ROW)
#undef TENON_ROW
#define TENON_ROW(field, directive, key, kind, standard, least, most, help) int field;
    TENON_POOL_NUMBERS(TENON_ROW)
#undef TENON_ROW
#define TENON_ROW(field, directive, kind, standard, least, most, help) int field;
    TENON_HOST_NUMBERS(TENON_ROW)
#undef TENON_ROW
#define TENON_ROW(field, directive, kind, help) const char *field;
    TENON_HOST_TEXTS(TENON_ROW)
#undef TENON_ROW
} tenon_pool;

typedef struct {
#define TENON_ROW(field, directive, kind, help) const char *field;
    TENON_SERVER_TEXTS(TENON_ROW)
#undef TENON_ROW
    apr_array_header_t *pools;       /* tenon_pool *, in the order of the configuration */
    apr_hash_t *pools_by_name;       /* lower-case */
    apr_array_header_t *hooks;       /* tenon_hook *, of every directive that names an export */
    apr_array_header_t *overridable; /* const char *, pools that .htaccess files may name */
    apr_hash_t *maps;                /* tenon_hook of phase MAP, by <pool>#<export> */
    int processes_total;             /* of all pools */
    apr_hash_t *files;               /* that the configuration was read from, by name */
    const char *supervisor;          /* file that starts it, once checked */
    uid_t parent_uid;                /* what httpd was started as; owns all sockets */
} tenon_config;

/* The present configuration; NULL before the first is read. */
extern tenon_config *tenon_configuration;

#define TENON_HANDLER_PREFIX "tenon:"
#define TENON_OFF            "Off" /* switches off what is inherited */

/* Whether a handler's name is that of a pool; NULL is none. */
int tenon_config_is_handler(const char *handler);

/* The pool of a name, or NULL. Case does not count: httpd makes handler names lower-case. */
tenon_pool *tenon_config_pool(const char *name, apr_pool_t *p);

/* Whether a directive stands inside of a pool's section. */
int tenon_config_in_pool(cmd_parms *cmd);

/* Logs that a directive names a pool that is not there. */
void tenon_config_missing_pool(server_rec *s, const char *directive, const char *name,
                               const char *file, int line);

/* Hook check_config: OK, or an error that is logged with file and line. */
int tenon_config_check(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp, server_rec *s);

void tenon_config_register(void);

extern const command_rec tenon_commands[];

#endif
