/* SPDX-License-Identifier: Apache-2.0 */
#include <httpd.h>
#include <http_config.h>
#include <http_core.h>
#include <http_log.h>
#include <apr_lib.h>
#include <apr_strings.h>
#include <strings.h>

#include "hook.h"
#include "log.h"
#include "override.h"
#include "values.h"

#define STANDARD_TIMEOUT 5000 /* ms */
#define NONE             "none"
#define ANY_EXPORT       "*" /* .htaccess files are read when workers run */

typedef enum { RUN_ALL, RUN_FIRST, VOID, PROVIDER, FILTER, MAP } kind;

/* Sections that a phase sees: httpd puts together what is configured for a <Location> before it
 * translates a name, and what is for a <Directory>, <Files> or .htaccess behind it. */
typedef enum { SERVER, LOCATION, ANY } context;

typedef struct {
    const char *upper; /* name in the protocol */
    wire_phase phase;
    kind kind;
    context context;
    int on_error;
} row;

#define TENON_ROW(name, value, phase_kind, phase_context, on_error, meaning) \
    {#name, WIRE_PHASE_##name, phase_kind, phase_context, on_error},
static const row rows[] = {WIRE_PHASES(TENON_ROW)};
#undef TENON_ROW
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* Names of all phases, made once of the rows. */
static struct {
    char phase[32];
    char export[32];
} names[ROWS];

void tenon_hook_begin(apr_pool_t *p)
{
    tenon_configuration->hooks = apr_array_make(p, 4, sizeof(tenon_hook *));
    tenon_configuration->overridable = apr_array_make(p, 2, sizeof(const char *));
    for (size_t i = 0; i < ROWS && !names[i].phase[0]; i++) {
        size_t length = 0;
        size_t used = 0;
        for (const char *at = rows[i].upper; *at; at++) {
            const char lower = (char)(*at == '_' ? '_' : apr_tolower(*at));
            names[i].phase[length++] = lower;
            if (*at != '_') {
                names[i].export[used++] = at > rows[i].upper && at[-1] == '_' ? *at : lower;
            }
        }
    }
}

static size_t row_of(wire_phase phase)
{
    size_t i = 0;
    while (rows[i].phase != phase) {
        i++;
    }
    return i;
}

const char *tenon_hook_phase_name(wire_phase phase)
{
    return names[row_of(phase)].phase;
}

const char *tenon_hook_export_name(wire_phase phase)
{
    return names[row_of(phase)].export;
}

int tenon_hook_is_provider(wire_phase phase)
{
    return rows[row_of(phase)].kind == PROVIDER;
}

/* Where the function of a phase that TenonHook does not take is named, or NULL. */
static const char *other_directive(wire_phase phase)
{
    switch (phase) {
    case WIRE_PHASE_CHECK_AUTHORIZATION:
        return "Require tenon <pool>#<export>";
    case WIRE_PHASE_MAP:
        return "RewriteMap <name> tenon:<pool>#<export>";
    default:
        return NULL;
    }
}

/* Names of the phases that TenonHook takes, for an error. */
static const char *all_names(apr_pool_t *p)
{
    const char *all = "";
    for (size_t i = 0; i < ROWS; i++) {
        if (!other_directive(rows[i].phase)) {
            all = apr_pstrcat(p, all, *all ? ", " : "", names[i].phase, NULL);
        }
    }
    return all;
}

/* The row of a phase that TenonHook takes; NULL with `*error`. */
static const row *parse_phase(cmd_parms *cmd, const char *name, const char **error)
{
    for (size_t i = 0; i < ROWS; i++) {
        if (strcasecmp(names[i].phase, name)) {
            continue;
        }
        if (!other_directive(rows[i].phase)) {
            return &rows[i];
        }
        *error = apr_psprintf(cmd->pool, "TenonHook: %s is no phase of a request: write %s",
                              names[i].phase, other_directive(rows[i].phase));
        return NULL;
    }
    *error = apr_psprintf(cmd->pool, "TenonHook: there is no phase '%s': write one of %s", name,
                          all_names(cmd->pool));
    return NULL;
}

/* The outermost section that keeps a phase with this context from ever seeing a directive, or NULL.
 */
static const char *section_out_of_reach(const cmd_parms *cmd, context reach)
{
    static const char *const of_locations[] = {"<Location", "<LocationMatch", "<If", "<ElseIf",
                                               "<Else"};
    const char *found = NULL;
    for (const ap_directive_t *at = cmd->directive->parent; at; at = at->parent) {
        int of_location = 0;
        if (!strcasecmp(at->directive, "<VirtualHost")) {
            continue;
        }
        for (size_t i = 0; i < sizeof(of_locations) / sizeof(of_locations[0]); i++) {
            of_location |= !strcasecmp(at->directive, of_locations[i]);
        }
        if (reach == SERVER || (reach == LOCATION && !of_location)) {
            found = at->directive;
        }
    }
    return !found && reach != ANY && tenon_override_in_htaccess(cmd) ? "an .htaccess" : found;
}

static const char *check_place(cmd_parms *cmd, const row *phase)
{
    const char *error = ap_check_cmd_context(cmd, NOT_IN_LIMIT);
    const char *section;
    if (error) {
        return apr_pstrcat(cmd->pool, error, ": write when=\"%{REQUEST_METHOD} == 'POST'\"", NULL);
    }
    if (tenon_config_in_pool(cmd)) {
        return "TenonHook stands inside of a pool: put it behind </TenonPool>";
    }
    section = section_out_of_reach(cmd, phase->context);
    if (!section) {
        return NULL;
    }
    return apr_psprintf(
        cmd->pool, "TenonHook: %s never runs in %s%s, which httpd looks at later: write it in %s",
        tenon_hook_phase_name(phase->phase), section, *section == '<' ? ">" : "",
        phase->context == SERVER ? "the server or a <VirtualHost>, with when= for a part of it"
                                 : "the server, a <VirtualHost> or a <Location>");
}

static int is_export_name(const char *name)
{
    const char *at = name;
    while (apr_isalnum(*at) || *at == '_' || *at == '$') {
        at++;
    }
    return !*at && *name && !apr_isdigit(*name) && strcmp(name, "default") != 0;
}

tenon_hook *tenon_hook_parse_target(cmd_parms *cmd, const char *text, wire_phase phase,
                                    const char **error)
{
    const row *standard = &rows[row_of(phase)];
    const char *hash = strchr(text, '#');
    tenon_hook *hook = apr_pcalloc(cmd->pool, sizeof(*hook));
    hook->phase = phase;
    hook->pool_name = hash ? apr_pstrmemdup(cmd->pool, text, hash - text) : text;
    hook->export = hash ? hash + 1 : tenon_hook_export_name(phase);
    hook->order = TENON_MIDDLE;
    hook->timeout = STANDARD_TIMEOUT;
    hook->on_error = standard->on_error;
    hook->cache = 1;
    hook->htaccess = tenon_override_in_htaccess(cmd);
    hook->directive = cmd->cmd->name;
    hook->file = cmd->directive->filename;
    hook->line = cmd->directive->line_num;
    *error = NULL;
    if (!*hook->pool_name) {
        *error = apr_psprintf(cmd->pool, "%s: '%s' names no pool: write <pool> or <pool>#<export>",
                              cmd->cmd->name, text);
    } else if (!is_export_name(hook->export)) {
        *error =
            apr_psprintf(cmd->pool,
                         "%s: '%s' is not the name of an export: write that of a function "
                         "that the application exports, or leave #%s out for %s",
                         cmd->cmd->name, hook->export, hook->export, tenon_hook_export_name(phase));
    } else if (!hook->htaccess) {
        hook->number = tenon_configuration->hooks->nelts;
        APR_ARRAY_PUSH(tenon_configuration->hooks, tenon_hook *) = hook;
    } else {
        hook->pool = tenon_config_pool(hook->pool_name, cmd->temp_pool);
        if (!hook->pool) {
            *error = apr_psprintf(cmd->pool, "%s: there is no pool '%s': name one that exists",
                                  cmd->cmd->name, hook->pool_name);
        }
    }
    return *error ? NULL : hook;
}

/* The next word of a line, in which quotes may also begin behind the = of an option. */
static const char *next_word(apr_pool_t *p, const char **line)
{
    const char *at = *line;
    const char *name;
    while (apr_isspace(*at)) {
        at++;
    }
    name = at;
    while (apr_isalpha(*at) || *at == '-') {
        at++;
    }
    if (at == name || at[0] != '=' || (at[1] != '"' && at[1] != '\'')) {
        return ap_getword_conf(p, line);
    }
    *line = ++at;
    return apr_pstrcat(p, apr_pstrmemdup(p, name, at - name), ap_getword_conf(p, line), NULL);
}

static const char *set_when(cmd_parms *cmd, tenon_hook *hook, const char *value)
{
    const char *error;
    hook->when_text = value;
    hook->when = ap_expr_parse_cmd(cmd, value, AP_EXPR_FLAG_DONT_VARY, &error, NULL);
    return error ? apr_psprintf(cmd->pool,
                                "TenonHook: when=\"%s\" is not an expression (%s): write one such "
                                "as \"%%{REQUEST_METHOD} == 'POST'\"",
                                value, error)
                 : NULL;
}

static const char *set_order(cmd_parms *cmd, tenon_hook *hook, const char *value)
{
    static const char *const orders[] = {"early", "middle", "late"};
    if (tenon_hook_is_provider(hook->phase)) {
        return apr_psprintf(cmd->pool,
                            "TenonHook: %s takes no order=: who is asked first is said by "
                            "AuthBasicProvider or AuthDigestProvider, and by the order of lines",
                            tenon_hook_phase_name(hook->phase));
    }
    for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
        if (!strcasecmp(value, orders[i])) {
            hook->order = (tenon_order)i;
            return NULL;
        }
    }
    return apr_psprintf(cmd->pool, "TenonHook: order=%s is not known: write early, middle or late",
                        value);
}

static const char *set_timeout(cmd_parms *cmd, tenon_hook *hook, const char *value)
{
    static const tenon_number_row time = {0, TIME_KIND, STANDARD_TIMEOUT, 1, 86400000};
    if (hook->phase == WIRE_PHASE_LOG_TRANSACTION) {
        return "TenonHook: log_transaction takes no timeout=: no request waits for it, and a "
               "worker "
               "has TenonRequestTimeout for many records";
    }
    return tenon_value_number(cmd, &time, value, &hook->timeout);
}

static const char *set_on_error(cmd_parms *cmd, tenon_hook *hook, const char *value)
{
    const row *phase = &rows[row_of(hook->phase)];
    const int status = atoi(value);
    if (hook->phase == WIRE_PHASE_LOG_TRANSACTION) {
        return "TenonHook: log_transaction takes no on-error=: the request is answered by then";
    }
    if (!strcasecmp(value, "decline")) {
        hook->on_error = DECLINED;
        return NULL;
    }
    if (phase->kind == PROVIDER) {
        return apr_psprintf(cmd->pool,
                            "TenonHook: on-error=%s cannot hold in %s: write decline (the next "
                            "provider is asked), or leave it out (500)",
                            value, tenon_hook_phase_name(hook->phase));
    }
    if (phase->kind == VOID) {
        return apr_psprintf(cmd->pool,
                            "TenonHook: on-error=%s cannot hold in %s, whose result httpd does not "
                            "look at: write decline, or leave it out",
                            value, tenon_hook_phase_name(hook->phase));
    }
    if (!strcasecmp(value, "deny")) {
        hook->on_error = HTTP_SERVICE_UNAVAILABLE;
        return NULL;
    }
    if (strlen(value) != 3 || status < 400 || status > 599) {
        return apr_psprintf(cmd->pool,
                            "TenonHook: on-error=%s is not known: write deny, decline or a status "
                            "from 400 to 599",
                            value);
    }
    hook->on_error = status;
    return NULL;
}

static const char *set_cache(cmd_parms *cmd, tenon_hook *hook, const char *value)
{
    const row *phase = &rows[row_of(hook->phase)];
    if (phase->kind == FILTER || phase->kind == VOID || hook->phase == WIRE_PHASE_HANDLER ||
        hook->phase == WIRE_PHASE_LOG_TRANSACTION) {
        return apr_psprintf(cmd->pool,
                            "TenonHook: %s takes no cache=, nothing of it is kept: leave it out",
                            tenon_hook_phase_name(hook->phase));
    }
    if (strcasecmp(value, "on") && strcasecmp(value, "off")) {
        return apr_psprintf(cmd->pool, "TenonHook: cache=%s is not known: write on or off", value);
    }
    hook->cache = !strcasecmp(value, "on");
    return NULL;
}

static const char *set_errors(cmd_parms *cmd, tenon_hook *hook, const char *value)
{
    if (hook->phase != WIRE_PHASE_OUTPUT_FILTER) {
        return "TenonHook: only output_filter takes errors=: leave it out";
    }
    if (strcasecmp(value, "on") && strcasecmp(value, "off")) {
        return apr_psprintf(cmd->pool, "TenonHook: errors=%s is not known: write on or off", value);
    }
    hook->errors = !strcasecmp(value, "on");
    return NULL;
}

static const struct {
    const char *name;
    const char *(*set)(cmd_parms *cmd, tenon_hook *hook, const char *value);
} options[] = {{"when", set_when},         {"order", set_order}, {"timeout", set_timeout},
               {"on-error", set_on_error}, {"cache", set_cache}, {"errors", set_errors}};
#define OPTIONS (sizeof(options) / sizeof(options[0]))

/* Takes one option; `*given` has a bit for each that came before. */
static const char *set_hook_option(cmd_parms *cmd, tenon_hook *hook, const char *word,
                                   unsigned *given)
{
    const size_t length = strcspn(word, "=");
    for (size_t i = 0; i < OPTIONS; i++) {
        if (!word[length] || length != strlen(options[i].name) ||
            strncasecmp(word, options[i].name, length)) {
            continue;
        }
        if (*given & (1u << i)) {
            return apr_psprintf(cmd->pool, "TenonHook: %s= stands twice: leave one out",
                                options[i].name);
        }
        *given |= 1u << i;
        return options[i].set(cmd, hook, word + length + 1);
    }
    return apr_psprintf(cmd->pool,
                        "TenonHook: '%s' is not known: write when=, order=, timeout=, on-error=, "
                        "cache= or errors=, with no blank before or behind =",
                        word);
}

static int same_text(const char *a, const char *b)
{
    return a && b ? !strcmp(a, b) : a == b;
}

/* Adds a hook to a section, unless the section has it. */
static const char *add(cmd_parms *cmd, tenon_location *here, tenon_hook *hook)
{
    if (!here->hooks) {
        here->hooks = apr_array_make(cmd->pool, 2, sizeof(tenon_hook *));
    }
    for (int i = 0; i < here->hooks->nelts; i++) {
        const tenon_hook *other = APR_ARRAY_IDX(here->hooks, i, tenon_hook *);
        if (other->phase == hook->phase && !strcasecmp(other->pool_name, hook->pool_name) &&
            !strcmp(other->export, hook->export) && same_text(other->when_text, hook->when_text)) {
            return apr_psprintf(cmd->pool,
                                "TenonHook: this hook stands on line %d of %s already: leave one "
                                "out",
                                other->line, other->file);
        }
    }
    APR_ARRAY_PUSH(here->hooks, tenon_hook *) = hook;
    here->hooked |= (uint64_t)1 << hook->phase;
    return NULL;
}

/* TenonHook <phase> none. */
static const char *end(cmd_parms *cmd, tenon_location *here, const row *phase, const char *rest)
{
    const uint64_t bit = (uint64_t)1 << phase->phase;
    if (*rest) {
        return apr_psprintf(cmd->pool, "TenonHook: none takes no options: leave '%s' out", rest);
    }
    if (tenon_override_in_htaccess(cmd)) {
        return "TenonHook: an .htaccess cannot take hooks away: write none in a <Directory>";
    }
    if (here->hooked & bit) {
        return apr_psprintf(cmd->pool,
                            "TenonHook: none ends what outer sections say, so write it before the "
                            "section's other hooks of %s",
                            tenon_hook_phase_name(phase->phase));
    }
    here->ended |= bit;
    return NULL;
}

tenon_hook *tenon_hook_parse(cmd_parms *cmd, const char *text, const char *args, wire_phase phase,
                             const char **error)
{
    tenon_hook *hook = tenon_hook_parse_target(cmd, text, phase, error);
    unsigned given = 0;
    while (!*error && *args) {
        *error = set_hook_option(cmd, hook, next_word(cmd->pool, &args), &given);
        while (apr_isspace(*args)) {
            args++;
        }
    }
    return *error ? NULL : hook;
}

const char *tenon_hook_set(cmd_parms *cmd, void *location, const char *args)
{
    const char *name = ap_getword_conf(cmd->pool, &args);
    const char *target = ap_getword_conf(cmd->pool, &args);
    const char *error;
    const row *phase;
    tenon_hook *hook;
    if (!*target) {
        return "TenonHook takes a phase and a pool: write TenonHook <phase> <pool>[#<export>], "
               "or TenonHook <phase> none";
    }
    phase = parse_phase(cmd, name, &error);
    error = phase ? check_place(cmd, phase) : error;
    if (error) {
        return error;
    }
    if (!strcasecmp(target, NONE)) {
        return end(cmd, location, phase, args);
    }
    hook = tenon_hook_parse(cmd, target, args, phase->phase, &error);
    if (error) {
        return error;
    }
    if (hook->htaccess) {
        tenon_override_claim(cmd, location, hook->pool_name);
    }
    return add(cmd, location, hook);
}

/* Has a pool's workers told that an export will be asked for. */
static void expect(tenon_pool *pool, const char *export)
{
    for (int i = 0; i < pool->exports->nelts; i++) {
        if (!strcmp(APR_ARRAY_IDX(pool->exports, i, const char *), export)) {
            return;
        }
    }
    APR_ARRAY_PUSH(pool->exports, const char *) = export;
}

int tenon_hook_check(apr_pool_t *p, server_rec *s)
{
    int errors = 0;
    for (int i = 0; i < tenon_configuration->overridable->nelts; i++) {
        tenon_pool *pool =
            tenon_config_pool(APR_ARRAY_IDX(tenon_configuration->overridable, i, const char *), p);
        if (pool) { /* else config_check.c says so */
            expect(pool, ANY_EXPORT);
        }
    }
    for (int i = 0; i < tenon_configuration->hooks->nelts; i++) {
        tenon_hook *hook = APR_ARRAY_IDX(tenon_configuration->hooks, i, tenon_hook *);
        hook->pool = tenon_config_pool(hook->pool_name, p);
        if (hook->pool) {
            expect(hook->pool, hook->export);
        } else {
            tenon_config_missing_pool(s, hook->directive, hook->pool_name, hook->file, hook->line);
            errors++;
        }
    }
    return errors;
}
