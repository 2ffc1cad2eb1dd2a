/* SPDX-License-Identifier: Apache-2.0
 *
 * A version, code, two times; then for each change how, the name, whether there is a value, the
 * value. Numbers are big-endian. A text has its length before it and a NUL behind it.
 */
#include "decisions/kept.h"

#include <string.h>

#include "wire/bytes.h"

#define VERSION    1
#define HEAD_BYTES 19
#define TEXT_EXTRA 5 /* of a text: length and NUL */

static uint8_t *room(tenon_kept_bytes *to, size_t size)
{
    uint8_t *at = to->bytes + to->at;
    if (to->size - to->at < size) {
        return NULL;
    }
    to->at += size;
    return at;
}

int tenon_kept_put(tenon_kept_bytes *to, const tenon_kept *kept)
{
    uint8_t *at = room(to, HEAD_BYTES);
    if (!at) {
        return -1;
    }
    *at = VERSION;
    wire_put_u16(at + 1, (uint16_t)kept->code);
    wire_put_u64(at + 3, kept->asked);
    wire_put_u64(at + 11, kept->expires);
    return 0;
}

static int put_text(tenon_kept_bytes *to, const char *text)
{
    const size_t length = strlen(text);
    uint8_t *at = length < UINT32_MAX - TEXT_EXTRA ? room(to, length + TEXT_EXTRA) : NULL;
    if (!at) {
        return -1;
    }
    wire_put_u32(at, (uint32_t)length);
    memcpy(at + 4, text, length + 1);
    return 0;
}

int tenon_kept_put_change(tenon_kept_bytes *to, const tenon_kept_change *change)
{
    uint8_t *at = room(to, 2);
    if (!at) {
        return -1;
    }
    at[0] = change->how;
    at[1] = change->value != NULL;
    return put_text(to, change->name) || (change->value && put_text(to, change->value)) ? -1 : 0;
}

int tenon_kept_get(tenon_kept_bytes *from, tenon_kept *kept)
{
    const uint8_t *at = room(from, HEAD_BYTES);
    if (!at || *at != VERSION) {
        return -1;
    }
    kept->code = (int16_t)wire_get_u16(at + 1);
    kept->asked = wire_get_u64(at + 3);
    kept->expires = wire_get_u64(at + 11);
    return 0;
}

static const char *get_text(tenon_kept_bytes *from)
{
    const uint8_t *head = room(from, 4);
    const size_t length = head ? wire_get_u32(head) : 0;
    const char *text = head && length < from->size ? (const char *)room(from, length + 1) : NULL;
    return text && memchr(text, '\0', length + 1) == text + length ? text : NULL;
}

int tenon_kept_get_change(tenon_kept_bytes *from, tenon_kept_change *change)
{
    const uint8_t *at = room(from, 2);
    if (!at || at[1] > 1) {
        return -1;
    }
    change->how = at[0];
    change->name = get_text(from);
    change->value = change->name && at[1] ? get_text(from) : NULL;
    return change->name && (change->value || !at[1]) ? 0 : -1;
}
