/* SPDX-License-Identifier: Apache-2.0
 *
 * Maps: exports that give the value of a key, for RewriteMap and in expressions.
 */
#ifndef TENON_MAP_H
#define TENON_MAP_H

#include <httpd.h>

/*
 * Before the configuration is processed: finds the maps that it names, and has mod_rewrite take
 * `RewriteMap <name> tenon:<pool>#<export>`. OK, or an error that is logged with file and line.
 */
int tenon_map_begin(apr_pool_t *p, apr_pool_t *temp);

void tenon_map_register(void);

#endif
