/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_main.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <stddef.h>
#include <strings.h>
#include <unistd.h>

#include "decisions/cache.h"
#include "config/config.h"
#include "filters/filter.h"
#include "config/hook.h"
#include "config/location.h"
#include "log.h"
#include "phases/map.h"
#include "config/override.h"
#include "config/values.h"

#define POOL_NAME_LENGTH 32
#define SECTION          "<TenonPool"
#define MEMORY_SOFT_KIB  524288
#define MEMORY_HARD_KIB  1048576
#define PROCESSES_TOTAL  100
#define REQUESTS         1000000
#define AGE_MS           86400000
#define JITTER_PERCENT   20

tenon_config *tenon_configuration;

#define TENON_ROW(field, directive, kind, help) {offsetof(tenon_config, field), kind##_KIND},
static const tenon_text_row server_texts[] = {TENON_SERVER_TEXTS(TENON_ROW)};
#undef TENON_ROW
#define TENON_ROW(field, directive, key, kind, help) {offsetof(tenon_pool, field), kind##_KIND},
static const tenon_text_row pool_texts[] = {TENON_POOL_TEXTS(TENON_ROW)
#undef TENON_ROW
#define TENON_ROW(field, directive, kind, help) {offsetof(tenon_pool, field), kind##_KIND},
                                                TENON_HOST_TEXTS(TENON_ROW)};
#undef TENON_ROW
#define TENON_ROW(field, directive, key, kind, standard, least, most, help) \
    {offsetof(tenon_pool, field), kind##_KIND, standard, least, most},
static const tenon_number_row pool_numbers[] = {TENON_POOL_NUMBERS(TENON_ROW)
#undef TENON_ROW
#define TENON_ROW(field, directive, kind, standard, least, most, help) \
    {offsetof(tenon_pool, field), kind##_KIND, standard, least, most},
                                                    TENON_HOST_NUMBERS(TENON_ROW)};
#undef TENON_ROW

#define TENON_ROW(field, directive, kind, help) SERVER_ROW_##field,
enum { TENON_SERVER_TEXTS(TENON_ROW) };
#undef TENON_ROW
#define TENON_ROW(field, directive, key, kind, help) TEXT_ROW_##field,
enum {
    TENON_POOL_TEXTS(TENON_ROW)
#undef TENON_ROW
#define TENON_ROW(field, directive, kind, help) TEXT_ROW_##field,
        TENON_HOST_TEXTS(TENON_ROW)
};
#undef TENON_ROW
#define TENON_ROW(field, directive, key, kind, standard, least, most, help) NUMBER_ROW_##field,
enum {
    TENON_POOL_NUMBERS(TENON_ROW)
#undef TENON_ROW
#define TENON_ROW(field, directive, kind, standard, least, most, help) NUMBER_ROW_##field,
        TENON_HOST_NUMBERS(TENON_ROW)
};
#undef TENON_ROW

static const char *pool_name_of_section(apr_pool_t *p, const char *args)
{
    const char *end = strrchr(args, '>');
    return end ? ap_getword_conf2(p, &(const char *){apr_pstrmemdup(p, args, end - args)}) : NULL;
}

tenon_pool *tenon_config_pool(const char *name, apr_pool_t *p)
{
    char *key = apr_pstrdup(p, name);
    ap_str_tolower(key);
    return apr_hash_get(tenon_configuration->pools_by_name, key, APR_HASH_KEY_STRING);
}

int tenon_config_is_handler(const char *handler)
{
    return handler && !strncmp(handler, TENON_HANDLER_PREFIX, sizeof(TENON_HANDLER_PREFIX) - 1);
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
    return tenon_config_pool(name, cmd->temp_pool);
}

int tenon_config_in_pool(cmd_parms *cmd)
{
    return pool_of_command(cmd) != NULL;
}

static const char *outside_pool(cmd_parms *cmd)
{
    return apr_psprintf(
        cmd->pool, "%s stands outside of a pool: put it between <TenonPool name> and </TenonPool>",
        cmd->cmd->name);
}

static const char *set_server_text(cmd_parms *cmd, void *unused, const char *given)
{
    const tenon_text_row *row = &server_texts[(intptr_t)cmd->info];
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    (void)unused;
    return error ? error
                 : tenon_value_text(cmd, row->kind, given,
                                    (const char **)((char *)tenon_configuration + row->offset));
}

static const char *set_pool_text(cmd_parms *cmd, void *unused, const char *given)
{
    const tenon_text_row *row = &pool_texts[(intptr_t)cmd->info];
    tenon_pool *pool = pool_of_command(cmd);
    (void)unused;
    return pool ? tenon_value_text(cmd, row->kind, given,
                                   (const char **)((char *)pool + row->offset))
                : outside_pool(cmd);
}

/* Where a location keeps a limit that it may set for itself in place of its pool, or NULL. */
static int *limit_of_location(const tenon_number_row *row, tenon_location *location)
{
    return row->offset == offsetof(tenon_pool, request_timeout) ? &location->request_timeout
           : row->offset == offsetof(tenon_pool, body_timeout)  ? &location->body_timeout
                                                                : NULL;
}

static const char *set_pool_number(cmd_parms *cmd, void *location, const char *given)
{
    const tenon_number_row *row = &pool_numbers[(intptr_t)cmd->info];
    tenon_pool *pool = pool_of_command(cmd);
    int *value = pool ? (int *)((char *)pool + row->offset) : limit_of_location(row, location);
    return value ? tenon_value_number(cmd, row, given, value) : outside_pool(cmd);
}

static const char *set_processes(cmd_parms *cmd, void *unused, const char *least, const char *most)
{
    static const tenon_number_row least_row = {0, COUNT_KIND, 0, 0, 128};
    static const tenon_number_row most_row = {0, COUNT_KIND, 0, 1, 128};
    tenon_pool *pool = pool_of_command(cmd);
    const char *error;
    (void)unused;
    if (!pool) {
        return outside_pool(cmd);
    }
    error = tenon_value_number(cmd, &least_row, least, &pool->processes_min);
    if (error) {
        return error;
    }
    if (!most) {
        pool->processes_max = pool->processes_min > 0 ? pool->processes_min : 1;
        return NULL;
    }
    error = tenon_value_number(cmd, &most_row, most, &pool->processes_max);
    if (error) {
        return error;
    }
    if (pool->processes_max < pool->processes_min) {
        return apr_psprintf(
            cmd->pool,
            "TenonProcesses: the maximum %d is below the minimum %d: write the smaller first",
            pool->processes_max, pool->processes_min);
    }
    return NULL;
}

static const char *set_memory(cmd_parms *cmd, void *unused, const char *soft, const char *hard)
{
    /* Node alone needs about half of the least. */
    static const tenon_number_row row = {0, SIZE_KIND, 0, 65536, 1073741824};
    tenon_pool *pool = pool_of_command(cmd);
    const char *error;
    (void)unused;
    if (!pool) {
        return outside_pool(cmd);
    }
    if (!strcasecmp(soft, TENON_OFF) && !hard) {
        pool->memory_soft = pool->memory_hard = 0;
        return NULL;
    }
    error = tenon_value_number(cmd, &row, soft, &pool->memory_soft);
    if (error) {
        return error;
    }
    if (!hard) {
        pool->memory_hard = pool->memory_soft < row.most / 2 ? 2 * pool->memory_soft : row.most;
        return NULL;
    }
    error = tenon_value_number(cmd, &row, hard, &pool->memory_hard);
    if (error) {
        return error;
    }
    if (pool->memory_hard <= pool->memory_soft) {
        return apr_psprintf(cmd->pool,
                            "TenonMemory: the hard limit %s is not above the soft limit %s: write "
                            "the smaller first",
                            hard, soft);
    }
    return NULL;
}

static const char *set_processes_total(cmd_parms *cmd, void *unused, const char *given)
{
    static const tenon_number_row row = {0, COUNT_KIND, PROCESSES_TOTAL, 1, 65535};
    const char *error = ap_check_cmd_context(cmd, GLOBAL_ONLY);
    (void)unused;
    return error ? error
                 : tenon_value_number(cmd, &row, given, &tenon_configuration->processes_total);
}

/* A limit of a worker's life, or off, and by how much of it workers differ. */
static const char *set_life(cmd_parms *cmd, const tenon_number_row *row, const char *limit,
                            const char *jitter, int *value, int *percent)
{
    static const tenon_number_row jitter_row = {0, COUNT_KIND, JITTER_PERCENT, 0, 100};
    const size_t length = jitter ? strlen(jitter) : 0;
    const char *error = NULL;
    if (!strcasecmp(limit, TENON_OFF) && !jitter) {
        *value = 0;
        return NULL;
    }
    error = tenon_value_number(cmd, row, limit, value);
    if (error || !jitter) {
        return error;
    }
    if (jitter[length - 1] != '%') {
        return apr_psprintf(cmd->pool, "%s: '%s' is not a percentage: write such as 20%%",
                            cmd->cmd->name, jitter);
    }
    return tenon_value_number(cmd, &jitter_row, apr_pstrmemdup(cmd->temp_pool, jitter, length - 1),
                              percent);
}

static const char *set_requests(cmd_parms *cmd, void *unused, const char *limit, const char *jitter)
{
    static const tenon_number_row row = {0, COUNT_KIND, REQUESTS, 1, 1000000000};
    tenon_pool *pool = pool_of_command(cmd);
    (void)unused;
    return pool ? set_life(cmd, &row, limit, jitter, &pool->requests, &pool->requests_jitter)
                : outside_pool(cmd);
}

static const char *set_age(cmd_parms *cmd, void *unused, const char *limit, const char *jitter)
{
    static const tenon_number_row row = {0, TIME_KIND, AGE_MS, 1000, 1728000000};
    tenon_pool *pool = pool_of_command(cmd);
    (void)unused;
    return pool ? set_life(cmd, &row, limit, jitter, &pool->age, &pool->age_jitter)
                : outside_pool(cmd);
}

static const char *set_log_overflow(cmd_parms *cmd, void *unused, const char *how, const char *time)
{
    static const tenon_number_row wait_row = {0, TIME_KIND, 0, 1, 60000};
    tenon_pool *pool = pool_of_command(cmd);
    (void)unused;
    if (!pool) {
        return outside_pool(cmd);
    }
    if (time && !strcasecmp(how, "wait")) {
        pool->log_overflow = TENON_LOG_WAIT;
        return tenon_value_number(cmd, &wait_row, time, &pool->log_wait);
    }
    if (!time && !strcasecmp(how, "spill")) {
        pool->log_overflow = TENON_LOG_SPILL;
        return NULL;
    }
    if (!time && !strcasecmp(how, "drop")) {
        pool->log_overflow = TENON_LOG_DROP;
        return NULL;
    }
    return "TenonLogOverflow: write 'spill', 'drop', or 'wait' and a time, such as wait 100ms";
}

static const char *set_reload(cmd_parms *cmd, void *unused, const char *how)
{
    static const char *const ways[] = {"graceful", "strict", "off", NULL};
    tenon_pool *pool = pool_of_command(cmd);
    (void)unused;
    if (!pool) {
        return outside_pool(cmd);
    }
    for (const char *const *way = ways; *way; way++) {
        if (!strcasecmp(how, *way)) {
            pool->reload = *way;
            return NULL;
        }
    }
    return apr_psprintf(cmd->pool, "TenonReload: '%s' is not known: write graceful, strict or off",
                        how);
}

static const char *add_watch(cmd_parms *cmd, void *unused, const char *given)
{
    tenon_pool *pool = pool_of_command(cmd);
    const char *path = ap_server_root_relative(cmd->pool, given);
    (void)unused;
    if (!pool) {
        return outside_pool(cmd);
    }
    if (!path) {
        return apr_psprintf(cmd->pool, "TenonWatch: '%s' is not a valid path", given);
    }
    APR_ARRAY_PUSH(pool->watch, const char *) = path;
    return NULL;
}

/* What Node and the system's loader act on before a worker has become its pool's user, as whoever
 * httpd was started as. */
static const char *advice_against(const char *name)
{
    static const struct {
        const char *name;
        const char *advice;
    } refused[] = {
        {"NODE_OPTIONS", "call v8.setFlagsFromString() or module.register() in the application "
                         "instead"},
        {"NODE_COMPILE_CACHE", "leave it out: Tenon keeps a cache of its own"},
        {"LD_PRELOAD", "load the library from the application, as an addon"},
        {"LD_LIBRARY_PATH", "build the addon with a run path (-Wl,-rpath), or add the directory to "
                            "/etc/ld.so.conf.d"},
        {"LD_AUDIT", "leave it out: a worker cannot be audited so"},
    };
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        if (!strcmp(name, refused[i].name)) {
            return refused[i].advice;
        }
    }
    return NULL;
}

static const char *set_environment(cmd_parms *cmd, void *unused, const char *name,
                                   const char *value)
{
    tenon_pool *pool = pool_of_command(cmd);
    const char *at = name;
    const char *advice;
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
    advice = advice_against(name);
    if (advice) {
        return apr_psprintf(cmd->pool,
                            "TenonEnv: %s would take effect before a worker has become the pool's "
                            "user: %s",
                            name, advice);
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
    if (*at || !*name || at - name > POOL_NAME_LENGTH || !strcasecmp(name, TENON_OFF)) {
        return apr_psprintf(cmd->pool,
                            "'%s' is not a name for a pool: use 1 to %d letters, digits, '_', '-' "
                            "or '.', not '.' first, and not " TENON_OFF,
                            name, POOL_NAME_LENGTH);
    }
    other = tenon_config_pool(name, cmd->temp_pool);
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
    pool->number = tenon_configuration->pools->nelts;
    pool->processes_min = 0;
    pool->processes_max = 4;
    pool->memory_soft = MEMORY_SOFT_KIB;
    pool->memory_hard = MEMORY_HARD_KIB;
    pool->requests = REQUESTS;
    pool->age = AGE_MS;
    pool->requests_jitter = pool->age_jitter = JITTER_PERCENT;
    pool->environment = apr_table_make(cmd->pool, 4);
    pool->exports = apr_array_make(cmd->pool, 4, sizeof(const char *));
    pool->reload = "graceful";
    pool->watch = apr_array_make(cmd->pool, 1, sizeof(const char *));
#define TENON_ROW(field, directive, key, kind, value, least, most, help) pool->field = value;
    TENON_POOL_NUMBERS(TENON_ROW)
#undef TENON_ROW
#define TENON_ROW(field, directive, kind, value, least, most, help) pool->field = value;
    TENON_HOST_NUMBERS(TENON_ROW)
#undef TENON_ROW
    return pool;
}

static const char *open_pool(cmd_parms *cmd, void *unused, const char *args)
{
    const char *error =
        ap_check_cmd_context(cmd, NOT_IN_DIR_LOC_FILE | NOT_IN_LIMIT | NOT_IN_HTACCESS);
    const char *name = pool_name_of_section(cmd->pool, args);
    char *key;
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
    key = apr_pstrdup(cmd->pool, name);
    ap_str_tolower(key);
    apr_hash_set(tenon_configuration->pools_by_name, key, APR_HASH_KEY_STRING, pool);
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

static int pre_config(apr_pool_t *p, apr_pool_t *log_pool, apr_pool_t *temp)
{
    (void)log_pool;
    tenon_configuration = apr_pcalloc(p, sizeof(*tenon_configuration));
    tenon_configuration->pools = apr_array_make(p, 4, sizeof(tenon_pool *));
    tenon_configuration->pools_by_name = apr_hash_make(p);
    tenon_hook_begin(p);
    tenon_filter_begin(p);
    tenon_configuration->node = TENON_NODE;
    tenon_configuration->package = TENON_PACKAGE;
    tenon_configuration->runtime_dir = "tenon";
    tenon_configuration->processes_total = PROCESSES_TOTAL;
    tenon_configuration->parent_uid = geteuid();
    return tenon_map_begin(p, temp);
}

void tenon_config_register(void)
{
    ap_hook_pre_config(pre_config, NULL, NULL, APR_HOOK_MIDDLE);
    ap_hook_check_config(tenon_config_check, NULL, NULL, APR_HOOK_LAST);
}

/* Where a number may stand. */
#define WHERE(field)                                                           \
    (offsetof(tenon_pool, field) == offsetof(tenon_pool, request_timeout) ||   \
             offsetof(tenon_pool, field) == offsetof(tenon_pool, body_timeout) \
         ? RSRC_CONF | ACCESS_CONF                                             \
         : RSRC_CONF)

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
#define TENON_ROW(field, directive, kind, help) \
    AP_INIT_TAKE1(directive, set_pool_text, (void *)(intptr_t)TEXT_ROW_##field, RSRC_CONF, help),
    TENON_HOST_TEXTS(TENON_ROW)
#undef TENON_ROW
#define TENON_ROW(field, directive, key, kind, standard, least, most, help) \
    AP_INIT_TAKE1(directive, set_pool_number, (void *)(intptr_t)NUMBER_ROW_##field, WHERE(field), help),
    TENON_POOL_NUMBERS(TENON_ROW)
#undef TENON_ROW
#define TENON_ROW(field, directive, kind, standard, least, most, help) \
    AP_INIT_TAKE1(directive, set_pool_number, (void *)(intptr_t)NUMBER_ROW_##field, WHERE(field), help),
    TENON_HOST_NUMBERS(TENON_ROW)
#undef TENON_ROW
    AP_INIT_TAKE12("TenonLogOverflow", set_log_overflow, NULL, RSRC_CONF,
                   "What becomes of log records beyond TenonLogMemory: spill (to files, replayed), wait <time> (then drop), or drop (default spill)"),
    AP_INIT_TAKE12("TenonProcesses", set_processes, NULL, RSRC_CONF,
                   "Least and most workers: TenonProcesses <least> [<most>]; 0 starts the first at the first request (default 0 4)"),
    AP_INIT_TAKE12("TenonMemory", set_memory, NULL, RSRC_CONF,
                   "Memory of its own at which a worker is replaced, and at which it is stopped: TenonMemory <soft> [<hard>], in bytes or with K, M, G, or off (default 512M 1G)"),
    AP_INIT_TAKE1("TenonReload", set_reload, NULL, RSRC_CONF,
                  "What becomes of workers whose files have changed: graceful (new ones are ready first), strict (no request is served by old code) or off (default graceful)"),
    AP_INIT_ITERATE("TenonWatch", add_watch, NULL, RSRC_CONF,
                    "Files and directories whose changes count beside those of what the application has loaded: TenonWatch <path>...; may be repeated (default: none)"),
    AP_INIT_TAKE1("TenonProcessesTotal", set_processes_total, NULL, RSRC_CONF,
                  "Most workers of all pools together, 1 to 65535 (default 100)"),
    AP_INIT_TAKE12("TenonRequests", set_requests, NULL, RSRC_CONF,
                   "Requests after which a worker is replaced, and by how much of that workers differ: TenonRequests <n>|off [<jitter>%] (default 1000000 20%)"),
    AP_INIT_TAKE12("TenonAge", set_age, NULL, RSRC_CONF,
                   "Time after which a worker is replaced, and by how much of that workers differ: TenonAge <time>|off [<jitter>%] (default 24h 20%)"),
    AP_INIT_TAKE2("TenonEnv", set_environment, NULL, RSRC_CONF,
                  "Environment variable of the workers: TenonEnv <name> <value>; may be repeated"),
    AP_INIT_TAKE1("TenonFallback", tenon_location_set_fallback, NULL, RSRC_CONF | ACCESS_CONF,
                  "Pool that gets what is neither a file nor a directory with an index: TenonFallback <pool>|Off (default Off)"),
    AP_INIT_TAKE12("TenonMount", tenon_location_set_mount, NULL, RSRC_CONF | ACCESS_CONF,
                   "Path under which an application is mounted: TenonMount <path> [strip] or Off; strip takes it off the target that the application sees (default Off)"),
    AP_INIT_RAW_ARGS("TenonHook", tenon_hook_set, NULL, RSRC_CONF | ACCESS_CONF | OR_FILEINFO,
                     "Function that is asked in a phase: TenonHook <phase> <pool>[#export] [when=<expr>] [order=early|middle|late] [timeout=<time>] [on-error=deny|decline|<status>] [cache=on|off] [errors=on|off], or TenonHook <phase> none (default: none)"),
    AP_INIT_RAW_ARGS("TenonFilter", tenon_filter_set, NULL, RSRC_CONF,
                     "Filter with a name, for SetOutputFilter, AddOutputFilterByType, FilterProvider and SetInputFilter: TenonFilter <name> output|input <pool>[#export] [when=<expr>] [timeout=<time>] [on-error=deny|decline|<status>]"),
    AP_INIT_TAKE2("TenonOption", tenon_location_set_option, NULL, RSRC_CONF | ACCESS_CONF | OR_FILEINFO,
                  "Option that hooks can read: TenonOption <name> <value>; may be repeated"),
    AP_INIT_TAKE1("TenonCache", tenon_cache_set, NULL, RSRC_CONF,
                  "Where decisions of hooks are kept: TenonCache <provider>[:<arguments>], of httpd's socache modules, or Off (default shmcb, 1 MiB)"),
    AP_INIT_TAKE1("TenonCacheSecret", tenon_cache_set_secret, NULL, RSRC_CONF,
                  "File with random bytes that seals the cache, the same on all machines that share it (default: new ones at each start)"),
    AP_INIT_TAKE_ARGV("TenonAllowOverride", tenon_override_set, NULL, RSRC_CONF | ACCESS_CONF,
                      "Pools that .htaccess files may name: TenonAllowOverride <pool>... or none (default none)"),
    {NULL, {NULL}, NULL, 0, RAW_ARGS, NULL}
};
/* clang-format on */
