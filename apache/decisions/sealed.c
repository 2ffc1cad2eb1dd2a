/* SPDX-License-Identifier: Apache-2.0
 *
 * A box: nonce (16 bytes), proof (32 bytes), the content xor HMAC(stream, nonce, counter 0, 1, …).
 * The proof is of label, nonce and the encrypted content.
 */
#include "decisions/sealed.h"

#include <string.h>

#define NONCE_BYTES 16

/* Keys for each use from the one secret, so that none says anything of another. */
static void derive(tenon_hmac_key *key, const tenon_hmac_key *secret, const char *use)
{
    uint8_t bytes[TENON_SHA256_BYTES];
    tenon_sha256 hash;
    tenon_hmac_begin(secret, &hash);
    tenon_sha256_add(&hash, use, strlen(use));
    tenon_hmac_end(secret, &hash, bytes);
    tenon_hmac_prepare(key, bytes, sizeof(bytes));
}

void tenon_seal_init(tenon_seal *seal, const void *secret, size_t size)
{
    tenon_hmac_key all;
    tenon_hmac_prepare(&all, secret, size);
    derive(&seal->label, &all, "tenon decisions label");
    derive(&seal->stream, &all, "tenon decisions stream");
    derive(&seal->proof, &all, "tenon decisions proof");
}

static void crypt(const tenon_seal *seal, const uint8_t *nonce, const uint8_t *from, size_t size,
                  uint8_t *to)
{
    uint8_t pad[TENON_SHA256_BYTES];
    for (size_t at = 0; at < size; at++) {
        if (at % sizeof(pad) == 0) {
            const uint32_t block = (uint32_t)(at / sizeof(pad));
            const uint8_t counter[4] = {(uint8_t)(block >> 24), (uint8_t)(block >> 16),
                                        (uint8_t)(block >> 8), (uint8_t)block};
            tenon_sha256 hash;
            tenon_hmac_begin(&seal->stream, &hash);
            tenon_sha256_add(&hash, nonce, NONCE_BYTES);
            tenon_sha256_add(&hash, counter, sizeof(counter));
            tenon_hmac_end(&seal->stream, &hash, pad);
        }
        to[at] = from[at] ^ pad[at % sizeof(pad)];
    }
}

static void prove(const tenon_seal *seal, const uint8_t *label, const uint8_t *nonce,
                  const uint8_t *hidden, size_t size, uint8_t *proof)
{
    tenon_sha256 hash;
    tenon_hmac_begin(&seal->proof, &hash);
    tenon_sha256_add(&hash, label, TENON_SHA256_BYTES);
    tenon_sha256_add(&hash, nonce, NONCE_BYTES);
    tenon_sha256_add(&hash, hidden, size);
    tenon_hmac_end(&seal->proof, &hash, proof);
}

size_t tenon_seal_close(const tenon_seal *seal, const uint8_t *label, const uint8_t *nonce,
                        const uint8_t *content, size_t size, uint8_t *box)
{
    memcpy(box, nonce, NONCE_BYTES);
    crypt(seal, nonce, content, size, box + TENON_SEAL_BYTES);
    prove(seal, label, nonce, box + TENON_SEAL_BYTES, size, box + NONCE_BYTES);
    return size + TENON_SEAL_BYTES;
}

long tenon_seal_open(const tenon_seal *seal, const uint8_t *label, uint8_t *box, size_t size,
                     uint8_t **content)
{
    uint8_t proof[TENON_SHA256_BYTES];
    uint8_t differs = 0;
    if (size < TENON_SEAL_BYTES) {
        return -1;
    }
    size -= TENON_SEAL_BYTES;
    *content = box + TENON_SEAL_BYTES;
    prove(seal, label, box, *content, size, proof);
    for (size_t i = 0; i < sizeof(proof); i++) { /* in the same time whatever differs */
        differs |= (uint8_t)(proof[i] ^ box[NONCE_BYTES + i]);
    }
    if (differs) {
        return -1;
    }
    crypt(seal, box, *content, size, *content);
    return (long)size;
}
