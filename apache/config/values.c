/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <http_main.h>
#include <apr_file_info.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include "config/values.h"

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

static const char *check_path(cmd_parms *cmd, const char *given, const char **value)
{
    *value = ap_server_root_relative(cmd->pool, given);
    return *value ? NULL
                  : apr_psprintf(cmd->pool, "%s: '%s' is not a valid path", cmd->cmd->name, given);
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

const char *tenon_value_text(cmd_parms *cmd, tenon_text_kind kind, const char *given,
                             const char **value)
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
    case PATH_KIND:
        return check_path(cmd, given, value);
    case RUNTIME_DIRECTORY_KIND:
        break;
    }
    *value = apr_pstrdup(cmd->pool, given);
    return NULL;
}

static const char *number_error(cmd_parms *cmd, const tenon_number_row *row, const char *given)
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
    if (row->kind == SIZE_KIND) {
        return apr_psprintf(cmd->pool,
                            "%s: '%s' is not a size from %dK to %dK: write a number of bytes, or "
                            "one with a unit (K, M, G)",
                            cmd->cmd->name, given, row->least, row->most);
    }
    if (row->kind == SHARE_KIND) {
        return apr_psprintf(cmd->pool,
                            "%s: '%s' is neither a whole number from 1 to %d nor a percentage from "
                            "1%% to %d%%",
                            cmd->cmd->name, given, row->most, -row->least);
    }
    return apr_psprintf(cmd->pool, "%s: '%s' is not a whole number from %d to %d", cmd->cmd->name,
                        given, row->least, row->most);
}

/* KiB of a number of bytes, or of one with a unit; -1 when it is none. */
static apr_int64_t parse_size(const char *given)
{
    static const char units[] = "KMG";
    char *end;
    apr_int64_t number = apr_strtoi64(given, &end, 10);
    const char *unit = *end ? strchr(units, apr_toupper(*end)) : NULL;
    if (number > APR_INT32_MAX || (*end && (!unit || end[1]))) {
        return -1;
    }
    return unit ? number << 10 * (unit - units) : (number + 1023) / 1024;
}

/* A number, or the percentage of one negated; 0 when it is neither. */
static apr_int64_t parse_share(const char *given)
{
    char *end;
    const apr_int64_t number = apr_strtoi64(given, &end, 10);
    return !*end ? number : !strcmp(end, "%") ? -number : 0;
}

/* A number within the row's bounds: 0, or -1. */
static int parse_number(const tenon_number_row *row, const char *given, int *value)
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
    } else if (row->kind == SIZE_KIND) {
        number = parse_size(given);
    } else if (row->kind == SHARE_KIND) {
        number = parse_share(given);
        if (number == 0) {
            return -1;
        }
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

const char *tenon_value_number(cmd_parms *cmd, const tenon_number_row *row, const char *given,
                               int *value)
{
    return parse_number(row, given, value) ? number_error(cmd, row, given) : NULL;
}
