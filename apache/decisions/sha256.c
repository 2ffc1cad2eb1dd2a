/* SPDX-License-Identifier: Apache-2.0 */
#include "decisions/sha256.h"

#include <string.h>

#define LENGTH_BYTES 8

static const uint32_t round_words[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t word, int bits)
{
    return word >> bits | word << (32 - bits);
}

static void schedule(uint32_t words[64], const uint8_t *block)
{
    for (int i = 0; i < 16; i++) {
        words[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                   (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
    }
    for (int i = 16; i < 64; i++) {
        const uint32_t far = words[i - 15];
        const uint32_t near = words[i - 2];
        words[i] = words[i - 16] + (rotate(far, 7) ^ rotate(far, 18) ^ far >> 3) + words[i - 7] +
                   (rotate(near, 17) ^ rotate(near, 19) ^ near >> 10);
    }
}

/* One round: `a` to `h` are the eight words, which change roles from round to round. */
#define ROUND(a, b, c, d, e, f, g, h, i)                                                        \
    do {                                                                                        \
        const uint32_t first = h + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) +             \
                               (g ^ (e & (f ^ g))) + round_words[i] + words[i];                 \
        d += first;                                                                             \
        h = first + (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & b) | (c & (a | b))); \
    } while (0)

static void compress(uint32_t state[8], const uint8_t *block)
{
    uint32_t words[64];
    uint32_t a = state[0], b = state[1], c = state[2], d = state[3];
    uint32_t e = state[4], f = state[5], g = state[6], h = state[7];
    schedule(words, block);
    for (int i = 0; i < 64; i += 8) {
        ROUND(a, b, c, d, e, f, g, h, i);
        ROUND(h, a, b, c, d, e, f, g, i + 1);
        ROUND(g, h, a, b, c, d, e, f, i + 2);
        ROUND(f, g, h, a, b, c, d, e, i + 3);
        ROUND(e, f, g, h, a, b, c, d, i + 4);
        ROUND(d, e, f, g, h, a, b, c, i + 5);
        ROUND(c, d, e, f, g, h, a, b, i + 6);
        ROUND(b, c, d, e, f, g, h, a, i + 7);
    }
    state[0] += a, state[1] += b, state[2] += c, state[3] += d;
    state[4] += e, state[5] += f, state[6] += g, state[7] += h;
}

void tenon_sha256_init(tenon_sha256 *hash)
{
    static const uint32_t start[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(hash->state, start, sizeof(start));
    hash->size = 0;
}

void tenon_sha256_add(tenon_sha256 *hash, const void *bytes, size_t size)
{
    const uint8_t *from = bytes;
    size_t used = hash->size % TENON_SHA256_BLOCK;
    hash->size += size;
    while (size > 0) {
        const size_t room = TENON_SHA256_BLOCK - used;
        const size_t piece = size < room ? size : room;
        memcpy(hash->block + used, from, piece);
        from += piece;
        size -= piece;
        used = (used + piece) % TENON_SHA256_BLOCK;
        if (used == 0) {
            compress(hash->state, hash->block);
        }
    }
}

void tenon_sha256_end(tenon_sha256 *hash, uint8_t digest[TENON_SHA256_BYTES])
{
    static const uint8_t padding[TENON_SHA256_BLOCK] = {0x80};
    const uint64_t bits = hash->size * 8;
    const size_t used = hash->size % TENON_SHA256_BLOCK;
    const size_t last = TENON_SHA256_BLOCK - LENGTH_BYTES;
    uint8_t length[LENGTH_BYTES];
    tenon_sha256_add(hash, padding, used < last ? last - used : TENON_SHA256_BLOCK + last - used);
    for (int i = 0; i < LENGTH_BYTES; i++) {
        length[i] = (uint8_t)(bits >> (56 - 8 * i));
    }
    tenon_sha256_add(hash, length, sizeof(length));
    for (int i = 0; i < TENON_SHA256_BYTES; i++) {
        digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
    }
}

static void prepare_side(tenon_sha256 *side, const uint8_t *secret, uint8_t pad)
{
    uint8_t block[TENON_SHA256_BLOCK];
    for (int i = 0; i < TENON_SHA256_BLOCK; i++) {
        block[i] = secret[i] ^ pad;
    }
    tenon_sha256_init(side);
    tenon_sha256_add(side, block, sizeof(block));
}

void tenon_hmac_prepare(tenon_hmac_key *key, const void *secret, size_t size)
{
    uint8_t whole[TENON_SHA256_BLOCK] = {0};
    if (size > sizeof(whole)) {
        tenon_sha256 hash;
        tenon_sha256_init(&hash);
        tenon_sha256_add(&hash, secret, size);
        tenon_sha256_end(&hash, whole);
    } else {
        memcpy(whole, secret, size);
    }
    prepare_side(&key->inner, whole, 0x36);
    prepare_side(&key->outer, whole, 0x5c);
}

void tenon_hmac_begin(const tenon_hmac_key *key, tenon_sha256 *hash)
{
    *hash = key->inner;
}

void tenon_hmac_end(const tenon_hmac_key *key, tenon_sha256 *hash, uint8_t code[TENON_SHA256_BYTES])
{
    uint8_t inner[TENON_SHA256_BYTES];
    tenon_sha256_end(hash, inner);
    *hash = key->outer;
    tenon_sha256_add(hash, inner, sizeof(inner));
    tenon_sha256_end(hash, code);
}
