/* SPDX-License-Identifier: Apache-2.0
 *
 * Hooks: which export of which pool is asked in which phase. Read while httpd reads its
 * configuration, or an .htaccess file; never changed afterwards.
 */
#ifndef TENON_HOOK_H
#define TENON_HOOK_H

#include <httpd.h>
#include <http_config.h>
#include <ap_expr.h>
#include "config/config.h"
#include "config/location.h"
#include "wire/protocol.h"

typedef enum { TENON_EARLY, TENON_MIDDLE, TENON_LATE } tenon_order;

typedef struct {
    wire_phase phase;
    tenon_pool *pool; /* set when the whole configuration is read */
    const char *pool_name;
    const char *export;
    const ap_expr_info_t *when; /* NULL: always */
    const char *when_text;
    tenon_order order;
    int timeout;  /* ms, for all of the hook: queue and run */
    int on_error; /* DECLINED, an HTTP status, or 0: what the phase does by itself */
    int cache;    /* a decision may be kept as long as the worker says */
    int errors;   /* an output filter: error pages too */
    int htaccess; /* stands in an .htaccess file */
    int number;   /* of the configuration's hooks, from 0 */
    const char *directive;
    const char *file;
    int line;
} tenon_hook;

/* How httpd takes the results of a phase (columns of WIRE_PHASES). */
typedef enum {
    TENON_KIND_RUN_ALL,
    TENON_KIND_RUN_FIRST,
    TENON_KIND_VOID,
    TENON_KIND_PROVIDER,
    TENON_KIND_FILTER,
    TENON_KIND_MAP
} tenon_kind;

/* Sections that a phase sees: httpd puts together what is configured for a <Location> before it
 * translates a name, and what is for a <Directory>, <Files> or .htaccess behind it. */
typedef enum { TENON_CONTEXT_SERVER, TENON_CONTEXT_LOCATION, TENON_CONTEXT_ANY } tenon_context;

typedef struct {
    const char *upper; /* name in the protocol */
    wire_phase phase;
    tenon_kind kind;
    tenon_context context;
    int on_error; /* as of a hook that does not say */
} tenon_rule;

const tenon_rule *tenon_hook_rule(wire_phase phase);

/* All rules in order; NULL behind the last. */
const tenon_rule *tenon_hook_rule_at(size_t index);

/* Name of a phase as httpd spells it, such as access_checker. */
const char *tenon_hook_phase_name(wire_phase phase);

/* Name of the export that answers a phase when none is given, such as accessChecker. */
const char *tenon_hook_export_name(wire_phase phase);

/* Whether a phase is a function of httpd's providers, whose results are its own. */
int tenon_hook_is_provider(wire_phase phase);

/*
 * Makes a hook of `phase` with its defaults from `<pool>[#<export>]` in a directive, and has the
 * pool looked up when the whole configuration is read (at once in an .htaccess). NULL with `*error`
 * when the text is wrong.
 */
tenon_hook *tenon_hook_parse_target(cmd_parms *cmd, const char *text, wire_phase phase,
                                    const char **error);

/* The same, with the options of TenonHook behind it. */
tenon_hook *tenon_hook_parse(cmd_parms *cmd, const char *text, const char *args, wire_phase phase,
                             const char **error);

/* Sets the pools of all hooks, and the exports that each pool is asked for: the number of errors,
 * which are logged. */
int tenon_hook_check(apr_pool_t *p, server_rec *s);

/* Before a configuration is read. */
void tenon_hook_begin(apr_pool_t *p);

/* Directive: hook_directive.c, as tenon_hook_parse. */
const char *tenon_hook_set(cmd_parms *cmd, void *location, const char *args);

#endif
