/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <http_request.h>
#include <util_cfgtree.h>
#include <apr_strings.h>
#include <strings.h>

#include "config/location.h"
#include "log.h"
#include "config/override.h"

#define NONE         "none"
#define VOUCHED_NOTE "tenon-handler"

int tenon_override_in_htaccess(const cmd_parms *cmd)
{
    return cmd->pool == cmd->temp_pool;
}

void tenon_override_claim(cmd_parms *cmd, void *location, const char *pool)
{
    tenon_location *here = location;
    tenon_claim *claim;
    if (!here->claims) {
        here->claims = apr_array_make(cmd->pool, 2, sizeof(tenon_claim));
    }
    claim = apr_array_push(here->claims);
    claim->directive = cmd->cmd->name;
    claim->pool = pool;
    claim->file = cmd->directive->filename;
    claim->line = cmd->directive->line_num;
}

int tenon_override_permits(request_rec *r, const char *pool)
{
    const apr_array_header_t *overridable = tenon_location_of(r)->overridable;
    for (int i = 0; overridable && i < overridable->nelts; i++) {
        if (!strcasecmp(APR_ARRAY_IDX(overridable, i, const char *), pool)) {
            return 1;
        }
    }
    return 0;
}

/* Whether `path` is a directory (its name ends with a slash), or below it. */
static int is_below(const char *path, const char *directory)
{
    const size_t length = strlen(directory) - 1;
    return !strncmp(path, directory, length) && (path[length] == '/' || path[length] == '\0');
}

/* Whether an .htaccess file had a say in a request. */
static int has_htaccess(const request_rec *r)
{
    for (const struct htaccess_result *at = r->htaccess; at; at = at->next) {
        if (at->htaccess && (!r->filename || is_below(r->filename, at->dir))) {
            return 1;
        }
    }
    return 0;
}

void tenon_override_vouch(request_rec *r, const char *handler)
{
    /* A note: it follows a request that mod_dir or mod_negotiation have found. */
    apr_table_set(r->notes, VOUCHED_NOTE, handler);
}

/* Where an .htaccess has hooks of its own, one of these may have set the note. */
static int is_vouched_for(const request_rec *r, const char *handler)
{
    const char *vouched = apr_table_get(r->notes, VOUCHED_NOTE);
    return vouched && !strcmp(vouched, handler) && !tenon_location_of(r)->claims;
}

/* Whether it is a SetHandler of the configuration, or its TenonFallback, that says `handler`. */
static int set_by_configuration(request_rec *r, const char *handler)
{
    const core_dir_config *core = ap_get_core_module_config(r->per_dir_config);
    const ap_expr_info_t *set = core->expr_handler;
    const char *fallback = tenon_location_of(r)->fallback;
    const char *error = NULL;
    const char *value;
    if (fallback && !strcasecmp(fallback, handler)) {
        return 1;
    }
    if (!set || !set->filename ||
        !apr_hash_get(tenon_configuration->files, set->filename, APR_HASH_KEY_STRING)) {
        return 0;
    }
    value = ap_expr_str_exec(r, set, &error);
    return !error && value && !strcasecmp(value, handler);
}

/*
 * Hook fixups: whether a request's handler may be a pool's. Which directive of which module set it
 * cannot be told, but where no .htaccess had a say it was the configuration. Later is too late:
 * what a subrequest of mod_dir or mod_negotiation found becomes the request's own, without the list
 * of .htaccess files. With no handler httpd takes the content type for one.
 */
static int check_handler(request_rec *r)
{
    const char *handler = r->handler ? r->handler : r->content_type;
    const char *pool;
    if (!tenon_config_is_handler(handler)) {
        return DECLINED;
    }
    pool = handler + sizeof(TENON_HANDLER_PREFIX) - 1;
    if (!has_htaccess(r) || tenon_override_permits(r, pool) || set_by_configuration(r, handler) ||
        is_vouched_for(r, handler)) {
        return DECLINED;
    }
    ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                  "TN0050: the handler %s may come from an .htaccess, and none may name the pool "
                  "here: give it by SetHandler in the configuration, or write TenonAllowOverride "
                  "%s there",
                  handler, pool);
    return HTTP_INTERNAL_SERVER_ERROR;
}

static int may_claim(request_rec *r, const tenon_claim *claim)
{
    const apr_array_header_t *overridable = tenon_location_of(r)->overridable;
    return claim->pool ? tenon_override_permits(r, claim->pool)
                       : overridable && overridable->nelts > 0;
}

/* Hook post_perdir_config: before anything that an .htaccess says is acted on. */
static int check_claims(request_rec *r)
{
    const apr_array_header_t *claims = tenon_location_of(r)->claims;
    for (int i = 0; claims && i < claims->nelts; i++) {
        const tenon_claim *claim = &APR_ARRAY_IDX(claims, i, tenon_claim);
        if (!may_claim(r, claim)) {
            ap_log_rerror(APLOG_MARK, APLOG_ERR, 0, r,
                          "TN0051: line %d of %s: %s may not stand in an .htaccess here%s%s: take "
                          "it out, or write TenonAllowOverride %s in the configuration",
                          claim->line, claim->file, claim->directive,
                          claim->pool ? " for the pool " : "", claim->pool ? claim->pool : "",
                          claim->pool ? claim->pool : "<pool>");
            return HTTP_INTERNAL_SERVER_ERROR;
        }
    }
    return DECLINED;
}

static void remember(apr_pool_t *p, apr_hash_t *files, const ap_directive_t *node)
{
    for (; node; node = node->next) {
        if (!apr_hash_get(files, node->filename, APR_HASH_KEY_STRING)) {
            apr_hash_set(files, apr_pstrdup(p, node->filename), APR_HASH_KEY_STRING, "");
        }
        remember(p, files, node->first_child);
    }
}

void tenon_override_remember(apr_pool_t *p)
{
    tenon_configuration->files = apr_hash_make(p);
    remember(p, tenon_configuration->files, ap_conftree);
}

const char *tenon_override_set(cmd_parms *cmd, void *location, int count, char *const names[])
{
    tenon_location *here = location;
    const char *error = ap_check_cmd_context(cmd, NOT_IN_LIMIT | NOT_IN_HTACCESS);
    if (error) {
        return error;
    }
    if (here->overridable) {
        return "TenonAllowOverride stands twice here: write all pools in one line";
    }
    if (count == 0) {
        return "TenonAllowOverride takes the pools that .htaccess files may name, or " NONE;
    }
    here->overridable = apr_array_make(cmd->pool, count, sizeof(const char *));
    for (int i = 0; i < count; i++) {
        if (!strcasecmp(names[i], NONE)) {
            return count == 1 ? NULL : "TenonAllowOverride: none stands alone: leave it out";
        }
        APR_ARRAY_PUSH(here->overridable, const char *) = apr_pstrdup(cmd->pool, names[i]);
        APR_ARRAY_PUSH(tenon_configuration->overridable, const char *) = names[i];
    }
    return NULL;
}

void tenon_override_register(void)
{
    static const char *const before[] = {"mod_rewrite.c", "mod_dir.c", NULL};
    ap_hook_post_perdir_config(check_claims, NULL, NULL, APR_HOOK_REALLY_FIRST);
    ap_hook_fixups(check_handler, before, NULL, APR_HOOK_REALLY_LAST);
}
