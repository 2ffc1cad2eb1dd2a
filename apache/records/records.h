/* SPDX-License-Identifier: Apache-2.0
 *
 * The log phase: what is known of a request that is over becomes a record, which waits in a spool
 * (spool.h) until a worker has acknowledged it (sender.h). No request waits for a worker.
 */
#ifndef TENON_RECORDS_H
#define TENON_RECORDS_H

#include "config/hook.h"

/* Has a hook of log_transaction get a record of a request. */
void tenon_record_add(request_rec *r, const tenon_hook *hook);

void tenon_records_register(void);

#endif
