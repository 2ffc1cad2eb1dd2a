/* SPDX-License-Identifier: Apache-2.0
 *
 * The path under which an application is mounted, found in the target that a client sent. Pure
 * text: libc only, so that a fuzzer can have it alone.
 */
#ifndef TENON_MOUNT_H
#define TENON_MOUNT_H

#include <stddef.h>

/* Bytes of a target (RFC 9112, 3.2) that are before and in the mount. */
typedef struct {
    size_t origin; /* scheme and authority of a target in absolute form */
    size_t length; /* origin and mount: what follows is the application's own path */
} tenon_mount_place;

/*
 * Finds `mount` (as tenon_mount_valid has it) at the beginning of the path of `target`, as httpd
 * reads a path: escapes are decoded, repeated slashes and "/./" are one slash, the letter case
 * counts. An escaped slash is none. 1 when the target is under the mount, else 0 and `place` is
 * undefined.
 */
int tenon_mount_find(const char *target, const char *mount, tenon_mount_place *place);

/* Whether a decoded path is the mount or below it: /blog and /blog/a are, /blogger is not. */
int tenon_mount_covers(const char *mount, const char *path);

/* Whether a text is a path that can be a mount: it begins with a slash, does not end with one, has
 * no empty, "." or ".." segment, and neither '?' nor '#'. */
int tenon_mount_valid(const char *mount);

#endif
