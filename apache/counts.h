/* SPDX-License-Identifier: Apache-2.0
 *
 * What is counted of hooks, over all children of httpd, since its start or its last restart.
 */
#ifndef TENON_COUNTS_H
#define TENON_COUNTS_H

#include "config/hook.h"

typedef enum {
    TENON_COUNT_ASKED,  /* went to a worker */
    TENON_COUNT_FAILED, /* could not be asked, or failed */
    TENON_COUNT_HIT,    /* decisions that were kept, and found */
    TENON_COUNT_MISS,   /* decisions that were looked for in vain */
    TENON_COUNT_KINDS
} tenon_count_kind;

/* Counts; hooks of .htaccess files are not counted. */
void tenon_count(const tenon_hook *hook, tenon_count_kind what);

/* What is counted of a hook of the configuration. */
uint64_t tenon_counted(const tenon_hook *hook, tenon_count_kind what);

void tenon_counts_register(void);

#endif
