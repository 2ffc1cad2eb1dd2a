/* SPDX-License-Identifier: Apache-2.0
 *
 * "tenon" among httpd's providers: AuthBasicProvider, AuthDigestProvider, Require.
 */
#ifndef TENON_PROVIDERS_H
#define TENON_PROVIDERS_H

#include <httpd.h>

void tenon_providers_register(apr_pool_t *p);

#endif
