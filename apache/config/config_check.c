/* SPDX-License-Identifier: Apache-2.0
 *
 * What can only be checked when the whole configuration is read.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_log.h>
#include <unixd.h>
#include <util_cfgtree.h>
#include <apr_strings.h>
#include <errno.h>
#include <pwd.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/config.h"
#include "config/hook.h"
#include "log.h"
#include "config/override.h"

void tenon_config_missing_pool(server_rec *s, const char *directive, const char *name,
                               const char *file, int line)
{
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s,
                 "TN0020: Syntax error on line %d of %s: %s: there is no pool '%s': add a section "
                 "<TenonPool %s>, or name one that exists",
                 line, file, directive, name, name);
}

/* The next pool that a directive names in `*args`, or NULL. The other directives that do: hook.c.
 */
static const char *named_pool(const ap_directive_t *node, const char **args, apr_pool_t *p)
{
    const char *first = ap_getword_conf(p, args);
    if (!*first) {
        return NULL;
    }
    if (!strcasecmp(node->directive, "TenonAllowOverride")) {
        return strcasecmp(first, "none") ? first : NULL;
    }
    if (!strcasecmp(node->directive, "TenonFallback")) {
        return strcasecmp(first, TENON_OFF) ? first : NULL;
    }
    if (strcasecmp(node->directive, "SetHandler") && strcasecmp(node->directive, "AddHandler")) {
        return NULL;
    }
    return tenon_config_is_handler(first) && !strchr(first, '%')
               ? first + sizeof(TENON_HANDLER_PREFIX) - 1
               : NULL;
}

/* Checks every directive of the configuration that names a pool; the number of errors. */
static int check_named_pools(const ap_directive_t *node, apr_pool_t *p, server_rec *s)
{
    int errors = 0;
    for (; node; node = node->next) {
        const char *args = node->args;
        const char *name;
        if (node->first_child) {
            errors += check_named_pools(node->first_child, p, s);
        }
        while ((name = named_pool(node, &args, p))) {
            if (!tenon_config_pool(name, p)) {
                tenon_config_missing_pool(s, node->directive, name, node->filename, node->line_num);
                errors++;
            }
        }
    }
    return errors;
}

/* Fills in a pool's user where none was given: httpd's own. The number of errors. */
static int check_pool_user(tenon_pool *pool, server_rec *s)
{
    const struct passwd *user;
    if (pool->user) {
        return 0;
    }
    user = getpwuid(geteuid() == 0 ? ap_unixd_config.user_id : geteuid());
    if (!user || user->pw_uid == 0) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s,
                     "TN0021: Syntax error on line %d of %s: the pool '%s' would run as root: add "
                     "a line TenonUser <name> to it",
                     pool->line, pool->file, pool->name);
        return 1;
    }
    pool->user = apr_pstrdup(s->process->pconf, user->pw_name);
    return 0;
}

/* Sets a pool's path and sees that its sockets' names are not too long for the system. */
static int check_pool_path(const tenon_config *config, tenon_pool *pool, server_rec *s)
{
    const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - sizeof("/scoreboard");
    pool->path = apr_pstrcat(s->process->pconf, config->runtime_dir, "/pools/", pool->name, NULL);
    if (strlen(pool->path) <= most) {
        return 0;
    }
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s,
                 "TN0022: %s is too long for sockets (at most %d characters): name a shorter "
                 "directory with TenonRuntimeDir",
                 pool->path, (int)most);
    return 1;
}

/* The file of the package that starts the supervisor, or NULL. */
static const char *supervisor_file(const tenon_config *config, apr_pool_t *p)
{
    const char *source = apr_pstrcat(p, config->package, "/ts/supervisor/main.ts", NULL);
    const char *built = apr_pstrcat(p, config->package, "/dist/supervisor/main.js", NULL);
    return access(source, R_OK) == 0 ? source : access(built, R_OK) == 0 ? built : NULL;
}

static int check_programs(tenon_config *config, apr_pool_t *p, server_rec *s)
{
    if (access(config->node, X_OK) != 0) {
        ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, errno, s,
                     "TN0023: cannot run node at %s: name the node executable with TenonNode",
                     config->node);
        return 1;
    }
    config->supervisor = supervisor_file(config, p);
    if (!config->supervisor) {
        ap_log_error(
            APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s,
            "TN0024: there is no supervisor in %s (neither ts/supervisor/main.ts nor "
            "dist/supervisor/main.js): name the directory of the tenon package with TenonPackage",
            config->package);
        return 1;
    }
    return 0;
}

/* Workers that always run must fit. The number of errors. */
static int check_processes(const tenon_config *config, server_rec *s)
{
    int least = 0;
    for (int i = 0; i < config->pools->nelts; i++) {
        least += APR_ARRAY_IDX(config->pools, i, const tenon_pool *)->processes_min;
    }
    if (least <= config->processes_total) {
        return 0;
    }
    ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s,
                 "TN0270: the minimums of TenonProcesses make %d workers, more than "
                 "TenonProcessesTotal allows (%d): raise it, or lower a minimum",
                 least, config->processes_total);
    return 1;
}

int tenon_config_check(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp, server_rec *s)
{
    tenon_config *config = tenon_configuration;
    int errors = check_named_pools(ap_conftree, temp, s) + tenon_hook_check(temp, s);
    (void)log_pool;
    tenon_override_remember(p);
    config->runtime_dir = ap_runtime_dir_relative(p, config->runtime_dir);
    for (int i = 0; i < config->pools->nelts; i++) {
        tenon_pool *pool = APR_ARRAY_IDX(config->pools, i, tenon_pool *);
        errors += check_pool_user(pool, s) + check_pool_path(config, pool, s);
    }
    errors += check_processes(config, s);
    if (config->pools->nelts > 0) {
        errors += check_programs(config, p, s);
    }
    return errors ? HTTP_INTERNAL_SERVER_ERROR : OK;
}
