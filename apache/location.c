/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <apr_fnmatch.h>
#include <apr_strings.h>
#include <strings.h>

#include "config.h"
#include "location.h"
#include "log.h"
#include "mount.h"

const tenon_location *tenon_location_of(const request_rec *r)
{
    return ap_get_module_config(r->per_dir_config, &tenon_module);
}

void *tenon_location_create(apr_pool_t *p, char *path)
{
    (void)path;
    return apr_pcalloc(p, sizeof(tenon_location));
}

void *tenon_location_merge(apr_pool_t *p, void *base, void *more)
{
    const tenon_location *outer = base;
    const tenon_location *inner = more;
    tenon_location *merged = apr_pmemdup(p, inner->mount ? inner : outer, sizeof(*merged));
    merged->fallback = inner->fallback ? inner->fallback : outer->fallback;
    return merged;
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
    if (!here->mount || !*here->mount) {
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
