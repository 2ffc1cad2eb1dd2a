/* SPDX-License-Identifier: Apache-2.0
 *
 * Maintenance: while the file of TenonMaintenance is there, no worker is asked.
 */
#ifndef TENON_MAINTENANCE_H
#define TENON_MAINTENANCE_H

#include <httpd.h>
#include "config/config.h"

/* Whether a pool's file is there; the log says so. */
int tenon_maintenance_is_on(request_rec *r, const tenon_pool *pool);

/* Answers with the file: OK, a status where it cannot be read, DECLINED where there is none. */
int tenon_maintenance_answer(request_rec *r, const tenon_pool *pool);

#endif
