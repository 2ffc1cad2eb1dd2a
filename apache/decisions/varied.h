/* SPDX-License-Identifier: Apache-2.0
 *
 * What a decision may vary on: a name such as `header:Authorization`, `user` or `expr:%{HTTPS}`,
 * and its value for a request.
 */
#ifndef TENON_VARIED_H
#define TENON_VARIED_H

#include <httpd.h>

#include "config/hook.h"

/* Whether a name is one of those that have a value. */
int tenon_varied_known(const char *name);

/* The value of a name for a request, in `*value`: NULL when there is none. `extra` holds the
 * tenon_entry that the hook is asked with, or is NULL. 0, or -1 when it cannot be told. */
int tenon_varied_value(request_rec *r, const tenon_hook *hook, const apr_array_header_t *extra,
                       const char *name, const char **value);

void tenon_varied_child_init(apr_pool_t *p, server_rec *s);

#endif
