/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines that codec.test.ts shows as tests: "ok - sentence" or "not ok - sentence # why".
 */
#ifndef TEST_TAP_H
#define TEST_TAP_H

#include <stdio.h>

static inline void tap(int passed, const char *subject, const char *sentence, const char *why)
{
    printf("%s - %s: %s%s%s\n", passed ? "ok" : "not ok", subject, sentence, passed ? "" : " # ",
           passed ? "" : why);
}

#endif
