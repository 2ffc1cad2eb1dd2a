/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TENON_STATUS_H
#define TENON_STATUS_H

void tenon_status_register(void);

#endif
