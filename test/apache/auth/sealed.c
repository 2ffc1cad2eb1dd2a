/* SPDX-License-Identifier: Apache-2.0
 *
 * Prints SHA-256 and HMAC-SHA-256, with the first argument as the secret, of each line of the
 * standard input, which is hexadecimal.
 */
#include "decisions/sha256.h"

#include <stdio.h>
#include <string.h>

static void print(const char *title, const uint8_t *digest)
{
    printf("%s ", title);
    for (int i = 0; i < TENON_SHA256_BYTES; i++)
        printf("%02x", digest[i]);
    printf("\n");
}

static void digest_line(const uint8_t *bytes, size_t size, const char *secret)
{
    uint8_t digest[TENON_SHA256_BYTES];
    tenon_sha256 hash;
    tenon_hmac_key key;
    tenon_sha256_init(&hash);
    tenon_sha256_add(&hash, bytes, size / 3);
    tenon_sha256_add(&hash, bytes + size / 3, size - size / 3);
    tenon_sha256_end(&hash, digest);
    print("sha256", digest);
    tenon_hmac_prepare(&key, secret, strlen(secret));
    tenon_hmac_begin(&key, &hash);
    tenon_sha256_add(&hash, bytes, size);
    tenon_hmac_end(&key, &hash, digest);
    print("hmac", digest);
}

int main(int count, char *arguments[])
{
    static char line[65536];
    static uint8_t bytes[32768];
    while (count > 1 && fgets(line, sizeof(line), stdin)) {
        const size_t size = strspn(line, "0123456789abcdef") / 2;
        for (size_t i = 0; i < size; i++) {
            unsigned byte;
            sscanf(line + 2 * i, "%2x", &byte);
            bytes[i] = (uint8_t)byte;
        }
        digest_line(bytes, size, arguments[1]);
    }
    return 0;
}
