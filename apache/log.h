/* SPDX-License-Identifier: Apache-2.0
 *
 * Log lines: `TN0001: [pool slot #request] text`. Tags are listed in docs/errors.md; one tag stands
 * at one place.
 */
#ifndef TENON_LOG_H
#define TENON_LOG_H

#include <http_log.h>

APLOG_USE_MODULE(tenon);

/* The head of a line about an exchange, and its arguments. `x` is a tenon_exchange. */
#define TENON_EXCHANGE_FORMAT "[%s %d #%s] %s"
#define TENON_EXCHANGE_PREFIX(x) \
    (x)->pool->name, (x)->channel ? (x)->channel->slot : -1, (x)->request->origin->id, (x)->role

#endif
