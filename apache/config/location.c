/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <apr_fnmatch.h>
#include <apr_strings.h>
#include <strings.h>

#include "config/config.h"
#include "config/hook.h"
#include "config/location.h"
#include "log.h"
#include "config/mount.h"
#include "config/override.h"

const tenon_location *tenon_location_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &tenon_module);
}

void *tenon_location_create(apr_pool_t *p, char *path)
{
    (void)path;
    return apr_pcalloc(p, sizeof(tenon_location));
}

static apr_table_t *overlaid(apr_pool_t *p, apr_table_t *outer, apr_table_t *inner)
{
    apr_table_t *both;
    if (!outer || !inner) {
        return inner ? inner : outer;
    }
    both = apr_table_copy(p, outer);
    apr_table_overlap(both, inner, APR_OVERLAP_TABLES_SET);
    return both;
}

static apr_array_header_t *appended(apr_pool_t *p, apr_array_header_t *outer,
                                    apr_array_header_t *inner)
{
    return outer && inner ? apr_array_append(p, outer, inner) : inner ? inner : outer;
}

/* Outer hooks that an inner section has not ended. */
static apr_array_header_t *remaining(apr_pool_t *p, const tenon_location *outer, uint64_t ended)
{
    apr_array_header_t *left;
    if (!(outer->hooked & ended)) {
        return outer->hooks;
    }
    left = apr_array_make(p, outer->hooks->nelts, sizeof(tenon_hook *));
    for (int i = 0; i < outer->hooks->nelts; i++) {
        tenon_hook *hook = APR_ARRAY_IDX(outer->hooks, i, tenon_hook *);
        if (!(ended >> hook->phase & 1)) {
            APR_ARRAY_PUSH(left, tenon_hook *) = hook;
        }
    }
    return left;
}

void *tenon_location_merge(apr_pool_t *p, void *base, void *more)
{
    const tenon_location *outer = base;
    const tenon_location *inner = more;
    tenon_location *merged = apr_pmemdup(p, inner->mount ? inner : outer, sizeof(*merged));
    merged->fallback = inner->fallback ? inner->fallback : outer->fallback;
    merged->request_timeout =
        inner->request_timeout ? inner->request_timeout : outer->request_timeout;
    merged->body_timeout = inner->body_timeout ? inner->body_timeout : outer->body_timeout;
    merged->hooked = (outer->hooked & ~inner->ended) | inner->hooked;
    merged->ended = outer->ended | inner->ended;
    merged->hooks = appended(p, remaining(p, outer, inner->ended), inner->hooks);
    merged->options = overlaid(p, outer->options, inner->options);
    merged->htaccess_options = overlaid(p, outer->htaccess_options, inner->htaccess_options);
    merged->overridable = inner->overridable ? inner->overridable : outer->overridable;
    merged->claims = appended(p, outer->claims, inner->claims);
    return merged;
}

const apr_table_t *tenon_location_options(request_rec *r, const char *pool)
{
    const tenon_location *here = tenon_location_of(r);
    if (!here->htaccess_options || !tenon_override_permits(r, pool)) {
        return here->options;
    }
    return overlaid(r->pool, here->options, here->htaccess_options);
}

/* A target without its first bytes up to the application's own path. */
static const char *behind(request_rec *r, const tenon_mount_place *place)
{
    const char *path = r->unparsed_uri + place->length;
    if (place->origin == 0 && *path == '/') {
        return path;
    }
    return apr_pstrcat(r->pool, apr_pstrmemdup(r->pool, r->unparsed_uri, place->origin),
                       *path == '/' ? "" : "/", path, NULL);
}

/* The same from httpd's own reading of the path: of a target with ".." or one that was rewritten.
 */
static const char *behind_path(request_rec *r, const char *mount)
{
    const char *path = ap_os_escape_path(r->pool, r->uri + strlen(mount), 1);
    return apr_pstrcat(r->pool, *path == '/' ? "" : "/", path, r->args ? "?" : NULL, r->args, NULL);
}

tenon_target tenon_location_target(request_rec *r)
{
    const tenon_location *here = tenon_location_of(r);
    tenon_target target = {r->unparsed_uri, ""};
    tenon_mount_place place;
    /* The log has requests, too, that httpd could not read. */
    if (!here->mount || !*here->mount || !r->unparsed_uri || !r->uri) {
        return target;
    }
    if (tenon_mount_find(r->unparsed_uri, here->mount, &place)) {
        target.mount = here->mount;
        target.text = here->strip ? behind(r, &place) : target.text;
    } else if (tenon_mount_covers(here->mount, r->uri)) {
        target.mount = here->mount;
        target.text = here->strip ? behind_path(r, here->mount) : target.text;
    }
    return target;
}

const char *tenon_location_set_fallback(cmd_parms *cmd, void *location, const char *pool)
{
    tenon_location *here = location;
    here->fallback =
        strcasecmp(pool, TENON_OFF) ? apr_pstrcat(cmd->pool, TENON_HANDLER_PREFIX, pool, NULL) : "";
    return NULL;
}

/* The path of the <Location> that a directive stands in, without a slash at its end; NULL when it
 * stands elsewhere, or when the section is for many paths. */
static const char *location_path(cmd_parms *cmd)
{
    const ap_directive_t *section = cmd->directive->parent;
    char *path;
    if (!section || strcasecmp(section->directive, "<Location") || !cmd->path ||
        *section->args == '~' || apr_fnmatch_test(cmd->path)) {
        return NULL;
    }
    path = apr_pstrdup(cmd->temp_pool, cmd->path);
    for (size_t length = strlen(path); length > 0 && path[length - 1] == '/'; length--) {
        path[length - 1] = '\0';
    }
    return path;
}

const char *tenon_location_set_mount(cmd_parms *cmd, void *location, const char *path,
                                     const char *how)
{
    tenon_location *here = location;
    const char *section = location_path(cmd);
    if (how && strcasecmp(how, "strip")) {
        return apr_psprintf(cmd->pool,
                            "TenonMount: '%s' is not known: write strip, or leave it out", how);
    }
    here->strip = how != NULL;
    if (!how && !strcasecmp(path, TENON_OFF)) {
        here->mount = "";
        return NULL;
    }
    if (!tenon_mount_valid(path)) {
        return apr_psprintf(
            cmd->pool,
            "TenonMount: '%s' is not the path of a mount: write one such as /blog, not "
            "escaped, with no slash at its end",
            path);
    }
    if (section && !tenon_mount_covers(path, section) && !tenon_mount_covers(section, path)) {
        return apr_psprintf(
            cmd->pool,
            "TenonMount: no request of <Location \"%s\"> is under '%s': write a path "
            "that the section is for",
            cmd->path, path);
    }
    here->mount = apr_pstrdup(cmd->pool, path);
    return NULL;
}

const char *tenon_location_set_option(cmd_parms *cmd, void *location, const char *name,
                                      const char *value)
{
    tenon_location *here = location;
    const int htaccess = tenon_override_in_htaccess(cmd);
    apr_table_t **table = htaccess ? &here->htaccess_options : &here->options;
    const char *error = ap_check_cmd_context(cmd, NOT_IN_LIMIT);
    if (error) {
        return error;
    }
    if (!*name) {
        return "TenonOption: the name is empty: write TenonOption <name> <value>";
    }
    if (tenon_config_in_pool(cmd)) {
        return "TenonOption stands inside of a pool: put it behind </TenonPool>";
    }
    if (htaccess) {
        tenon_override_claim(cmd, location, NULL);
    }
    if (!*table) {
        *table = apr_table_make(cmd->pool, 4);
    }
    if (apr_table_get(*table, name)) {
        return apr_psprintf(cmd->pool, "TenonOption: %s stands twice here: leave one out", name);
    }
    apr_table_set(*table, name, value);
    return NULL;
}
