/* SPDX-License-Identifier: Apache-2.0
 *
 * The phases of a request in which hooks of TypeScript are asked. phases.c registers and chains
 * them, ask.c asks one; view.c says what a hook gets to see, permit.c and changes.c what it may
 * change.
 */
#ifndef TENON_PHASES_H
#define TENON_PHASES_H

#include <httpd.h>
#include <apr_tables.h>

#include "config/hook.h"
#include "phases/memo.h"

/* One thing of a request: what a hook sees, or changes. */
typedef struct {
    uint8_t how; /* operation and table: WIRE_OPERATIONS, WIRE_TABLES */
    const char *name;
    const char *value; /* NULL when unset */
} tenon_entry;

/* What came of a hook. */
typedef struct {
    int code;                    /* what the phase returns; DONE when a Response was sent */
    uint32_t ttl;                /* ms that the decision may be kept; 0: not */
    apr_array_header_t *vary;    /* const char *: what the decision depends on; NULL: nothing */
    apr_array_header_t *changes; /* tenon_entry, applied by now; NULL: none */
    const char *value;           /* RECORD value, or NULL */
    int status;                  /* RECORD status, or 0 */
    int stated;                  /* the worker holds state */
    int failed; /* the hook could not be asked or failed: code is on_error's; or the
                   client has gone: DONE */
} tenon_answer;

/* Where the path of an internal redirect waits, in r->notes: they follow a request that mod_dir or
 * mod_negotiation have found. */
#define TENON_REDIRECT_NOTE "tenon-redirect"

/* Adds an entry for the worker; passed over when `value` is NULL. */
void tenon_entry_add(apr_array_header_t *entries, uint8_t table, const char *name,
                     const char *value);

/* Whether a hook is to be asked by its `when`. When that cannot be told it has failed, which
 * `answer` says then. */
int tenon_phase_applies(request_rec *r, const tenon_hook *hook, tenon_answer *answer);

/* Runs one hook for a request, whatever its `when`: hop, changes applied. `extra` (or NULL) are
 * more entries for the worker: password, arguments, key. */
void tenon_phase_ask(request_rec *r, const tenon_hook *hook, const apr_array_header_t *extra,
                     tenon_answer *answer);

/* view.c: the entries of a request for a hook. */
apr_array_header_t *tenon_view_of(request_rec *r, const tenon_hook *hook,
                                  const apr_array_header_t *extra);

/* Has the client's connection closed behind an answer to a request that httpd has not taken yet. */
void tenon_phase_close(request_rec *r);

/* Whether a Response of a hook may be the client's answer. */
int tenon_phase_may_answer(const request_rec *r, wire_phase phase);

/* changes.c: applies changes that permit.h allows. */
void tenon_changes_apply(request_rec *r, const apr_array_header_t *changes, tenon_answer *answer);

void tenon_phases_register(void);

#endif
