/* SPDX-License-Identifier: Apache-2.0
 *
 * Expressions that a hook asks for time and again: their values travel with its phase, and asking
 * costs nothing. Each child of httpd learns by itself; hooks of .htaccess files teach nothing.
 */
#ifndef TENON_LEARNED_H
#define TENON_LEARNED_H

#include "config/hook.h"

/* Takes note that a hook asked for the value of an expression, which is right. */
void tenon_learned_note(const tenon_hook *hook, const char *text);

/* Adds the values of what a hook is known to ask for to the entries that it gets. */
void tenon_learned_add(request_rec *r, const tenon_hook *hook, apr_array_header_t *entries);

void tenon_learned_register(void);

#endif
