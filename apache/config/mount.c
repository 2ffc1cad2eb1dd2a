/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "config/mount.h"

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The character at `at`, decoded, and how many bytes it takes. An escaped slash is none that parts
 * a path. */
static int decoded(const char *at, size_t *size)
{
    *size = 1;
    if (at[0] == '%' && hex_value(at[1]) >= 0 && hex_value(at[2]) >= 0) {
        const int value = hex_value(at[1]) * 16 + hex_value(at[2]);
        *size = 3;
        return value == '/' ? -1 : value;
    }
    return (unsigned char)at[0];
}

/* Behind a slash: the slashes and "." segments that mean nothing. */
static const char *skip_empty(const char *at)
{
    for (;;) {
        if (at[0] == '/') {
            at++;
        } else if (at[0] == '.' && at[1] == '/') {
            at += 2;
        } else {
            return at;
        }
    }
}

/* Where the path of a target begins: behind scheme and authority, if it has them. */
static const char *path_of(const char *target)
{
    const char *authority = *target == '/' ? NULL : strstr(target, "://");
    return authority ? authority + 3 + strcspn(authority + 3, "/?#") : target;
}

int tenon_mount_find(const char *target, const char *mount, tenon_mount_place *place)
{
    const char *at = path_of(target);
    place->origin = (size_t)(at - target);
    for (; *mount; mount++) {
        size_t size;
        if (decoded(at, &size) != (unsigned char)*mount) {
            return 0;
        }
        at += size;
        if (*mount == '/') {
            at = skip_empty(at);
        }
    }
    place->length = (size_t)(at - target);
    return *at == '\0' || *at == '/' || *at == '?' || *at == '#';
}

int tenon_mount_covers(const char *mount, const char *path)
{
    const size_t length = strlen(mount);
    return !strncmp(mount, path, length) && (path[length] == '\0' || path[length] == '/');
}

int tenon_mount_valid(const char *mount)
{
    const char *at = mount;
    if (*at != '/' || strpbrk(mount, "?#")) {
        return 0;
    }
    while (*at == '/') {
        const size_t length = strcspn(++at, "/");
        if (length == 0 || (length == 1 && at[0] == '.') ||
            (length == 2 && at[0] == '.' && at[1] == '.')) {
            return 0;
        }
        at += length;
    }
    return 1;
}
