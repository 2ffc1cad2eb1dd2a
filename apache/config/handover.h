/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TENON_HANDOVER_H
#define TENON_HANDOVER_H

#include "config/config.h"

/* Makes the runtime directory when it is missing and writes config.json into it, whole or not at
 * all. Logs what fails. */
apr_status_t tenon_handover_write(const tenon_config *config, server_rec *s, apr_pool_t *p);

#endif
