/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <apr_lib.h>
#include <apr_strings.h>

#include "config/hook.h"
#include "config/override.h"

#define STANDARD_TIMEOUT 5000 /* ms */
#define ANY_EXPORT       "*"  /* .htaccess files are read when workers run */

#define TENON_ROW(name, value, kind, context, on_error, meaning) \
    {#name, WIRE_PHASE_##name, TENON_KIND_##kind, TENON_CONTEXT_##context, on_error},
static const tenon_rule rules[] = {WIRE_PHASES(TENON_ROW)};
#undef TENON_ROW
#define RULES (sizeof(rules) / sizeof(rules[0]))

/* Names of all phases, made once of the rules. */
static struct {
    char phase[32];
    char export[32];
} names[RULES];

void tenon_hook_begin(apr_pool_t *p)
{
    tenon_configuration->hooks = apr_array_make(p, 4, sizeof(tenon_hook *));
    tenon_configuration->overridable = apr_array_make(p, 2, sizeof(const char *));
    for (size_t i = 0; i < RULES && !names[i].phase[0]; i++) {
        size_t length = 0;
        size_t used = 0;
        for (const char *at = rules[i].upper; *at; at++) {
            const char lower = (char)(*at == '_' ? '_' : apr_tolower(*at));
            names[i].phase[length++] = lower;
            if (*at != '_') {
                names[i].export[used++] = at > rules[i].upper && at[-1] == '_' ? *at : lower;
            }
        }
    }
}

static size_t index_of(wire_phase phase)
{
    size_t i = 0;
    while (rules[i].phase != phase) {
        i++;
    }
    return i;
}

const tenon_rule *tenon_hook_rule(wire_phase phase)
{
    return &rules[index_of(phase)];
}

const tenon_rule *tenon_hook_rule_at(size_t index)
{
    return index < RULES ? &rules[index] : NULL;
}

const char *tenon_hook_phase_name(wire_phase phase)
{
    return names[index_of(phase)].phase;
}

const char *tenon_hook_export_name(wire_phase phase)
{
    return names[index_of(phase)].export;
}

int tenon_hook_is_provider(wire_phase phase)
{
    return tenon_hook_rule(phase)->kind == TENON_KIND_PROVIDER;
}

static int is_export_name(const char *name)
{
    const char *at = name;
    while (apr_isalnum(*at) || *at == '_' || *at == '$') {
        at++;
    }
    return !*at && *name && !apr_isdigit(*name) && strcmp(name, "default") != 0;
}

tenon_hook *tenon_hook_parse_target(cmd_parms *cmd, const char *text, wire_phase phase,
                                    const char **error)
{
    const char *hash = strchr(text, '#');
    tenon_hook *hook = apr_pcalloc(cmd->pool, sizeof(*hook));
    hook->phase = phase;
    hook->pool_name = hash ? apr_pstrmemdup(cmd->pool, text, hash - text) : text;
    hook->export = hash ? hash + 1 : tenon_hook_export_name(phase);
    hook->order = TENON_MIDDLE;
    hook->timeout = STANDARD_TIMEOUT;
    hook->on_error = tenon_hook_rule(phase)->on_error;
    hook->cache = 1;
    hook->htaccess = tenon_override_in_htaccess(cmd);
    hook->directive = cmd->cmd->name;
    hook->file = cmd->directive->filename;
    hook->line = cmd->directive->line_num;
    *error = NULL;
    if (!*hook->pool_name) {
        *error = apr_psprintf(cmd->pool, "%s: '%s' names no pool: write <pool> or <pool>#<export>",
                              cmd->cmd->name, text);
    } else if (!is_export_name(hook->export)) {
        *error =
            apr_psprintf(cmd->pool,
                         "%s: '%s' is not the name of an export: write that of a function "
                         "that the application exports, or leave #%s out for %s",
                         cmd->cmd->name, hook->export, hook->export, tenon_hook_export_name(phase));
    } else if (!hook->htaccess) {
        hook->number = tenon_configuration->hooks->nelts;
        APR_ARRAY_PUSH(tenon_configuration->hooks, tenon_hook *) = hook;
    } else {
        hook->pool = tenon_config_pool(hook->pool_name, cmd->temp_pool);
        if (!hook->pool) {
            *error = apr_psprintf(cmd->pool, "%s: there is no pool '%s': name one that exists",
                                  cmd->cmd->name, hook->pool_name);
        }
    }
    return *error ? NULL : hook;
}

/* Has a pool's workers told that an export will be asked for. */
static void expect(tenon_pool *pool, const char *export)
{
    for (int i = 0; i < pool->exports->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(pool->exports, i, const char *), export)) {
            return;
        }
    }
    APR_ARRAY_PUSH(pool->exports, const char *) = export;
}

int tenon_hook_check(apr_pool_t *p, server_rec *s)
{
    int errors = 0;
    for (int i = 0; i < tenon_configuration->overridable->nelts; i++) {
        tenon_pool *pool =
            tenon_config_pool(APR_ARRAY_IDX(tenon_configuration->overridable, i, const char *), p);
        if (pool) { /* else config_check.c says so */
            expect(pool, ANY_EXPORT);
        }
    }
    for (int i = 0; i < tenon_configuration->hooks->nelts; i++) {
        tenon_hook *hook = APR_ARRAY_IDX(tenon_configuration->hooks, i, tenon_hook *);
        hook->pool = tenon_config_pool(hook->pool_name, p);
        if (hook->pool) {
            expect(hook->pool, hook->export);
        } else {
            tenon_config_missing_pool(s, hook->directive, hook->pool_name, hook->file, hook->line);
            errors++;
        }
    }
    return errors;
}
