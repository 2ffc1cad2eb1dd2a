/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TENON_FALLBACK_H
#define TENON_FALLBACK_H

#include <httpd.h>

/* TenonFallback: what is no file goes to a pool. */
void tenon_fallback_register(void);

/* Whether a request whose path goes on behind an existing file (PATH_INFO) goes to a pool: then its
 * handler is set. For the end of the handler phase, when no other module has taken it. */
int tenon_fallback_takes_path(request_rec *r);

#endif
