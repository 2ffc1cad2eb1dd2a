/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TENON_LOG_ITEMS_H
#define TENON_LOG_ITEMS_H

void tenon_log_items_register(void);

#endif
