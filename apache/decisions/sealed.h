/* SPDX-License-Identifier: Apache-2.0
 *
 * Boxes for a store that others can read and write: nobody without the secret reads what is in one,
 * makes one, or passes one off as another's. Encrypt, then authenticate; both with HMAC-SHA-256.
 */
#ifndef TENON_SEALED_H
#define TENON_SEALED_H

#include "decisions/sha256.h"

/* What a box is larger than what is in it. */
#define TENON_SEAL_BYTES 48

typedef struct {
    tenon_hmac_key label;  /* makes the keys of the store */
    tenon_hmac_key stream; /* encrypts */
    tenon_hmac_key proof;  /* authenticates */
} tenon_seal;

void tenon_seal_init(tenon_seal *seal, const void *secret, size_t size);

/* Puts `size` bytes into `box`, which has room for TENON_SEAL_BYTES more: the bytes used. `nonce`
 * (16 bytes) is never used twice; `label` (TENON_SHA256_BYTES) is the key that it is stored under.
 */
size_t tenon_seal_close(const tenon_seal *seal, const uint8_t *label, const uint8_t *nonce,
                        const uint8_t *content, size_t size, uint8_t *box);

/* Opens a box where it lies: its content (`*content`) and its size, or -1 when it is not one that
 * was closed with this secret and label. */
long tenon_seal_open(const tenon_seal *seal, const uint8_t *label, uint8_t *box, size_t size,
                     uint8_t **content);

#endif
