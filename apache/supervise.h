/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TENON_SUPERVISE_H
#define TENON_SUPERVISE_H

/* Starts the supervisor from post_config, hands it each new configuration, keeps it alive, ends it
 * with httpd. */
void tenon_supervise_register(void);

#endif
