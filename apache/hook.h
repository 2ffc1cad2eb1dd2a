/* SPDX-License-Identifier: Apache-2.0
 *
 * A hook as configured: which export of a pool is asked in a phase, when, and what counts when it
 * cannot be.
 */
#ifndef TENON_HOOK_H
#define TENON_HOOK_H

#include <httpd.h>
#include <ap_expr.h>

#include "config.h"
#include "wire/protocol.h"

/* Among the hooks of one phase, httpd's own modules included. */
typedef enum { TENON_EARLY, TENON_MIDDLE, TENON_LATE } tenon_order;

typedef struct {
    wire_phase phase;
    tenon_pool *pool; /* set once the whole configuration is read */
    const char *pool_name;
    const char *export;
    const ap_expr_info_t *when; /* NULL: always */
    tenon_order order;
    int timeout;      /* ms, for all of it: waiting for a worker and the worker's answer */
    int on_error;     /* what counts when it fails: DECLINED, or an HTTP status */
    int cache;        /* its decisions may be kept */
    const char *file; /* of the configuration */
    int line;
} tenon_hook;

#endif
