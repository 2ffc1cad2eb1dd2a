/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_main.h>
#include <unixd.h>
#include <util_cfgtree.h>
#include <apr_file_io.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config.h"
#include "log.h"

#define CONFIG_VERSION   1
#define POOL_NAME_LENGTH 32
#define SECTION          "<TenonPool"

tenon_config *tenon_configuration;

typedef enum { FILE_KIND, DIRECTORY_KIND, RUNTIME_DIRECTORY_KIND, USER_KIND, GROUP_KIND } text_kind;
typedef enum { COUNT_KIND, TIME_KIND, OCTAL_KIND } number_kind;

typedef struct {
    size_t offset; /* of the field in its struct */
    text_kind kind;
} text_row;

typedef struct {
    size_t offset;
    number_kind kind;
    int standard;
    int least;
    int most;
} number_row;

#define TENON_ROW(field, directive, kind, help) {offsetof(tenon_config, field), kind##_KIND},
static const text_row server_texts[] = {TENON_SERVER_TEXTS(TENON_ROW)};
#undef TENON_ROW
#define TENON_ROW(field, directive, key, kind, help) {offsetof(tenon_pool, field), kind##_KIND},
static const text_row pool_texts[] = {TENON_POOL_TEXTS(TENON_ROW)};
#undef TENON_ROW
#define TENON_ROW(field, directive, key, kind, standard, least, most, help) \
    {offsetof(tenon_pool, field), kind##_KIND, standard, least, most},
static const number_row pool_numbers[] = {TENON_POOL_NUMBERS(TENON_ROW)};
#undef TENON_ROW

#define TENON_ROW(field, directive, kind, help) SERVER_ROW_##field,
enum { TENON_SERVER_TEXTS(TENON_ROW) };
#undef TENON_ROW
#define TENON_ROW(field, directive, key, kind, help) TEXT_ROW_##field,
enum { TENON_POOL_TEXTS(TENON_ROW) };
#undef TENON_ROW
#define TENON_ROW(field, directive, key, kind, standard, least, most, help) NUMBER_ROW_##field,
enum { TENON_POOL_NUMBERS(TENON_ROW) };
#undef TENON_ROW

static const char *pool_name_of_section(apr_pool_t *p, const char *args)
{
    const char *end = strrchr(args, '>');
    return end ? ap_getword_conf2(p, &(const char *){apr_pstrmemdup(p, args, end - args)}) : NULL;
}

/* The pool whose section `cmd` stands in, or NULL. */
static tenon_pool *pool_of_command(cmd_parms *cmd)
{
    const ap_directive_t *section = cmd->directive->parent;
    const char *name;
    if (!section || strcasecmp(section->directive, SECTION)) {
        return NULL;
    }
    name = pool_name_of_section(cmd->temp_pool, section->args);
    return apr_hash_get(tenon_configuration->pools_by_name, name, APR_HASH_KEY_STRING);
}

static const char *outside_pool(cmd_parms *cmd)
{
    return apr_psprintf(
        cmd->pool, "%s stands outside of a pool: put it between <TenonPool name> and </TenonPool>",
        cmd->cmd->name);
}

static const char *check_file(cmd_parms *cmd, const char *given, const char **value)
{
    apr_finfo_t info;
    const char *path = ap_server_root_relative(cmd->pool, given);
    apr_status_t status;
    if (!path) {
        return apr_psprintf(cmd->pool, "%s: '%s' is not a valid path", cmd->cmd->name, given);
    }
    status = apr_stat(&info, path, APR_FINFO_TYPE, cmd->temp_pool);
    if (status != APR_SUCCESS) {
        char reason[128];
        return apr_psprintf(cmd->pool,
                            "%s: cannot find %s (%s): name an existing file, absolute or relative "
                            "to the ServerRoot %s",
                            cmd->cmd->name, path, apr_strerror(status, reason, sizeof(reason)),
                            ap_server_root);
    }
    if (info.filetype != APR_REG) {
        return apr_psprintf(cmd->pool, "%s: %s is not a file: name the file itself", cmd->cmd->name,
                            path);
    }
    *value = path;
    return NULL;
}

static const char *check_directory(cmd_parms *cmd, const char *given, const char **value)
{
    apr_finfo_t info;
    const char *path = ap_server_root_relative(cmd->pool, given);
    if (!path || apr_stat(&info, path, APR_FINFO_TYPE, cmd->temp_pool) != APR_SUCCESS ||
        info.filetype != APR_DIR) {
        return apr_psprintf(cmd->pool,
                            "%s: %s is not a directory: name an existing one, absolute or relative "
                            "to the ServerRoot %s",
                            cmd->cmd->name, path ? path : given, ap_server_root);
    }
    *value = path;
    return NULL;
}

static const char *check_user(cmd_parms *cmd, const char *given, const char **value)
{
    const struct passwd *user = getpwnam(given);
    if (!user) {
        return apr_psprintf(cmd->pool, "%s: there is no user '%s': name an existing user",
                            cmd->cmd->name, given);
    }
    if (user->pw_uid == 0) {
        return apr_psprintf(
            cmd->pool, "%s: a pool never runs as root: name the user that owns the application",
            cmd->cmd->name);
    }
    if (geteuid() != 0 && user->pw_uid != geteuid()) {
        return apr_psprintf(cmd->pool,
                            "%s: httpd is not started as root, so its workers can only run as its "
                            "own user: leave %s out, or start httpd as root",
                            cmd->cmd->name, cmd->cmd->name);
    }
    *value = apr_pstrdup(cmd->pool, given);
    return NULL;
}

static const char *check_group(cmd_parms *cmd, const char *given, const char **value)
{
    const struct group *group = getgrnam(given);
    if (!group) {
        return apr_psprintf(cmd->pool, "%s: there is no group '%s': name an existing group",
                            cmd->cmd->name, given);
    }
    if (group->gr_gid == 0) {
        return apr_psprintf(cmd->pool,
                            "%s: a pool never runs in root's group: name another, or leave %s out",
                            cmd->cmd->name, cmd->cmd->name);
    }
    *value = apr_pstrdup(cmd->pool, given);
    return NULL;
}

static const char *check_text(cmd_parms *cmd, text_kind kind, const char *given, const char **value)
{
    switch (kind) {
    case FILE_KIND:
        return check_file(cmd, given, value);
    case DIRECTORY_KIND:
        return check_directory(cmd, given, value);
    case USER_KIND:
        return check_user(cmd, given, value);
    case GROUP_KIND:
        return check_group(cmd, given, value);
    case RUNTIME_DIRECTORY_KIND:
        break;
    }
    *value = apr_pstrdup(cmd->pool, given);
    return NULL;
}

static const char *set_server_text(cmd_parms *cmd, void *unused, const char *given)
{
    const text_row *row = &server_texts[(intptr_t)cmd->info];
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    (void)unused;
    return error ? error
                 : check_text(cmd, row->kind, given,
                              (const char **)((char *)tenon_configuration + row->offset));
}

static const char *set_pool_text(cmd_parms *cmd, void *unused, const char *given)
{
    const text_row *row = &pool_texts[(intptr_t)cmd->info];
    tenon_pool *pool = pool_of_command(cmd);
    (void)unused;
    return pool ? check_text(cmd, row->kind, given, (const char **)((char *)pool + row->offset))
                : outside_pool(cmd);
}

static const char *number_error(cmd_parms *cmd, const number_row *row, const char *given)
{
    if (row->kind == TIME_KIND) {
        return apr_psprintf(cmd->pool,
                            "%s: '%s' is not a time from %g to %g seconds: write a number of "
                            "seconds, or one with a unit (ms, s, min, h)",
                            cmd->cmd->name, given, row->least / 1000.0, row->most / 1000.0);
    }
    if (row->kind == OCTAL_KIND) {
        return apr_psprintf(cmd->pool, "%s: '%s' is not an octal number from 0 to %o, such as 0027",
                            cmd->cmd->name, given, (unsigned)row->most);
    }
    return apr_psprintf(cmd->pool, "%s: '%s' is not a whole number from %d to %d", cmd->cmd->name,
                        given, row->least, row->most);
}

/* A number within the row's bounds: 0, or -1. */
static int parse_number(const number_row *row, const char *given, int *value)
{
    apr_int64_t number;
    char *end;
    if (!apr_isdigit(*given)) {
        return -1;
    }
    if (row->kind == TIME_KIND) {
        apr_interval_time_t time;
        if (ap_timeout_parameter_parse(given, &time, "s") != APR_SUCCESS) {
            return -1;
        }
        number = apr_time_as_msec(time);
    } else {
        number = apr_strtoi64(given, &end, row->kind == OCTAL_KIND ? 8 : 10);
        if (*end) {
            return -1;
        }
    }
    if (number < row->least || number > row->most) {
        return -1;
    }
    *value = (int)number;
    return 0;
}

static const char *set_pool_number(cmd_parms *cmd, void *unused, const char *given)
{
    const number_row *row = &pool_numbers[(intptr_t)cmd->info];
    tenon_pool *pool = pool_of_command(cmd);
    (void)unused;
    if (!pool) {
        return outside_pool(cmd);
    }
    return parse_number(row, given, (int *)((char *)pool + row->offset))
               ? number_error(cmd, row, given)
               : NULL;
}

static const char *set_processes(cmd_parms *cmd, void *unused, const char *least, const char *most)
{
    static const number_row least_row = {0, COUNT_KIND, 0, 0, 128};
    static const number_row most_row = {0, COUNT_KIND, 0, 1, 128};
    tenon_pool *pool = pool_of_command(cmd);
    (void)unused;
    if (!pool) {
        return outside_pool(cmd);
    }
    if (parse_number(&least_row, least, &pool->processes_min)) {
        return number_error(cmd, &least_row, least);
    }
    if (!most) {
        pool->processes_max = pool->processes_min > 0 ? pool->processes_min : 1;
        return NULL;
    }
    if (parse_number(&most_row, most, &pool->processes_max)) {
        return number_error(cmd, &most_row, most);
    }
    if (pool->processes_max < pool->processes_min) {
        return apr_psprintf(
            cmd->pool,
            "TenonProcesses: the maximum %d is below the minimum %d: write the smaller first",
            pool->processes_max, pool->processes_min);
    }
    return NULL;
}

static const char *set_environment(cmd_parms *cmd, void *unused, const char *name,
                                   const char *value)
{
    tenon_pool *pool = pool_of_command(cmd);
    const char *at = name;
    (void)unused;
    if (!pool) {
        return outside_pool(cmd);
    }
    while (*at == '_' || apr_isalnum(*at)) {
        at++;
    }
    if (*at || apr_isdigit(*name) || !*name) {
        return apr_psprintf(
            cmd->pool, "TenonEnv: '%s' is not a name: use letters, digits and _, not a digit first",
            name);
    }
    apr_table_set(pool->environment, name, value);
    return NULL;
}

static const char *check_pool_name(cmd_parms *cmd, const char *name)
{
    const char *at = name;
    const tenon_pool *other;
    while (apr_isalnum(*at) || *at == '_' || *at == '-' || (*at == '.' && at > name)) {
        at++;
    }
    if (*at || !*name || at - name > POOL_NAME_LENGTH) {
        return apr_psprintf(cmd->pool,
                            "'%s' is not a name for a pool: use 1 to %d letters, digits, '_', '-' "
                            "or '.', not '.' first",
                            name, POOL_NAME_LENGTH);
    }
    other = apr_hash_get(tenon_configuration->pools_by_name, name, APR_HASH_KEY_STRING);
    return other
               ? apr_psprintf(cmd->pool,
                              "there is a pool '%s' already, on line %d of %s: choose another name",
                              name, other->line, other->file)
               : NULL;
}

static tenon_pool *make_pool(cmd_parms *cmd, const char *name)
{
    tenon_pool *pool = apr_pcalloc(cmd->pool, sizeof(*pool));
    pool->name = name;
    pool->file = cmd->directive->filename;
    pool->line = cmd->directive->line_num;
    pool->processes_min = 0;
    pool->processes_max = 4;
    pool->environment = apr_table_make(cmd->pool, 4);
#define TENON_ROW(field, directive, key, kind, value, least, most, help) pool->field = value;
    TENON_POOL_NUMBERS(TENON_ROW)
#undef TENON_ROW
    return pool;
}

static const char *open_pool(cmd_parms *cmd, void *unused, const char *args)
{
    const char *error =
        ap_check_cmd_context(cmd, NOT_IN_DIR_LOC_FILE | NOT_IN_LIMIT | NOT_IN_HTACCESS);
    const char *name = pool_name_of_section(cmd->pool, args);
    tenon_pool *pool;
    (void)unused;
    if (error) {
        return error;
    }
    if (!name) {
        return "<TenonPool> needs a closing '>': write <TenonPool name>";
    }
    error = check_pool_name(cmd, name);
    if (error) {
        return error;
    }
    pool = make_pool(cmd, name);
    apr_hash_set(tenon_configuration->pools_by_name, name, APR_HASH_KEY_STRING, pool);
    APR_ARRAY_PUSH(tenon_configuration->pools, tenon_pool *) = pool;
    error = ap_walk_config(cmd->directive->first_child, cmd, cmd->context);
    if (error) {
        return error;
    }
    if (!pool->app) {
        return apr_psprintf(
            cmd->pool, "the pool '%s' has no application: add a line TenonApp <file> to it", name);
    }
    if (!pool->directory) {
        pool->directory = ap_make_dirstr_parent(cmd->pool, pool->app);
    }
    return NULL;
}

tenon_pool *tenon_config_pool_of_handler(const char *handler)
{
    return apr_hash_get(tenon_configuration->pools_by_name,
                        handler + sizeof(TENON_HANDLER_PREFIX) - 1, APR_HASH_KEY_STRING);
}

/* Checks every SetHandler and AddHandler of the configuration that names a pool; the number of
 * errors. */
static int check_handlers(const ap_directive_t *node, apr_pool_t *p, server_rec *s)
{
    int errors = 0;
    for (; node; node = node->next) {
        const char *args = node->args;
        const char *handler;
        if (node->first_child) {
            errors += check_handlers(node->first_child, p, s);
        }
        if (strcasecmp(node->directive, "SetHandler") &&
            strcasecmp(node->directive, "AddHandler")) {
            continue;
        }
        handler = ap_getword_conf(p, &args);
        if (!strncmp(handler, TENON_HANDLER_PREFIX, sizeof(TENON_HANDLER_PREFIX) - 1) &&
            !tenon_config_pool_of_handler(handler)) {
            ap_log_error(APLOG_MARK, APLOG_STARTUP | APLOG_ERR, 0, s,
                         "TN0020: Syntax error on line %d of %s: %s %s: there is no pool '%s': add "
                         "a section <TenonPool %s>, or name one that exists",
                         node->line_num, node->filename, node->directive, handler,
                         handler + sizeof(TENON_HANDLER_PREFIX) - 1,
                         handler + sizeof(TENON_HANDLER_PREFIX) - 1);
            errors++;
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

static int pre_config(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp)
{
    (void)log_pool;
    (void)temp;
    tenon_configuration = apr_pcalloc(p, sizeof(*tenon_configuration));
    tenon_configuration->pools = apr_array_make(p, 4, sizeof(tenon_pool *));
    tenon_configuration->pools_by_name = apr_hash_make(p);
    tenon_configuration->node = TENON_NODE;
    tenon_configuration->package = TENON_PACKAGE;
    tenon_configuration->runtime_dir = "tenon";
    tenon_configuration->parent_uid = geteuid();
    return OK;
}

static int check_config(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp, server_rec *s)
{
    tenon_config *config = tenon_configuration;
    int errors = check_handlers(ap_conftree, temp, s);
    (void)log_pool;
    config->runtime_dir = ap_runtime_dir_relative(p, config->runtime_dir);
    for (int i = 0; i < config->pools->nelts; i++) {
        tenon_pool *pool = APR_ARRAY_IDX(config->pools, i, tenon_pool *);
        errors += check_pool_user(pool, s) + check_pool_path(config, pool, s);
    }
    if (config->pools->nelts > 0) {
        errors += check_programs(config, p, s);
    }
    return errors ? HTTP_INTERNAL_SERVER_ERROR : OK;
}

void tenon_config_register(void)
{
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(check_config, NULL, NULL, APR_HOOK_LAST);
}

/* clang-format off */
const command_rec tenon_commands[] = {
#define TENON_ROW(field, directive, kind, help) \
    AP_INIT_TAKE1(directive, set_server_text, (void *)(intptr_t)SERVER_ROW_##field, RSRC_CONF, help),
    TENON_SERVER_TEXTS(TENON_ROW)
#undef TENON_ROW
    AP_INIT_RAW_ARGS(SECTION, open_pool, NULL, RSRC_CONF,
                     "Begins a pool of workers: <TenonPool name>, with at least TenonApp; SetHandler tenon:<name> sends requests to it"),
#define TENON_ROW(field, directive, key, kind, help) \
    AP_INIT_TAKE1(directive, set_pool_text, (void *)(intptr_t)TEXT_ROW_##field, RSRC_CONF, help),
    TENON_POOL_TEXTS(TENON_ROW)
#undef TENON_ROW
#define TENON_ROW(field, directive, key, kind, standard, least, most, help) \
    AP_INIT_TAKE1(directive, set_pool_number, (void *)(intptr_t)NUMBER_ROW_##field, RSRC_CONF, help),
    TENON_POOL_NUMBERS(TENON_ROW)
#undef TENON_ROW
    AP_INIT_TAKE12("TenonProcesses", set_processes, NULL, RSRC_CONF,
                   "Least and most workers: TenonProcesses <least> [<most>]; 0 starts the first at the first request (default 0 4)"),
    AP_INIT_TAKE2("TenonEnv", set_environment, NULL, RSRC_CONF,
                  "Environment variable of the workers: TenonEnv <name> <value>; may be repeated"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}
};
/* clang-format on */
