/* SPDX-License-Identifier: Apache-2.0
 *
 * The file system and the applications: which requests a file answers, and which a pool does.
 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_request.h>
#include <limits.h>
#include <string.h>

#include "config/config.h"
#include "fallback.h"
#include "config/location.h"

/* The handler of TenonFallback here, or NULL. */
static const char *fallback_of(const request_rec *r)
{
    const char *handler = tenon_location_of(r)->fallback;
    return handler && *handler && r->proxyreq == PROXYREQ_NONE ? handler : NULL;
}

/* What SetHandler gives to a pool is its application's, whatever lies in the file system at that
 * path: mod_dir must not answer with a redirect or an index file. */
static int hide_directory(request_rec *r)
{
    if (r->finfo.filetype == APR_DIR && tenon_config_is_handler(r->handler)) {
        r->finfo.filetype = APR_NOFILE;
    }
    return DECLINED;
}

/* Behind mod_dir, which has redirected to the slash or found the index file by now. */
static int fall_back(request_rec *r)
{
    const char *handler = fallback_of(r);
    if (handler && (!r->handler || !strcmp(r->handler, DIR_MAGIC_TYPE)) &&
        (r->finfo.filetype == APR_NOFILE || r->finfo.filetype == APR_DIR)) {
        r->handler = handler;
        return OK;
    }
    return DECLINED;
}

int tenon_fallback_takes_path(request_rec *r)
{
    const char *handler = fallback_of(r);
    if (!handler || !r->path_info || !*r->path_info || r->finfo.filetype != APR_REG ||
        r->used_path_info == AP_REQ_ACCEPT_PATH_INFO) {
        return 0;
    }
    r->handler = handler;
    return 1;
}

/* httpd answers 403 for a part of a path that is too long for the name of a file. There is no such
 * file, and an application's addresses may be that long. Whose the path is cannot be told yet:
 * httpd has not put together what is configured for it. */
static apr_status_t is_too_long(apr_finfo_t *info, request_rec *r, apr_int32_t wanted)
{
    const char *slash = strrchr(r->filename, '/');
    (void)info;
    (void)wanted;
    return slash && strlen(slash + 1) > NAME_MAX ? APR_ENOENT : AP_DECLINED;
}

void tenon_fallback_register(void)
{
    static const char *const before[] = {"mod_dir.c", "mod_speling.c", NULL};
    ap_hook_fixups(hide_directory, NULL, before, APR_HOOK_MIDDLE);
    ap_hook_fixups(fall_back, before, NULL, APR_HOOK_REALLY_LAST);
    ap_hook_dirwalk_stat(is_too_long, NULL, NULL, APR_HOOK_MIDDLE);
}
