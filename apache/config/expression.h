/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions that a worker may have evaluated.
 */
#ifndef TENON_EXPRESSION_H
#define TENON_EXPRESSION_H

#include <httpd.h>
#include <ap_expr.h>

/* Parses a text as expressions have it (%{REMOTE_ADDR} and the like): NULL, or what is wrong. It
 * may not read files: the worker's user need not be allowed what httpd's is. */
const char *tenon_expression_parse(apr_pool_t *p, const char *text, ap_expr_info_t *expression);

#endif
