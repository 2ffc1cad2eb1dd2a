/* SPDX-License-Identifier: Apache-2.0
 *
 * What each hook's decisions vary on, as its answers have told: in memory that all children share,
 * so that one child's lesson is everybody's.
 */
#ifndef TENON_LESSONS_H
#define TENON_LESSONS_H

#include <httpd.h>
#include <apr_shm.h>

#include "config/hook.h"

/* Bytes of the names of one hook, each with the NUL at its end. */
#define TENON_LESSONS_BYTES 512

/* Makes the memory, empty. */
apr_status_t tenon_lessons_create(apr_pool_t *p);

/* Copies the names that a hook's decisions vary on, sorted, each with its NUL: their bytes, or -1
 * when none of its answers in this generation was to be kept yet. */
int tenon_lessons_names(const tenon_hook *hook, uint32_t generation,
                        char names[TENON_LESSONS_BYTES]);

/* Adds names to what is known of a hook; whoever calls holds the lock that all children share. 1:
 * all of them were known, 0: learned now, -1: there is no room for it. */
int tenon_lessons_add(const tenon_hook *hook, uint32_t generation, const apr_array_header_t *names);

#endif
