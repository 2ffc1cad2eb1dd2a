/* SPDX-License-Identifier: Apache-2.0
 *
 * libFuzzer: a mount and a target of any bytes, parted by a newline. What is found must be the
 * mount itself.
 */
#include "config/mount.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* A copy of its exact size, so that a byte read beyond its end is seen. */
static char *text_of(const uint8_t *bytes, size_t size)
{
    char *text = malloc(size + 1);
    if (!text)
        abort();
    memcpy(text, bytes, size);
    text[size] = '\0';
    return text;
}

static void check(const char *mount, const char *target)
{
    tenon_mount_place place;
    if (!tenon_mount_valid(mount) || !tenon_mount_find(target, mount, &place))
        return;
    if (place.length > strlen(target) || place.origin > place.length ||
        place.length - place.origin < strlen(mount))
        abort();
    if (target[place.length] && !strchr("/?#", target[place.length]))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    const uint8_t *newline = size > 0 ? memchr(bytes, '\n', size) : NULL;
    const size_t length = newline ? (size_t)(newline - bytes) : size;
    char *mount = text_of(bytes, length);
    char *target = text_of(newline ? newline + 1 : bytes, newline ? size - length - 1 : size);

    check(mount, target);
    tenon_mount_covers(mount, target);
    free(mount);
    free(target);
    return 0;
}
