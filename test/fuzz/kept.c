/* SPDX-License-Identifier: Apache-2.0
 *
 * libFuzzer: any bytes as a kept decision and its changes, and as a sealed box. What is read must
 * come out the same when it is written again; no box opens that was not closed here.
 */
#include "decisions/kept.h"
#include "decisions/sealed.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* Writes again what was read, and compares. */
static void read_all(uint8_t *bytes, size_t size)
{
    tenon_kept_bytes from = {bytes, size, 0};
    tenon_kept_bytes to = {malloc(size + 1), size, 0};
    tenon_kept kept;
    tenon_kept_change change;
    if (!to.bytes)
        abort();
    if (tenon_kept_get(&from, &kept) == 0) {
        size_t read = from.at;
        if (tenon_kept_put(&to, &kept))
            abort();
        while (from.at < from.size && tenon_kept_get_change(&from, &change) == 0) {
            if (tenon_kept_put_change(&to, &change))
                abort();
            read = from.at;
        }
        if (to.at != read || memcmp(to.bytes, bytes, read) != 0)
            abort();
    }
    free(to.bytes);
}

static void open_box(const uint8_t *bytes, size_t size)
{
    static const uint8_t label[TENON_SHA256_BYTES] = {1};
    static const uint8_t other[TENON_SHA256_BYTES] = {2};
    static const uint8_t nonce[16] = {3};
    tenon_seal seal;
    uint8_t *box = malloc(size + TENON_SEAL_BYTES);
    uint8_t *content;
    if (!box)
        abort();
    tenon_seal_init(&seal, "secret", 6);
    memcpy(box, bytes, size);
    if (tenon_seal_open(&seal, label, box, size, &content) >= 0)
        abort();
    if (tenon_seal_close(&seal, label, nonce, bytes, size, box) != size + TENON_SEAL_BYTES)
        abort();
    if (tenon_seal_open(&seal, other, box, size + TENON_SEAL_BYTES, &content) >= 0)
        abort();
    if (tenon_seal_open(&seal, label, box, size + TENON_SEAL_BYTES, &content) != (long)size ||
        memcmp(content, bytes, size) != 0)
        abort();
    free(box);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size + 1);
    if (!copy)
        abort();
    memcpy(copy, bytes, size);
    read_all(copy, size);
    open_box(bytes, size);
    free(copy);
    return 0;
}
