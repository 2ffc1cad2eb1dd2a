/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256 (FIPS 180-4) and HMAC (RFC 2104) with it: APR has neither, and what it has (SHA-1,
 * SipHash) is not made for hiding a password from who knows the key. libc headers only.
 */
#ifndef TENON_SHA256_H
#define TENON_SHA256_H

#include <stddef.h>
#include <stdint.h>

#define TENON_SHA256_BYTES 32
#define TENON_SHA256_BLOCK 64

typedef struct {
    uint32_t state[8];
    uint64_t size; /* bytes hashed */
    uint8_t block[TENON_SHA256_BLOCK];
} tenon_sha256;

void tenon_sha256_init(tenon_sha256 *hash);
void tenon_sha256_add(tenon_sha256 *hash, const void *bytes, size_t size);
void tenon_sha256_end(tenon_sha256 *hash, uint8_t digest[TENON_SHA256_BYTES]);

/* A key made ready: each use copies what it needs of it. */
typedef struct {
    tenon_sha256 inner;
    tenon_sha256 outer;
} tenon_hmac_key;

void tenon_hmac_prepare(tenon_hmac_key *key, const void *secret, size_t size);
/* Begins a code: add to `hash` what it is of, then end it. */
void tenon_hmac_begin(const tenon_hmac_key *key, tenon_sha256 *hash);
void tenon_hmac_end(const tenon_hmac_key *key, tenon_sha256 *hash,
                    uint8_t code[TENON_SHA256_BYTES]);

#endif
